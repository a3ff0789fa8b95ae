//! What a place that keeps background task runs can be asked: the port that delaying and serving tasks go through.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::def::TaskDef;
use crate::error::Error;
use crate::id::{FlowRunId, TaskRunId};
use crate::run::{TaskInput, TaskInputs};
use crate::state::State;

/// The arguments of a background task, by name, each written down by itself.
pub type Given = BTreeMap<String, String>;

/// A background task run that does not exist yet.
#[derive(Clone, Debug)]
pub(crate) struct NewDeferred {
    pub(crate) id: TaskRunId,
    pub(crate) def: &'static TaskDef,
    pub(crate) name: String,
    pub(crate) tags: Vec<String>,
    pub(crate) inputs: TaskInputs,
    pub(crate) retries: u32,
    pub(crate) retry_delays: Vec<Duration>,
    pub(crate) retry_jitter_factor: Option<f64>,
    /// The flow run that asks for it.
    pub(crate) flow_run: Option<FlowRunId>,
}

/// Who has asked for a background task run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// A program of this crate.
    Ours,
    /// Another client, which may have stored parameters in a form of its own.
    Foreign { with_parameters: bool },
}

/// A background task run as the place knows it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct DeferredRun {
    pub(crate) id: TaskRunId,
    /// The key of its task.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) tags: Vec<String>,
    pub(crate) inputs: Vec<(String, Vec<TaskInput>)>,
    pub(crate) state: State,
    /// How often its body was started.
    pub(crate) run_count: u32,
    /// The flow run that it was asked for in, and the name of that one as far as it is known.
    pub(crate) flow_run: Option<(FlowRunId, String)>,
    pub(crate) origin: Origin,
}

/// What is heard by somebody who listens for background task runs.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A run is handed out. Unless it is accepted soon, it goes to somebody else.
    Run(Box<DeferredRun>, oneshot::Sender<()>),
    /// Runs are handed out from now on.
    Open,
    /// Runs are not handed out at present, for this reason.
    Closed(String),
}

/// A place that keeps background task runs. Every method is bounded in time.
pub(crate) trait Defer: Send + Sync {
    /// Asks for a run. Doing so twice makes one.
    fn submit(&self, run: NewDeferred) -> BoxFuture<'_, Result<(), Error>>;

    /// Reads a run; `None` if there is none.
    fn read(&self, run: TaskRunId) -> BoxFuture<'_, Result<Option<DeferredRun>, Error>>;

    /// Lists runs of some tasks that have not ended, the oldest first, of those that programs of this crate asked for.
    fn open(&self, keys: Vec<&'static str>) -> BoxFuture<'_, Result<Vec<DeferredRun>, Error>>;

    /// Has runs of some tasks handed out, until nobody receives any more.
    fn listen(&self, keys: Vec<&'static str>, to: mpsc::Sender<Heard>);
}
