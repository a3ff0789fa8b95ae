//! Log lines on their way from `tracing` to the console and the backend.

mod console;
mod fields;
mod lean;
mod run_logs;

pub(crate) use console::Console;
pub(crate) use lean::Lean;
pub(crate) use run_logs::{Owner, RunLogs};
