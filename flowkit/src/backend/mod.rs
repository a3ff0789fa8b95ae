//! Where runs are reported to: the port, and the adapters behind it.
//!
//! Task runs are *emitted*: the engine decides and tells. Flow runs are *proposed*: the engine asks and obeys.

pub(crate) mod at_exit;
pub(crate) mod convert;
#[cfg(feature = "embedded")]
pub(crate) mod embedded;
pub(crate) mod memory;
pub(crate) mod server;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;
use uuid::Uuid;

use crate::artifacts::{Artifact, Artifacts};
use crate::asset::AssetEvent;
use crate::background::Background;
use crate::blocks::Blocks;
use crate::def::FlowDef;
use crate::defer::Defer;
use crate::deploy::{Deploy, DeploymentDetails};
use crate::error::Error;
use crate::event::{Event, LogRecord};
use crate::feed::Feed;
use crate::id::{FlowRunId, RunId, TaskRunId};
use crate::interact::Interact;
use crate::journals::Journals;
use crate::report::Report;
use crate::retry_delay::Delays;
use crate::run::{FlowRun, TaskInput, TaskInputs, TaskRun};
use crate::slots::Slots;
use crate::state::State;
use crate::variables::{Variable, Variables};

/// A flow run that does not exist yet.
#[derive(Clone, Debug)]
pub(crate) struct NewFlowRun {
    /// The flow.
    pub(crate) def: &'static FlowDef,
    /// The name; the backend makes one if there is none.
    pub(crate) name: Option<String>,
    /// The parameters, an object.
    pub(crate) parameters: Value,
    /// The tags, sorted.
    pub(crate) tags: Vec<String>,
    /// How often a failed run is tried again.
    pub(crate) retries: u32,
    /// How long to wait before each retry.
    pub(crate) retry_delay: Delays,
    /// The run that calls it; `None` unless it is a subflow.
    pub(crate) parent: Option<ParentRun>,
    /// The runs that it waits for, as far as they are known.
    pub(crate) wait_for: Vec<TaskInput>,
    /// Whether the run is to go on with the next process if this one dies.
    #[cfg_attr(not(feature = "embedded"), expect(dead_code, reason = "only a file can keep what that takes"))]
    pub(crate) is_resumable: bool,
}

/// The run that calls a subflow.
#[derive(Clone, Debug)]
pub(crate) struct ParentRun {
    /// The flow run.
    pub(crate) flow_run: Arc<FlowRun>,
    /// The task run in whose body the call stands, if any.
    pub(crate) task_run: Option<TaskRunId>,
    /// How many subflow runs of the same flow the flow run had called before.
    pub(crate) nth: u32,
}

impl NewFlowRun {
    /// Tells where the arguments of a subflow came from, for the task run that stands for it.
    pub(crate) fn stand_in_inputs(&self) -> TaskInputs {
        let mut inputs: TaskInputs = self.def.params.iter().map(|param| (param.name, Vec::new())).collect();
        if !self.wait_for.is_empty() {
            inputs.push(("wait_for", self.wait_for.clone()));
        }
        let caller = self.parent.as_ref().and_then(|parent| parent.task_run);
        inputs.extend(caller.map(|task| ("__parents__", vec![TaskInput::TaskRun(task)])));
        inputs
    }

    /// Tells where the run will stand among the runs of this process.
    pub(crate) fn background(&self) -> Background {
        let parent = self.parent.as_ref().map(|parent| &parent.flow_run);
        Background {
            parent_flow_run: parent.map(|run| run.id),
            root_flow_run: parent.map(|run| run.root_flow_run_id()),
            ..Background::default()
        }
    }
}

