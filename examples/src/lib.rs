//! Shared parts of the examples: a real data set and a small web service over it.
//!
//! The examples talk HTTP to this service instead of the internet, so they run offline and show
//! retries on failures that come at the same place in every run.

pub mod args;
pub mod catalog;
pub mod client;
pub mod data;
pub mod pages;

pub use catalog::Catalog;
pub use client::client;
pub use data::Record;

/// The example of the README, compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
