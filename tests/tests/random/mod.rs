//! Random programs, and the rules that hold for each.

pub mod program;
pub mod rules;
