//! The records of runs that are scheduled: making them, and giving them to whoever runs them.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::kept::Deployment;
use crate::backend::{Existing, NewFlowRun};
use crate::background::{self, AUTO_SCHEDULED, Background};
use crate::clock::Timestamp;
#[cfg(feature = "embedded")]
use crate::def::FlowDef;
use crate::id::{FlowRunId, TaskRunId, id_of};
use crate::names;
use crate::retry_delay::Delays;
use crate::run::{FlowRun, Track};
use crate::state::{State, StateName};

/// What tells one run of a deployment from another.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) name: Option<String>,
    pub(super) parameters: Map<String, Value>,
    pub(super) tags: Vec<String>,
    /// The task run that stands for it, and the flow runs above.
    pub(super) parent_task_run: Option<TaskRunId>,
    pub(super) parent_flow_run: Option<FlowRunId>,
    pub(super) root_flow_run: Option<FlowRunId>,
    pub(super) message: Option<&'static str>,
}

impl Wanted {
    /// A run of a schedule.
    pub(super) fn by_schedule(parameters: Map<String, Value>) -> Self {
        let tags = vec![AUTO_SCHEDULED.to_owned()];
        Self { parameters, tags, message: Some("Flow run scheduled"), ..Self::default() }
    }
}

/// Makes a run that is due at a time.
pub(super) fn scheduled(deployment: &Deployment, wanted: Wanted, due: Timestamp, now: Timestamp) -> Arc<FlowRun> {
    let spec = &deployment.spec;
    let mut tags = spec.tags.clone();
    tags.extend(wanted.tags);
    tags.sort_unstable();
    tags.dedup();
    let parameters = Value::Object(wanted.parameters);
    let of = background::Deployment {
        id: deployment.id,
        name: spec.name.clone(),
        version: Some(spec.version.version.clone()).filter(|version| !version.is_empty()),
        parameters: parameters.clone(),
    };
    let run = FlowRun {
        id: FlowRunId::now(),
        def: deployment.flow.def,
        name: wanted.name.unwrap_or_else(names::generate),
        flow_id: id_of("flow", spec.flow),
        parameters,
        tags,
        retries: 0,
        retry_delay: Delays::default(),
        parent_task_run: wanted.parent_task_run,
        background: Background {
            parent_flow_run: wanted.parent_flow_run,
            root_flow_run: wanted.root_flow_run,
            deployment: Some(Arc::new(of)),
            scheduled: Some(due),
            ..Background::default()
        },
        track: Track::default(),
    };
    let state = State::new(StateName::Scheduled, now).with_scheduled_time(due);
    run.track.push(match wanted.message {
        Some(message) => state.with_message(message),
        None => state,
    });
    Arc::new(run)
}

/// The record of a run of an earlier process, with the states that it had.
#[cfg(feature = "embedded")]
pub(super) fn restored(def: &'static FlowDef, known: Existing, states: Vec<State>) -> FlowRun {
    let track = Track::default();
    for state in states {
        track.push(state);
    }
    FlowRun {
        id: known.id,
        def,
        name: known.name,
        flow_id: known.flow_id,
        parameters: known.parameters,
        tags: known.tags,
        retries: 0,
        retry_delay: Delays::default(),
        parent_task_run: known.parent_task_run,
        background: known.background,
        track,
    }
}

/// What somebody who takes a run over is told.
pub(in crate::backend::memory) fn existing(run: &FlowRun, state: State) -> Existing {
    Existing {
        id: run.id,
        flow: run.def.name.to_owned(),
        flow_id: run.flow_id,
        name: run.name.clone(),
        parameters: run.parameters.clone(),
        tags: run.tags.clone(),
        parent_task_run: run.parent_task_run,
        state,
        step: None,
        background: run.background.clone(),
    }
}

/// The record of a run from when it is taken over on: it knows what only the program knows, and has the same states.
pub(in crate::backend::memory) fn adopted(run: &FlowRun, new: NewFlowRun) -> Arc<FlowRun> {
    let track = Track::default();
    for state in run.track.with(<[State]>::to_vec) {
        track.push(state);
    }
    Arc::new(FlowRun {
        id: run.id,
        def: new.def,
        name: new.name.unwrap_or_else(|| run.name.clone()),
        flow_id: run.flow_id,
        parameters: new.parameters,
        tags: run.tags.clone(),
        retries: new.retries,
        retry_delay: new.retry_delay,
        parent_task_run: run.parent_task_run,
        background: run.background.clone(),
        track,
    })
}
