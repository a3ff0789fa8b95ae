//! Serving deployments: a process that starts their runs (Prefect's `serve` and its runner).

mod announce;
mod call;
mod cancelling;
mod child;
mod contact;
mod endpoint;
mod health;
mod hooks;
mod left;
mod options;
mod pulse;
mod queue;
mod runner;
mod start;
pub(crate) mod stop;

pub use call::{ServeAllCall, ServeCall, serve};
pub use options::Isolation;
