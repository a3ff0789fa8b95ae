//! flowkit-client of flowkit.
