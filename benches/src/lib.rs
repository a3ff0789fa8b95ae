//! How the benches measure.
//!
//! - [`part`] runs a part of a bench in a process of its own, with its own settings.
//! - [`meter`] times operations in turn, repeat by repeat: what is measured next to its floor.
//! - [`scratch`] makes files for a moment.

pub mod meter;
pub mod part;
pub mod scratch;

pub use part::{Console, Part};
