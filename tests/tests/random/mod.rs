//! Random programs, and the rules that hold for each.

pub(crate) mod program;
pub(crate) mod rules;
