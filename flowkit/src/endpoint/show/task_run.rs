//! Task runs.

use serde_json::{Map, Value, json};

use super::seconds;
use super::state::{Of, state};
use crate::clock::Timestamp;
use crate::run::{TaskInput, TaskRun};
use crate::state::State;

/// Prefect's `TaskRun`.
pub(in crate::endpoint) fn task_run(run: &TaskRun, now: Timestamp) -> Value {
    let states = run.states();
    let current = run.state();
    let effort = run.effort();
    let flow_run = run.flow_run().map(|run| run.id);
    let shown = state(Of::Task(run.id, flow_run), states.len().saturating_sub(1), &current);
    let inputs: Map<String, Value> = run
        .inputs()
        .into_iter()
        .map(|(argument, origins)| (argument.to_owned(), origins.into_iter().map(origin).collect()))
        .collect();
    json!({
        "id": run.id,
        "created": states.first().map_or(now, State::timestamp),
        "updated": current.timestamp(),
        "name": run.name(),
        "flow_run_id": flow_run,
        "task_key": run.def.key,
        "dynamic_key": run.id.dynamic_key().to_string(),
        "cache_key": null,
        "cache_expiration": null,
        "task_version": run.def.version,
        "empirical_policy": {
            "max_retries": 0,
            "retry_delay_seconds": 0.0,
            "retries": run.retries(),
            "retry_delay": delays(run),
            "retry_jitter_factor": run.extra.as_ref().and_then(|extra| extra.retry_jitter_factor),
        },
        "tags": run.tags(),
        "labels": {},
        "state_id": shown["id"],
        "task_inputs": inputs,
        "state_type": current.state_type().as_str(),
        "state_name": current.name(),
        "run_count": effort.run_count,
        "flow_run_run_count": run.flow_run().map_or(0, |run| run.run_count()),
        "expected_start_time": effort.expected_start_time,
        "next_scheduled_start_time": null,
        "start_time": effort.start_time,
        "end_time": effort.end_time,
        "total_run_time": seconds(effort.total_run_time),
        "estimated_run_time": seconds(effort.total_run_time),
        "estimated_start_time_delta": 0.0,
        "state": shown,
    })
}

fn delays(run: &TaskRun) -> Value {
    let delays = run.extra.as_ref().map_or(&[][..], |extra| &extra.retry_delays);
    match delays {
        [] => json!(0),
        [one] => json!(seconds(*one)),
        several => several.iter().map(|delay| seconds(*delay)).collect(),
    }
}

fn origin(origin: TaskInput) -> Value {
    match origin {
        TaskInput::TaskRun(id) => json!({ "input_type": "task_run", "id": id }),
        TaskInput::FlowRun(id) => json!({ "input_type": "flow_run", "id": id }),
    }
}
