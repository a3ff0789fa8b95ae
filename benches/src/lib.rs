//! benches of flowkit.
