//! Serving background tasks: a process that runs what others have delayed (Prefect's `serve` of tasks).

mod call;
mod choice;
mod claim;
mod run;
mod worker;

pub use call::{ServeTasksCall, serve_tasks};
pub use choice::TaskChoice;
