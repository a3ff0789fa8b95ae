//! Flow runs.

use serde_json::{Value, json};

use super::seconds;
use super::state::{Of, state};
use crate::background::AUTO_SCHEDULED;
use crate::clock::Timestamp;
use crate::id::id_of;
use crate::run::FlowRun;
use crate::state::{State, StateType};

/// Prefect's `FlowRunResponse`.
pub(in crate::endpoint) fn flow_run(run: &FlowRun, now: Timestamp) -> Value {
    let states = run.states();
    let (current, index) = (run.state(), states.len().saturating_sub(1));
    let effort = run.effort();
    let expected = run.scheduled_start_time();
    let flow_id = id_of("flow", run.flow_name());
    let deployment = run.deployment();
    let mut labels = json!({ "prefect.flow.id": flow_id });
    if let Some(deployment) = deployment {
        labels["prefect.deployment.id"] = json!(deployment.id);
    }
    let shown = state(Of::Flow(run.id), index, &current);
    let mut ran = effort.total_run_time;
    if current.state_type() == StateType::Running {
        ran += now.since(current.timestamp());
    }
    json!({
        "id": run.id,
        "created": states.first().map_or(now, State::timestamp),
        "updated": current.timestamp(),
        "name": run.name,
        "flow_id": flow_id,
        "state_id": shown["id"],
        "deployment_id": deployment.map(|deployment| deployment.id),
        "deployment_version": deployment.and_then(|deployment| deployment.version.as_deref()),
        "work_queue_id": null,
        "work_queue_name": null,
        "flow_version": run.flow_version(),
        "parameters": run.parameters,
        "idempotency_key": null,
        "context": {},
        "empirical_policy": {
            "max_retries": 0,
            "retry_delay_seconds": 0.0,
            "retries": run.retries,
            "retry_delay": run.retry_delay.before(1).as_secs(),
            "pause_keys": [],
            "resuming": false,
            "retry_type": null,
        },
        "tags": run.tags,
        "labels": labels,
        "parent_task_run_id": run.parent_task_run,
        "state_type": current.state_type().as_str(),
        "state_name": current.name(),
        "run_count": effort.run_count,
        "expected_start_time": expected,
        "next_scheduled_start_time": next_scheduled(&current),
        "start_time": effort.start_time,
        "end_time": effort.end_time,
        "total_run_time": seconds(effort.total_run_time),
        "estimated_run_time": seconds(ran),
        "estimated_start_time_delta": lateness(expected, effort.start_time, &current, now),
        "auto_scheduled": run.tags.iter().any(|tag| tag == AUTO_SCHEDULED),
        "infrastructure_document_id": null,
        "infrastructure_pid": null,
        "created_by": null,
        "work_pool_id": null,
        "work_pool_name": null,
        "state": shown,
        "job_variables": {},
    })
}

/// All states that a run has been through.
pub(in crate::endpoint) fn states(run: &FlowRun) -> Value {
    run.states().iter().enumerate().map(|(index, of)| state(Of::Flow(run.id), index, of)).collect()
}

/// When a run is to start that has not yet.
pub(in crate::endpoint) fn next_scheduled(current: &State) -> Option<Timestamp> {
    current.details().scheduled_time.filter(|_| current.state_type() == StateType::Scheduled)
}

/// How many seconds after its time a run has started, or would if it did now.
fn lateness(expected: Option<Timestamp>, started: Option<Timestamp>, current: &State, now: Timestamp) -> f64 {
    match (expected, started) {
        (Some(expected), Some(started)) => seconds(started.since(expected)),
        (Some(expected), None) if !current.is_final() => seconds(now.since(expected)),
        _ => 0.0,
    }
}
