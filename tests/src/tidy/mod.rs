//! Checks on the sources.
