//! The requests of the API, by object. Each function is pure: it says what to send and what comes back.

pub mod admin;
pub mod artifacts;
pub mod automations;
pub mod blocks;
pub mod concurrency;
pub mod deployments;
pub mod events;
pub mod flow_runs;
pub mod flows;
pub mod logs;
pub mod run_input;
pub mod task_runs;
pub mod variables;
