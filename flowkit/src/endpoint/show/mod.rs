//! What there is, in the JSON of Prefect's API. Pure.

mod deployment;
mod event;
mod flow_run;
mod log;
mod state;
mod task_run;

use std::time::Duration;

use serde_json::{Value, json};

pub(super) use deployment::{deployment, schedules};
pub(super) use event::event;
pub(super) use flow_run::{flow_run, next_scheduled, states};
pub(super) use log::log;
pub(super) use state::of_run as state_of_run;
pub(super) use task_run::task_run;

use super::rows::FlowRow;

/// Prefect's `Flow`.
pub(super) fn flow(flow: &FlowRow) -> Value {
    json!({
        "id": flow.id, "created": flow.created, "updated": flow.created, "name": flow.name, "tags": [], "labels": {},
    })
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
