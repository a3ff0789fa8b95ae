//! tests of flowkit.
