//! A state of a task run as the event that the server makes a row of. Pure.

use flowkit_client::model as wire;
use serde_json::{Value, json};

use super::{Known, policy, task_inputs};
use crate::clock::Timestamp;
use crate::id::TaskRunId;
use crate::run::{Effort, TaskRun, background_key};
use crate::state::State;

/// Longer messages are cut by the server too.
const MAX_MESSAGE: usize = 100_000;

/// Events this far apart are not chained: the server gives up waiting for the earlier one.
const MAX_APART: std::time::Duration = std::time::Duration::from_secs(5 * 60);

/// Makes the event of the `index`-th state. `known_as` tells by which run the server knows another one.
pub(crate) fn task_event(
    run: &TaskRun,
    index: usize,
    flow_run: Option<&Known>,
    known_as: &dyn Fn(TaskRunId) -> TaskRunId,
) -> Option<wire::Event> {
    let states = run.track.with(|states| states.get(..=index).map(<[State]>::to_vec))?;
    let state = states.last()?;
    let before = index.checked_sub(1).and_then(|before| states.get(before));
    let effort = run.effort_in(&states);
    let name = if index == 0 { run.default_name() } else { run.name() };
    let message = cut(state.message().unwrap_or_default());
    let resource = wire::Resource::new(format!("prefect.task-run.{}", run.id))
        .name(&name)
        .label("prefect.run-count", effort.run_count.to_string())
        .label("prefect.state-message", message)
        .label("prefect.state-name", state.name())
        .label("prefect.state-timestamp", zoned(state.timestamp()))
        .label("prefect.state-type", state.state_type().as_str())
        .label("prefect.orchestration", "client");
    let mut event = wire::Event::new(format!("prefect.task-run.{}", state.name()), resource);
    event.occurred = state.timestamp().to_utc();
    event.id = run.state_id(index)?;
    let close = |before: &&State| state.timestamp().since(before.timestamp()) < MAX_APART;
    // The state in which a run was found has been reported by somebody else.
    let is_ours = index > usize::from(run.can_be_given_back());
    event.follows = before.filter(close).filter(|_| is_ours).and_then(|_| run.state_id(index - 1));
    event.related = run.tags().iter().map(|tag| wire::RelatedResource::tag(tag)).collect();
    if let (Some(known), Some(flow_run)) = (flow_run, &run.flow_run) {
        event.related.extend(known.related(flow_run.def.name));
    }
    if let Some((id, name)) = run.adopted().and_then(|adopted| adopted.flow_run.as_ref()) {
        event.related.push(wire::RelatedResource::new("flow-run", format!("prefect.flow-run.{id}")).name(name));
    }
    let payload = json!({
        "intended": {"from": before.map(|state| state.state_type().as_str()), "to": state.state_type().as_str()},
        "initial_state": before.map(described),
        "validated_state": validated(state),
        "task_run": row(run, &name, &effort, known_as),
    });
    if let Value::Object(payload) = payload {
        event.payload = payload;
    }
    Some(event)
}

/// The state with its UTC offset written as numbers, the only place where Prefect does so.
fn zoned(at: Timestamp) -> String {
    at.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Micros, false)
}

fn cut(message: &str) -> &str {
    let mut end = message.len().min(MAX_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

fn described(state: &State) -> Value {
    json!({
        "type": state.state_type().as_str(),
        "name": state.name(),
        "message": cut(state.message().unwrap_or_default()),
        "state_details": state.details(),
    })
}

fn validated(state: &State) -> Value {
    let mut described = described(state);
    described["data"] = state.data().map_or(Value::Null, |data| json!(data));
    described
}

fn dynamic_key(run: &TaskRun) -> String {
    match run.adopted() {
        Some(_) => background_key(run.id),
        None => run.id.dynamic_key().to_string(),
    }
}

fn row(run: &TaskRun, name: &str, effort: &Effort, known_as: &dyn Fn(TaskRunId) -> TaskRunId) -> Value {
    let flow_run_run_count = run.flow_run.as_ref().map_or(0, |flow_run| flow_run.effort().run_count);
    let mut row = json!({
        "name": name,
        "task_key": run.def.key,
        "dynamic_key": dynamic_key(run),
        "empirical_policy": policy(run),
        "tags": run.tags(),
        "labels": {},
        "task_inputs": task_inputs(run, known_as),
        "run_count": effort.run_count,
        "flow_run_run_count": flow_run_run_count,
        "total_run_time": effort.total_run_time.as_secs_f64(),
    });
    let optional = [
        ("task_version", run.def.version.map(|version| json!(version))),
        ("expected_start_time", effort.expected_start_time.map(|at| json!(at))),
        ("start_time", effort.start_time.map(|at| json!(at))),
        ("end_time", effort.end_time.map(|at| json!(at))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            row[name] = value;
        }
    }
    row
}
