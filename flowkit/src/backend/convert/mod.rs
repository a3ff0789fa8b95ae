//! Our words in the server's, and back. Pure.

mod asset;
mod deferred;
mod deployment;
mod event;
mod happened;
mod pause;
mod slots;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flowkit_client::model as wire;
use serde_json::json;
use uuid::Uuid;

use crate::backend::{Existing, NewFlowRun, ParentRun};
use crate::background::{Background, Deployment};
use crate::clock::Timestamp;
use crate::event::LogRecord;
use crate::id::{FlowRunId, TaskRunId};
use crate::run::{FlowRun, TaskInput, TaskInputs, TaskRun};
use crate::state::{State, StateType};

pub(crate) use asset::asset_event;
pub(crate) use deferred::{deferred, known_deferred};
pub(crate) use deployment::{automations, deployment, deployment_run, deployment_stand_in, owner};
pub(crate) use event::task_event;
pub(crate) use happened::{event_filter, heard_event, told_event};
pub(crate) use slots::slots_event;

/// More origins of one argument than this are not reported: an event may have 1.5 MB at most.
const MAX_ORIGINS: usize = 10_000;

/// What the server calls a flow run.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) flow_run: Uuid,
    pub(crate) flow: Uuid,
    pub(crate) name: String,
}

impl Known {
    pub(crate) fn of(run: &FlowRun) -> Self {
        Self { flow_run: run.id.uuid(), flow: run.flow_id, name: run.name.clone() }
    }

    /// The resources that events of the run's tasks are related to.
    pub(super) fn related(&self, flow: &str) -> [wire::RelatedResource; 2] {
        [
            wire::RelatedResource::new("flow-run", format!("prefect.flow-run.{}", self.flow_run)).name(&self.name),
            wire::RelatedResource::new("flow", format!("prefect.flow.{}", self.flow)).name(flow),
        ]
    }
}

fn wire_type(state_type: StateType) -> wire::StateType {
    match state_type {
        StateType::Scheduled => wire::StateType::Scheduled,
        StateType::Pending => wire::StateType::Pending,
        StateType::Running => wire::StateType::Running,
        StateType::Completed => wire::StateType::Completed,
        StateType::Failed => wire::StateType::Failed,
        StateType::Cancelled => wire::StateType::Cancelled,
        StateType::Crashed => wire::StateType::Crashed,
        StateType::Paused => wire::StateType::Paused,
        StateType::Cancelling => wire::StateType::Cancelling,
    }
}

/// A type this crate does not know counts as pending: the run is neither running nor ended.
fn our_type(state_type: wire::StateType) -> StateType {
    match state_type {
        wire::StateType::Scheduled => StateType::Scheduled,
        wire::StateType::Running => StateType::Running,
        wire::StateType::Completed => StateType::Completed,
        wire::StateType::Failed => StateType::Failed,
        wire::StateType::Cancelled => StateType::Cancelled,
        wire::StateType::Crashed => StateType::Crashed,
        wire::StateType::Paused => StateType::Paused,
        wire::StateType::Cancelling => StateType::Cancelling,
        _ => StateType::Pending,
    }
}

/// A state to be proposed.
pub(crate) fn proposed(state: &State) -> wire::StateCreate {
    let mut create = wire::StateCreate::new(wire_type(state.state_type())).name(state.name());
    create.message = state.message().map(ToOwned::to_owned);
    let details = state.details();
    create.state_details.scheduled_time = details.scheduled_time.map(Timestamp::to_utc);
    create.state_details.retriable = details.retriable;
    if let Some(pause) = state.pause() {
        pause::describe(pause, &mut create.state_details);
    }
    create.data = state.data().and_then(|data| serde_json::to_value(data).ok());
    create.state_details.transition_id = Some(Uuid::new_v4());
    create
}

