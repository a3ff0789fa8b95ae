//! How runs are stopped: they are told, those that listen are given time, and then they are dropped.

mod grace;
mod hold;
mod stopping;

pub(crate) use grace::{Stop, last_turns};
pub(crate) use hold::{Above, Hold};
pub(crate) use stopping::Stopping;