/// A flow run that somebody else has created, such as one that was scheduled from a deployment.
#[derive(Clone, Debug)]
pub(crate) struct Existing {
    pub(crate) id: FlowRunId,
    /// The name of its flow.
    pub(crate) flow: String,
    pub(crate) flow_id: Uuid,
    pub(crate) name: String,
    pub(crate) parameters: Value,
    pub(crate) tags: Vec<String>,
    /// The task run that stands for it in the graph of the flow run that called it.
    pub(crate) parent_task_run: Option<TaskRunId>,
    pub(crate) state: State,
    /// Names the step to that state, where the backend has names for them.
    pub(crate) step: Option<Uuid>,
    pub(crate) background: Background,
}

/// A state that the engine would like a flow run to enter.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    /// The state.
    pub(crate) state: State,
    /// Whether the backend's rules are to be skipped, as for a crash.
    pub(crate) force: bool,
}

/// What a backend says to a proposal.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The run is in this state now.
    Accept(State),
    /// The run is in another state, which the engine must adopt.
    Reject(State),
    /// Ask again after this time.
    Wait(Duration),
    /// Leave the run alone; the text says why.
    Abort(String),
}

/// What could not be delivered, and why.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Undelivered {
    /// Task-run states and other events.
    pub task_states: usize,
    /// Flow-run states.
    pub flow_states: usize,
    /// Log lines.
    pub logs: usize,
    /// Changes of variables, artifacts and blocks that were to follow in a file.
    pub changes: usize,
    /// The last reason.
    pub reason: Option<String>,
}

impl Undelivered {
    /// Tells whether everything was delivered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.task_states + self.flow_states + self.logs + self.changes == 0
    }
}

/// Called with the state that somebody outside of this process has put a flow run into.
pub(crate) type Told = Arc<dyn Fn(State) + Send + Sync>;

/// A place that runs are reported to.
///
/// No method may make a run's work wait for long: `emit` returns at once, and the others are bounded in time.
pub(crate) trait Backend: Send + Sync + fmt::Debug + 'static {
    /// Creates a flow run in a pending state.
    fn create_flow_run(&self, new: NewFlowRun) -> BoxFuture<'_, Result<Arc<FlowRun>, Error>>;

    /// Reads a flow run that somebody else has created.
    fn find_flow_run(&self, id: FlowRunId) -> BoxFuture<'_, Result<Existing, Error>>;

    /// Takes over a flow run that was found, and tells what is known of it here.
    fn adopt_flow_run(&self, existing: Existing, new: NewFlowRun) -> BoxFuture<'_, Result<Arc<FlowRun>, Error>>;

    /// Asks for a state. The engine records the state of the answer.
    fn propose(&self, run: Arc<FlowRun>, proposal: Proposal) -> BoxFuture<'_, Answer>;

    /// Asks for the flow run to be cancelled, whoever runs it, and gives the state that it is in now.
    fn cancel(&self, run: FlowRunId) -> BoxFuture<'_, Result<State, Error>>;

    /// Looks at once what others have done to the runs under way, and tells them.
    fn look(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Has `told` called when somebody else puts the flow run into a state, until the run has ended.
    fn watch(&self, run: &Arc<FlowRun>, told: Told);

    /// Reports every run under way as crashed, for this reason: the process is about to end.
    fn abandon(&self, why: String) -> BoxFuture<'_, ()>;

    /// How much is told of task runs; `None` where everything is kept.
    fn report(&self) -> Option<Report> {
        None
    }

    /// Takes note of something that happened.
    fn emit(&self, event: Event);

    /// Tells whether the first two states of a task run that begins at once are better told together.
    fn takes_two(&self) -> bool {
        false
    }

    /// Takes note of the first two states of a task run.
    fn emit_two(&self, run: Arc<TaskRun>) {
        self.emit(Event::TaskState(Arc::clone(&run), 0));
        self.emit(Event::TaskState(run, 1));
    }

    /// Waits, for at most `limit`, until everything emitted so far is delivered; tells what is not.
    fn flush(&self, limit: Duration) -> BoxFuture<'_, Undelivered>;

    /// Keeps what is not delivered, where it can be kept, for a later process: this one is about to end. Tells in lines
    /// for people what was kept and what is lost.
    fn keep(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    /// Lends what goes on between flow runs and others.
    fn interact(&self) -> &dyn Interact;

    /// Lends the place that keeps variables.
    fn variables(&self) -> &dyn Variables;

    /// Lends the place that counts slots of concurrency limits.
    fn slots(&self) -> &dyn Slots;

    /// Lends the place that keeps artifacts.
    fn artifacts(&self) -> &dyn Artifacts;

    /// Lends the place that keeps blocks.
    fn blocks(&self) -> &dyn Blocks;

    /// Lends the place that keeps events.
    fn feed(&self) -> &dyn Feed;

    /// Lends the history this backend keeps in the process, if it does.
    fn history(&self) -> Option<&dyn History>;

    /// Gives what this backend keeps in the process, if it does, to whoever answers questions of others.
    #[cfg(feature = "endpoint")]
    fn kept(self: Arc<Self>) -> Option<Arc<dyn Kept>> {
        None
    }

    /// Lends the place that keeps deployments, if there is one.
    fn deploy(&self) -> Option<&dyn Deploy> {
        None
    }

    /// Lends the place that keeps background task runs, if there is one; else they are run where they are asked for.
    fn defer(&self) -> Option<&dyn Defer> {
        None
    }

    /// Lends the place that keeps the calls of resumable flow runs, if there is one.
    fn journals(&self) -> Option<&dyn Journals> {
        None
    }

    /// Finds out the present state of a run, which may be one of another process; `None` if there is no such run.
    fn state_of(&self, run: RunId) -> BoxFuture<'_, Result<Option<State>, Error>> {
        let state = self.history().and_then(|history| match run {
            RunId::Flow(id) => history.flow_runs().iter().find(|run| run.id == id).map(|run| run.state()),
            RunId::Task(id) => history.task_runs().iter().find(|run| run.id == id).map(|run| run.state()),
        });
        Box::pin(std::future::ready(Ok(state)))
    }
}

