//! Runs as they are read back: what is kept of them when the program that ran them may be gone.

use serde_json::Value;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::id::{FlowRunId, TaskRunId};
use crate::run::Effort;
use crate::state::{State, StateType};

/// A flow run that was read back.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct FlowRunRecord {
    /// The id.
    pub id: FlowRunId,
    /// The name of the flow.
    pub flow_name: String,
    /// The version of the flow.
    pub flow_version: String,
    /// The name of the run.
    pub name: String,
    /// The parameters, as JSON; secrets are masked.
    pub parameters: Value,
    /// The tags.
    pub tags: Vec<String>,
    /// How often the run may be retried.
    pub retries: u32,
    /// The flow run that this is a subflow run of.
    pub parent_flow_run_id: Option<FlowRunId>,
    /// The task run that stands for this run in its parent.
    pub parent_task_run_id: Option<TaskRunId>,
    /// The deployment that it is a run of.
    pub deployment_id: Option<Uuid>,
    /// When it was to start, if that was said.
    pub scheduled_start_time: Option<Timestamp>,
    /// The state it was in last.
    pub state: State,
    /// When it was created.
    pub created: Timestamp,
    /// When it began to run.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub end_time: Option<Timestamp>,
    /// How often it ran.
    pub run_count: u32,
}

/// A task run that was read back.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct TaskRunRecord {
    /// The id.
    pub id: TaskRunId,
    /// The flow run it belongs to.
    pub flow_run_id: Option<FlowRunId>,
    /// The name of the task.
    pub task_name: String,
    /// The task as Prefect tells it from others (`task_key`).
    pub task_key: String,
    /// The name of the run.
    pub name: String,
    /// The task run in whose body it was called.
    pub parent_task_run_id: Option<TaskRunId>,
    /// The tags.
    pub tags: Vec<String>,
    /// The runs that it took values from, by the names of its arguments, as JSON.
    pub inputs: Value,
    /// All states, the first one first.
    pub states: Vec<State>,
    /// How often and how long it ran.
    pub effort: Effort,
}

impl TaskRunRecord {
    /// Returns the state it was in last.
    #[must_use]
    pub fn state(&self) -> Option<&State> {
        self.states.last()
    }
}

/// Which flow runs are asked for: all that fit every point that is set, the newest first.
///
/// ```
/// use flowkit::{FlowRunFilter, StateType};
///
/// let filter = FlowRunFilter::new().flow("etl").state(StateType::Failed).limit(20);
/// # let _ = filter;
/// ```
#[derive(Clone, PartialEq, Debug)]
#[must_use]
pub struct FlowRunFilter {
    pub(crate) id: Option<FlowRunId>,
    pub(crate) flow: Option<String>,
    pub(crate) states: Vec<StateType>,
    pub(crate) limit: u32,
    pub(crate) offset: u32,
}

impl Default for FlowRunFilter {
    fn default() -> Self {
        Self { id: None, flow: None, states: Vec::new(), limit: 100, offset: 0 }
    }
}

impl FlowRunFilter {
    /// Asks for the newest 100 flow runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for one run.
    pub fn id(mut self, id: FlowRunId) -> Self {
        self.id = Some(id);
        self
    }

    /// Asks for runs of the flow of this name.
    pub fn flow(mut self, name: impl Into<String>) -> Self {
        self.flow = Some(name.into());
        self
    }

    /// Asks for runs in a state of this type; called again, in one of several.
    pub fn state(mut self, state: StateType) -> Self {
        self.states.push(state);
        self
    }

    /// Asks for so many runs at most. Default: 100.
    pub fn limit(mut self, runs: u32) -> Self {
        self.limit = runs;
        self
    }

    /// Leaves out so many of the newest.
    pub fn offset(mut self, runs: u32) -> Self {
        self.offset = runs;
        self
    }
}
