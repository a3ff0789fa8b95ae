//! flowkit of flowkit.