/// All that a backend keeps in the process.
#[cfg(feature = "endpoint")]
pub(crate) trait Kept: History + Deploy {}

#[cfg(feature = "endpoint")]
impl<T: History + Deploy> Kept for T {}

/// Runs, logs and deployments that can be asked for. Runs and logs come with the newest last; those that are planned count as runs.
pub trait History: Send + Sync {
    /// Returns the flow runs.
    fn flow_runs(&self) -> Vec<Arc<FlowRun>>;
    /// Returns one flow run.
    fn flow_run(&self, id: FlowRunId) -> Option<Arc<FlowRun>> {
        self.flow_runs().into_iter().rfind(|run| run.id() == id)
    }
    /// Returns the task runs.
    fn task_runs(&self) -> Vec<Arc<TaskRun>>;
    /// Returns what happened to assets.
    fn asset_events(&self) -> Vec<AssetEvent>;
    /// Returns the log records.
    fn logs(&self) -> Vec<LogRecord>;
    /// Shows `each` the log records from number `from` on, counted since the start, and returns the number that the next
    /// one will have. Those that are gone already are left out.
    fn logs_from(&self, from: u64, each: &mut dyn FnMut(&LogRecord)) -> u64;
    /// Returns the log records of one flow run, those of its task runs included.
    fn logs_of(&self, run: FlowRunId) -> Vec<LogRecord> {
        self.logs().into_iter().filter(|record| record.flow_run_id == Some(run)).collect()
    }
    /// Returns the deployments that are registered in this process, in the order of their names.
    fn deployments(&self) -> Vec<DeploymentDetails>;
    /// Returns the variables, in the order of their names.
    fn variables(&self) -> Vec<Variable>;
    /// Returns the newest artifacts of this process, the oldest first.
    fn artifacts(&self) -> Vec<Artifact>;
}
