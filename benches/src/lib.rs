//! How the benches measure.
//!
//! - [`part`] runs a part of a bench in a process of its own, with its own settings.
//! - [`meter`] times an operation, repeat by repeat, next to the floor of `tokio::spawn`.

pub mod meter;
pub mod part;

pub use part::{Console, Part};
