//! flowkit-macros of flowkit.
