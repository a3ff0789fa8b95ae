//! States.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::id::{FlowRunId, TaskRunId, state_id};
use crate::run::FlowRun;
use crate::state::State;

/// The run that a state belongs to.
#[derive(Clone, Copy, Debug)]
pub(in crate::endpoint) enum Of {
    Flow(FlowRunId),
    Task(TaskRunId, Option<FlowRunId>),
}

impl Of {
    fn uuid(self) -> Uuid {
        match self {
            Self::Flow(id) => id.uuid(),
            Self::Task(id, _) => id.uuid(),
        }
    }
}

/// Prefect's `State`, the `index`-th of a run.
pub(in crate::endpoint) fn state(of: Of, index: usize, state: &State) -> Value {
    let details = state.details();
    let pause = details.pause.as_deref();
    let keys = pause.and_then(|pause| pause.input.as_ref());
    let (flow_run, task_run) = match of {
        Of::Flow(id) => (Some(id), None),
        Of::Task(id, flow_run) => (flow_run, Some(id)),
    };
    json!({
        "id": state_id(of.uuid(), index, state.timestamp()),
        "type": state.state_type().as_str(),
        "name": state.name(),
        "timestamp": state.timestamp(),
        "message": state.message(),
        "data": state.data(),
        "state_details": {
            "flow_run_id": flow_run,
            "task_run_id": task_run,
            "child_flow_run_id": null,
            "scheduled_time": details.scheduled_time,
            "cache_key": null,
            "cache_expiration": null,
            "deferred": false,
            "untrackable_result": false,
            "pause_timeout": pause.map(|pause| pause.timeout),
            "pause_reschedule": pause.is_some_and(|pause| pause.reschedule),
            "pause_key": pause.map(|pause| pause.key.as_str()),
            "run_input_keyset": keys.map(|keys| json!({
                "schema": keys.schema, "description": keys.description, "response": keys.response,
            })),
            "refresh_cache": null,
            "retriable": details.retriable,
            "transition_id": null,
            "task_parameters_id": null,
            "traceparent": null,
            "deployment_concurrency_lease_id": null,
        },
    })
}

/// A state that a flow run is in or is about to be in.
pub(in crate::endpoint) fn of_run(run: &FlowRun, wanted: &State) -> Value {
    let states = run.states();
    let index = states.iter().rposition(|known| known == wanted).unwrap_or(states.len());
    state(Of::Flow(run.id), index, wanted)
}
