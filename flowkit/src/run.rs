//! What is happening: the records of flow runs and task runs.
//!
//! A record is shared by the engine, which alone adds states to it, and by whoever reports or shows it.

mod adopted;
mod effort;
mod of_map;
mod track;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::asset::AssetNotes;
use crate::background::{Background, Deployment};
use crate::clock::Timestamp;
use crate::def::{FlowDef, TaskDef};
use crate::id::{FlowRunId, TaskRunId, state_id};
use crate::retry_delay::Delays;
use crate::state::State;

pub(crate) use adopted::{Adopted, dynamic_key as background_key, is_background};
pub use effort::Effort;
pub(crate) use of_map::OfMap;
pub(crate) use track::Track;

/// Locks a mutex whose holders cannot leave it half-changed, so that a panic elsewhere does not matter.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a value that a task was given came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TaskInput {
    /// The result of another task run.
    TaskRun(TaskRunId),
    /// The result of a flow run.
    FlowRun(FlowRunId),
}

/// The origins of a task's arguments: argument name, and the runs it came from.
///
/// Beside the arguments' names there are Prefect's `wait_for` and `__parents__`.
pub type TaskInputs = Vec<(&'static str, Vec<TaskInput>)>;

/// The record of one task run.
#[derive(Debug)]
pub struct TaskRun {
    pub(crate) id: TaskRunId,
    pub(crate) def: &'static TaskDef,
    pub(crate) flow_run: Option<Arc<FlowRun>>,
    pub(crate) parent: Option<TaskRunId>,
    /// What only some runs have; apart, to keep the record of a plain run small.
    pub(crate) extra: Option<Box<TaskExtra>>,
    pub(crate) track: Track,
}

/// The rarer parts of a task run's record.
#[derive(Debug, Default)]
pub(crate) struct TaskExtra {
    pub(crate) name: OnceLock<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) inputs: OnceLock<TaskInputs>,
    pub(crate) retries: u32,
    pub(crate) retry_delays: Vec<Duration>,
    pub(crate) retry_jitter_factor: Option<f64>,
    pub(crate) assets: Option<Box<AssetNotes>>,
    /// What the run was before this process took it over.
    pub(crate) adopted: Option<Box<Adopted>>,
    pub(crate) of_map: Option<Arc<OfMap>>,
}

impl TaskRun {
    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> TaskRunId {
        self.id
    }

    /// Returns the declaration of the task.
    #[must_use]
    pub fn task(&self) -> &'static TaskDef {
        self.def
    }

    /// Returns the name: rendered from the template, else the task's name and three digits of the dynamic key.
    #[must_use]
    pub fn name(&self) -> String {
        match self.extra.as_ref().and_then(|extra| extra.name.get()) {
            Some(name) => name.clone(),
            None => self.default_name(),
        }
    }

    pub(crate) fn default_name(&self) -> String {
        self.id.default_name(self.def.name)
    }

    /// Returns the flow run it belongs to; `None` for a task called outside of any flow.
    #[must_use]
    pub fn flow_run(&self) -> Option<&Arc<FlowRun>> {
        self.flow_run.as_ref()
    }

    /// What the run was before this process took it over, if it did.
    pub(crate) fn adopted(&self) -> Option<&Adopted> {
        self.extra.as_ref()?.adopted.as_deref()
    }

    /// Tells whether somebody else goes on with it if this process stops: it was taken over, and nobody here waits for it.
    pub(crate) fn can_be_given_back(&self) -> bool {
        self.adopted().is_some_and(|adopted| adopted.found.is_some())
    }

    /// The flow run it belongs to, which may be one of another process.
    pub(crate) fn flow_run_id(&self) -> Option<FlowRunId> {
        let own = self.flow_run.as_ref().map(|run| run.id);
        own.or_else(|| self.adopted()?.flow_run.as_ref().map(|(id, _)| *id))
    }

    /// Returns the task run in whose body it was called.
    #[must_use]
    pub fn parent(&self) -> Option<TaskRunId> {
        self.parent
    }

    /// Returns the tags, sorted.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        self.extra.as_ref().map_or(&[], |extra| &extra.tags)
    }

    /// Returns how often a failed run is tried again.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.extra.as_ref().map_or(0, |extra| extra.retries)
    }

    /// Returns how often the body was started: 1 in the first attempt.
    #[must_use]
    pub fn run_count(&self) -> u32 {
        self.effort().run_count
    }

    /// Returns when the body was first started.
    #[must_use]
    pub fn start_time(&self) -> Option<Timestamp> {
        self.effort().start_time
    }

    /// Returns the address of the run in the server's API; `None` without a server, and outside of any flow.
    #[must_use]
    pub fn api_url(&self) -> Option<String> {
        Some(self.flow_run.as_ref()?.background.links.as_ref()?.api_of_task_run(self.id))
    }

    /// Returns the address of the run in the server's UI; `None` without a server, and outside of any flow.
    #[must_use]
    pub fn ui_url(&self) -> Option<String> {
        Some(self.flow_run.as_ref()?.background.links.as_ref()?.ui_of_task_run(self.id))
    }

    /// Returns where the arguments came from; each argument is listed, most with nothing.
    #[must_use]
    pub fn inputs(&self) -> TaskInputs {
        if let Some(inputs) = self.extra.as_ref().and_then(|extra| extra.inputs.get()) {
            return inputs.clone();
        }
        let mut inputs = self.no_inputs();
        inputs.extend(self.parent.map(|parent| ("__parents__", vec![TaskInput::TaskRun(parent)])));
        inputs
    }

    /// The arguments of the task, none of which came from another run.
    pub(crate) fn no_inputs(&self) -> TaskInputs {
        self.def.params.iter().map(|param| (*param, Vec::new())).collect()
    }

    /// Returns the current state.
    #[must_use]
    pub fn state(&self) -> State {
        self.track
            .current()
            .unwrap_or_else(|| State::new(crate::state::StateName::Pending, Timestamp::from_unix_micros(0)))
    }

    /// Returns all states so far, in order.
    #[must_use]
    pub fn states(&self) -> Vec<State> {
        self.track.with(<[State]>::to_vec)
    }

    /// Returns the figures that follow from the states.
    #[must_use]
    pub fn effort(&self) -> Effort {
        self.track.with(|states| self.effort_in(states))
    }

    pub(crate) fn effort_in(&self, states: &[State]) -> Effort {
        let Some(adopted) = self.adopted() else { return Effort::of(states) };
        // What was done in the state in which the run was found is counted already.
        let ours = states.get(usize::from(adopted.found.is_some())..).unwrap_or_default();
        let mut effort = Effort::of(ours);
        effort.run_count += adopted.run_count;
        effort.expected_start_time = states.first().map(State::timestamp);
        effort
    }

    /// Returns the id of the `index`-th state, the same at every call.
    pub(crate) fn state_id(&self, index: usize) -> Option<Uuid> {
        let entered = self.track.with(|states| states.get(index).map(State::timestamp))?;
        Some(state_id(self.id.uuid(), index, entered))
    }
}