/// A state the server answered with.
pub(crate) fn answered(state: &wire::State) -> State {
    let mut ours = State::named(our_type(state.kind), &state.name, state.timestamp.into());
    if let Some(message) = state.message.as_ref().filter(|message| !message.is_empty()) {
        ours = ours.with_message(message);
    }
    if let Some(at) = state.state_details.scheduled_time {
        ours = ours.with_scheduled_time(at.into());
    }
    // What is no reference to a record, as older clients sent it, is none of ours.
    if let Some(Ok(data)) = state.data.clone().map(serde_json::from_value) {
        ours = ours.with_data(data);
    }
    match pause::described(&state.state_details) {
        Some(pause) => ours.with_pause(pause),
        None => ours,
    }
}

/// A flow run that the server knows; `None` if it has no state.
pub(crate) fn existing(run: wire::FlowRun, flow: String, deployment: Option<wire::Deployment>) -> Option<Existing> {
    // A run that is resumed has been counted when it was first started.
    let resuming = run.empirical_policy.resuming == Some(true);
    let parameters = serde_json::Value::Object(run.parameters);
    Some(Existing {
        id: run.id.into(),
        flow,
        flow_id: run.flow_id,
        name: run.name,
        parameters: parameters.clone(),
        tags: run.tags,
        parent_task_run: run.parent_task_run_id.map(Into::into),
        state: answered(run.state.as_ref()?),
        step: run.state.as_ref()?.state_details.transition_id,
        background: Background {
            deployment: deployment.map(|known| {
                Arc::new(Deployment { id: known.id, name: known.name, version: known.version, parameters })
            }),
            scheduled: run.expected_start_time.map(Into::into),
            run_count: run.run_count.saturating_sub(u32::from(resuming)),
            ..Background::default()
        },
    })
}

/// A flow run to be created, once for each key.
pub(crate) fn flow_run(new: &NewFlowRun, flow: Uuid, stand_in: Option<Uuid>, key: FlowRunId) -> wire::FlowRunCreate {
    let mut create = wire::FlowRunCreate::new(flow);
    create.state = Some(wire::StateCreate::new(wire::StateType::Pending).name("Pending"));
    create.name.clone_from(&new.name);
    create.flow_version = Some(new.def.version.to_owned()).filter(|version| !version.is_empty());
    create.parameters = new.parameters.as_object().cloned().unwrap_or_default();
    create.parent_task_run_id = stand_in;
    create.tags.clone_from(&new.tags);
    create.idempotency_key = Some(key.to_string());
    create.empirical_policy.retries = Some(new.retries);
    create.empirical_policy.retry_delay = Some(whole_seconds(new.retry_delay.before(1)));
    create
}

/// The server knows one delay for all retries of a flow, in whole seconds: it is told the first, and a fraction is not dropped but rounded up.
pub(crate) fn whole_seconds(delay: Duration) -> u64 {
    delay.as_secs() + u64::from(delay.subsec_nanos() > 0)
}

/// The task run that stands for a subflow in the graph of the flow run that calls it, once for each key.
pub(crate) fn stand_in(
    new: &NewFlowRun,
    parent: &ParentRun,
    flow_run: Uuid,
    key: FlowRunId,
    known_as: &dyn Fn(TaskRunId) -> TaskRunId,
) -> wire::TaskRunCreate {
    let dynamic_key = match parent.task_run {
        None => parent.nth.to_string(),
        Some(_) => key.to_string(),
    };
    let mut create = wire::TaskRunCreate::new(new.def.key, dynamic_key);
    create.name = Some(format!("{}-{}", new.def.name, parent.nth));
    create.flow_run_id = Some(flow_run);
    create.state = Some(wire::StateCreate::new(wire::StateType::Pending).name("Pending"));
    create.task_inputs = origins(&new.stand_in_inputs(), known_as);
    create
}

fn origins(inputs: &TaskInputs, known_as: &dyn Fn(TaskRunId) -> TaskRunId) -> BTreeMap<String, Vec<wire::TaskInput>> {
    let wired = |input: &TaskInput| match input {
        TaskInput::TaskRun(id) => wire::TaskInput::TaskRun { id: known_as(*id).uuid() },
        TaskInput::FlowRun(id) => wire::TaskInput::FlowRun { id: id.uuid() },
    };
    let of = |runs: &[TaskInput]| {
        let mut wired: Vec<wire::TaskInput> = runs.iter().map(wired).collect();
        // What stands for many stands there once.
        wired.dedup();
        wired.truncate(MAX_ORIGINS);
        wired
    };
    inputs.iter().map(|(name, runs)| ((*name).to_owned(), of(runs))).collect()
}

