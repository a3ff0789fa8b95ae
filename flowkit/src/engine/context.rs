//! Which run the code at hand belongs to.

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::Backend;
use crate::clock;
use crate::engine::assets::Trail;
use crate::engine::journal::Place;
use crate::engine::progress::Progress;
use crate::engine::results::ResultPorts;
use crate::engine::results::flights::HeldKey;
use crate::engine::stop::Stopping;
use crate::engine::stub::Stubs;
use crate::engine::transaction::Scope;
use crate::engine::transition::{Fact, transition};
use crate::error::Error;
use crate::heed::Heed;
use crate::options::Defaults;
use crate::run::{FlowRun, TaskRun, lock};
use crate::state::{State, StateType};

/// What the engine reaches the outside through.
#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) task_defaults: Defaults,
    pub(crate) flow_defaults: Defaults,
    pub(crate) log_prints: bool,
    pub(crate) stubs: Stubs,
    pub(crate) stopping: Stopping,
    pub(crate) results: ResultPorts,
}

/// The part of a flow run that lives only while it runs in this process.
#[derive(Debug)]
pub(crate) struct FlowScope {
    pub(crate) run: Arc<FlowRun>,
    /// Submitted work that the flow run waits for before it ends.
    pub(crate) submitted: TaskTracker,
    /// How many flow runs are awaited in its body.
    pub(crate) awaited: AtomicUsize,
    subflow_calls: Mutex<HashMap<Cow<'static, str>, u32>>,
    /// Of the present attempt.
    pub(crate) progress: Mutex<Progress>,
    cancel: CancellationToken,
    /// Which assets its task runs pass on.
    pub(crate) assets: Trail,
    /// The final state that somebody else has put the run into.
    ended_outside: OnceLock<State>,
}

impl FlowScope {
    /// `cancel` stops the run.
    pub(crate) fn new(run: Arc<FlowRun>, cancel: CancellationToken) -> Self {
        Self {
            run,
            submitted: TaskTracker::new(),
            awaited: AtomicUsize::new(0),
            subflow_calls: Mutex::default(),
            progress: Mutex::default(),
            cancel,
            assets: Trail::default(),
            ended_outside: OnceLock::new(),
        }
    }

    /// Takes note that somebody else has put the run into a state. Only orders to stop mean something.
    pub(crate) fn put_into(&self, state: State) {
        if state.is_final() {
            let _ = self.ended_outside.set(state);
        } else if state.state_type() == StateType::Cancelling {
            let fact = Fact::CancelAsked { message: state.message().map(ToOwned::to_owned) };
            let _ = self.run.track.advance(|current| transition(current, fact, clock::now()).ok());
        } else {
            return;
        }
        self.cancel.cancel();
    }

    /// Ends the present attempt: the run cannot go on where an earlier process has left it.
    pub(crate) fn refuse(&self, why: Error) {
        lock(&self.progress).refused.get_or_insert(why);
        self.cancel.cancel();
    }

    /// The final state that somebody else has put the run into, if anybody has.
    pub(crate) fn ended_outside(&self) -> Option<&State> {
        self.ended_outside.get()
    }

    /// Counts the calls of one subflow; the first is 0.
    pub(crate) fn count_call(&self, key: &'static str) -> u32 {
        self.count(Cow::Borrowed(key))
    }

    /// Counts the runs of one deployment, by its name; the first is 0.
    pub(crate) fn count_deployment(&self, name: String) -> u32 {
        self.count(Cow::Owned(name))
    }

    fn count(&self, key: Cow<'static, str>) -> u32 {
        let mut calls = lock(&self.subflow_calls);
        let count = calls.entry(key).or_default();
        *count += 1;
        *count - 1
    }
}

/// The run that the code at hand belongs to, and what it was started with.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) ports: Arc<Ports>,
    pub(crate) flow: Option<Arc<FlowScope>>,
    pub(crate) task: Option<Arc<TaskRun>>,
    /// Cancels this run and everything below it.
    pub(crate) cancel: CancellationToken,
    pub(crate) log_prints: bool,
    /// Tags of the scopes around, for every run that is called here.
    pub(crate) tags: Option<Arc<[String]>>,
    /// The cache keys that the runs around are at work on.
    pub(crate) held: Option<Arc<HeldKey>>,
    /// The transaction around.
    pub(crate) transaction: Option<Arc<Scope>>,
    /// Where calls are noted, if a retry of a flow run may want to know.
    pub(crate) journal: Option<Arc<Place>>,
}

/// Who waits for submitted work before they end.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    pub(crate) flow: Option<Arc<FlowScope>>,
    pub(crate) transaction: Option<Arc<Scope>>,
}

impl Waiters {
    /// Starts work that they wait for.
    pub(crate) fn spawn<F>(&self, runtime: &Handle, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        match &self.transaction {
            Some(transaction) => self.spawn_in_flow(runtime, transaction.inside.track_future(work)),
            None => self.spawn_in_flow(runtime, work),
        }
    }

    fn spawn_in_flow<F>(&self, runtime: &Handle, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        match &self.flow {
            Some(flow) => runtime.spawn(flow.submitted.track_future(work)),
            None => runtime.spawn(work),
        }
    }
}

tokio::task_local! {
    static CURRENT: Context;
}

impl Context {
    /// The context of code that is in no run.
    pub(crate) fn outside(ports: Arc<Ports>) -> Self {
        let log_prints = ports.log_prints;
        let cancel = ports.stopping.outside();
        Self {
            ports,
            flow: None,
            task: None,
            cancel,
            log_prints,
            tags: None,
            journal: None,
            held: None,
            transaction: None,
        }
    }

    pub(crate) fn flow_run(&self) -> Option<&Arc<FlowRun>> {
        self.flow.as_ref().map(|scope| &scope.run)
    }

    /// What the code at hand does about being asked to stop.
    pub(crate) fn heed(&self) -> Option<&Heed> {
        match &self.task {
            Some(task) => Some(&task.track.heed),
            None => self.flow_run().map(|run| &run.track.heed),
        }
    }

    /// Makes the token of work that goes on beside the code at hand: it is stopped with the run that it belongs to.
    pub(crate) fn branch(&self) -> CancellationToken {
        match &self.task {
            Some(task) => self.ports.stopping.branch(task, &self.cancel),
            None => self.cancel.child_token(),
        }
    }

    /// Who waits for the work that is submitted here.
    pub(crate) fn waiters(&self) -> Waiters {
        Waiters { flow: self.flow.clone(), transaction: self.transaction.clone() }
    }

    /// Adds the tags of the scopes around to those of a run.
    pub(crate) fn with_scoped(&self, mut tags: Vec<String>) -> Vec<String> {
        if let Some(scoped) = &self.tags {
            tags.extend(scoped.iter().cloned());
            tags.sort();
            tags.dedup();
        }
        tags
    }

    /// Runs `future` in this context.
    ///
    /// Not an `async fn`: that would hold `future` twice, before and after it is first polled.
    pub(crate) fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// Calls `f` in this context.
    pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        CURRENT.sync_scope(self.clone(), f)
    }
}

/// Returns the current context, if the code at hand belongs to one.
pub(crate) fn current() -> Option<Context> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Looks at the current context without cloning it.
pub(crate) fn with<R>(look: impl FnOnce(&Context) -> R) -> Option<R> {
    CURRENT.try_with(look).ok()
}