/// The record of one flow run.
#[derive(Debug)]
pub struct FlowRun {
    pub(crate) id: FlowRunId,
    pub(crate) def: &'static FlowDef,
    pub(crate) name: String,
    /// The flow's id at the backend.
    pub(crate) flow_id: Uuid,
    pub(crate) parameters: Value,
    pub(crate) tags: Vec<String>,
    pub(crate) retries: u32,
    pub(crate) retry_delay: Delays,
    /// The task run that stands for this subflow in its parent's graph.
    pub(crate) parent_task_run: Option<TaskRunId>,
    pub(crate) background: Background,
    pub(crate) track: Track,
}

impl FlowRun {
    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> FlowRunId {
        self.id
    }

    /// Returns the declaration of the flow.
    #[must_use]
    pub fn flow(&self) -> &'static FlowDef {
        self.def
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the parameters, an object.
    #[must_use]
    pub fn parameters(&self) -> &Value {
        &self.parameters
    }

    /// Returns the name of the flow.
    #[must_use]
    pub fn flow_name(&self) -> &'static str {
        self.def.name
    }

    /// Returns the version of the flow: `version = ".."`, or a hash of its source.
    #[must_use]
    pub fn flow_version(&self) -> &'static str {
        self.def.version
    }

    /// Returns the tags, sorted.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Returns how often a failed run is tried again.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// Returns how often the body was started: 1 in the first attempt.
    #[must_use]
    pub fn run_count(&self) -> u32 {
        self.effort().run_count
    }

    /// Returns when the run was to start: the time somebody planned for it, else that of the call.
    #[must_use]
    pub fn scheduled_start_time(&self) -> Option<Timestamp> {
        self.background.scheduled.or(self.effort().expected_start_time)
    }

    /// Returns when the body was first started.
    #[must_use]
    pub fn start_time(&self) -> Option<Timestamp> {
        self.effort().start_time
    }

    /// Returns the flow run that called it; `None` unless it is a subflow.
    #[must_use]
    pub fn parent_flow_run_id(&self) -> Option<FlowRunId> {
        self.background.parent_flow_run
    }

    /// Returns the flow run at the top of the calls: this one unless it is a subflow.
    #[must_use]
    pub fn root_flow_run_id(&self) -> FlowRunId {
        self.background.root_flow_run.unwrap_or(self.id)
    }

    /// Returns the deployment that it is a run of; `None` if the program called the flow itself.
    #[must_use]
    pub fn deployment(&self) -> Option<&Arc<Deployment>> {
        self.background.deployment.as_ref()
    }

    /// Returns the address of the run in the server's API; `None` without a server.
    #[must_use]
    pub fn api_url(&self) -> Option<String> {
        Some(self.background.links.as_ref()?.api_of_flow_run(self.id))
    }

    /// Returns the address of the run in the server's UI (`PREFECT_UI_URL`, else it follows from that of the API);
    /// `None` without a server.
    #[must_use]
    pub fn ui_url(&self) -> Option<String> {
        Some(self.background.links.as_ref()?.ui_of_flow_run(self.id))
    }

    /// Returns the task run that stands for this run in the flow run that called it; `None` unless it is a subflow.
    #[must_use]
    pub fn parent_task_run(&self) -> Option<TaskRunId> {
        self.parent_task_run
    }

    /// Returns the current state.
    #[must_use]
    pub fn state(&self) -> State {
        self.track
            .current()
            .unwrap_or_else(|| State::new(crate::state::StateName::Pending, Timestamp::from_unix_micros(0)))
    }

    /// Returns all states so far, in order.
    #[must_use]
    pub fn states(&self) -> Vec<State> {
        self.track.with(<[State]>::to_vec)
    }

    /// Returns the figures that follow from the states.
    #[must_use]
    pub fn effort(&self) -> Effort {
        let mut effort = self.track.with(Effort::of);
        effort.run_count += self.background.run_count;
        effort
    }
}