/// A log line.
pub(crate) fn log(record: &LogRecord, flow_run: Option<Uuid>) -> wire::LogCreate {
    let name = if record.task_run_id.is_some() { "prefect.task_runs" } else { "prefect.flow_runs" };
    wire::LogCreate {
        name: name.to_owned(),
        level: record.level as u8,
        message: record.message.clone(),
        timestamp: record.timestamp.to_utc(),
        flow_run_id: flow_run,
        task_run_id: record.task_run_id.map(crate::id::TaskRunId::uuid),
    }
}

/// The sign of life of a running flow run.
pub(crate) fn heartbeat(run: &FlowRun, known: &Known) -> wire::Event {
    let resource = wire::Resource::new(format!("prefect.flow-run.{}", known.flow_run))
        .name(&known.name)
        .label("prefect.version", flowkit_client::PREFECT_VERSION);
    let mut event = wire::Event::new("prefect.flow-run.heartbeat", resource);
    let [_, flow] = known.related(run.def.name);
    event.related = run.tags.iter().map(|tag| wire::RelatedResource::tag(tag)).chain([flow]).collect();
    event
}

fn seconds(duration: Duration) -> serde_json::Value {
    json!(duration.as_secs_f64())
}

/// The policy of a task run, as its events carry it.
fn policy(run: &TaskRun) -> serde_json::Value {
    let delays = run.extra.as_ref().map_or(&[][..], |extra| &extra.retry_delays);
    let delay = match delays {
        [] => json!(0),
        [one] => seconds(*one),
        several => several.iter().copied().map(seconds).collect(),
    };
    let jitter = run.extra.as_ref().and_then(|extra| extra.retry_jitter_factor);
    json!({
        "max_retries": 0,
        "retry_delay_seconds": 0.0,
        "retries": run.retries(),
        "retry_delay": delay,
        "retry_jitter_factor": jitter,
    })
}

/// The origins of a task run's arguments, as its events carry them.
fn task_inputs(run: &TaskRun, known_as: &dyn Fn(TaskRunId) -> TaskRunId) -> serde_json::Value {
    serde_json::to_value(origins(&run.inputs(), known_as)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::def::TaskDef;
    use crate::retry_delay::{Delays, RetryDelay};
    use crate::run::{TaskExtra, Track};

    static DEF: TaskDef = TaskDef::new("fetch", "fetch-1", &[]);

    fn reported(retries: u32, delay: RetryDelay, jitter: Option<f64>) -> serde_json::Value {
        let extra = TaskExtra {
            retries,
            retry_delays: Delays::Declared(delay).reported(retries),
            retry_jitter_factor: jitter,
            ..TaskExtra::default()
        };
        policy(&TaskRun {
            id: TaskRunId::now(),
            def: &DEF,
            flow_run: None,
            parent: None,
            extra: Some(Box::new(extra)),
            track: Track::default(),
        })
    }

    #[test]
    fn the_policy_of_a_task_run_lists_the_concrete_delays_and_the_jitter() {
        let growing = RetryDelay::exponential(Duration::from_secs(1), 2.0).at_most(Duration::from_secs(3));
        let policy = reported(3, growing, Some(0.5));
        assert_eq!(policy["retries"], json!(3));
        assert_eq!(policy["retry_delay"], json!([1.0, 2.0, 3.0]));
        assert_eq!(policy["retry_jitter_factor"], json!(0.5));
        let fixed = reported(3, RetryDelay::Fixed(Duration::from_secs(2)), None);
        assert_eq!(fixed["retry_delay"], json!(2.0));
        assert_eq!(fixed["retry_jitter_factor"], json!(null));
    }
}
