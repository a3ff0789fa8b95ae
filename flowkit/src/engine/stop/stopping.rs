//! What is under way in one runtime and can be told to stop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::engine::context::FlowScope;
use crate::id::{FlowRunId, TaskRunId};
use crate::run::{TaskRun, lock};
use crate::state::State;

/// The flow runs that are under way, and what stops them.
#[derive(Debug)]
pub(crate) struct Stopping {
    /// How long code that listens may take to end by itself.
    pub(crate) grace: Duration,
    /// Stops every run of the runtime.
    all: CancellationToken,
    /// Why every run is stopped; such runs have crashed.
    why: OnceLock<String>,
    flows: Mutex<HashMap<FlowRunId, Weak<FlowScope>>>,
    no_flows: Notify,
    /// What stops the runs that a task run has submitted.
    branches: Mutex<HashMap<TaskRunId, CancellationToken>>,
    signals: OnceLock<()>,
}

impl Stopping {
    pub(crate) fn new(grace: Duration) -> Self {
        Self {
            grace,
            all: CancellationToken::new(),
            why: OnceLock::new(),
            flows: Mutex::default(),
            no_flows: Notify::new(),
            branches: Mutex::default(),
            signals: OnceLock::from(()),
        }
    }

    /// Has the first flow run ask for signals to be handled.
    pub(crate) fn handling_signals(mut self) -> Self {
        self.signals = OnceLock::new();
        self
    }

    /// Tells whether this is the first flow run of a runtime that handles signals.
    pub(crate) fn is_first_flow(&self) -> bool {
        self.signals.set(()).is_ok()
    }

    /// The token of code that is in no run.
    pub(crate) fn outside(&self) -> CancellationToken {
        self.all.clone()
    }

    /// Tells every run to stop, since the process is to end.
    pub(crate) fn stop_all(&self, why: String) {
        let _ = self.why.set(why);
        self.all.cancel();
    }

    /// Why the process is to end, if it is.
    pub(crate) fn why(&self) -> Option<&str> {
        self.why.get().map(String::as_str)
    }

    pub(crate) fn flow_began(&self, scope: &Arc<FlowScope>) {
        lock(&self.flows).insert(scope.run.id, Arc::downgrade(scope));
    }

    pub(crate) fn flow_ended(&self, run: FlowRunId) {
        let mut flows = lock(&self.flows);
        flows.remove(&run);
        if flows.is_empty() {
            self.no_flows.notify_waiters();
        }
    }

    /// Tells a flow run, if it is under way here, which state somebody else has put it into.
    pub(crate) fn put_into(&self, run: FlowRunId, state: State) {
        let scope = lock(&self.flows).get(&run).and_then(Weak::upgrade);
        if let Some(scope) = scope {
            scope.put_into(state);
        }
    }

    pub(crate) fn has_flows(&self) -> bool {
        !lock(&self.flows).is_empty()
    }

    /// Waits until no flow run is under way.
    pub(crate) async fn all_ended(&self) {
        loop {
            let emptied = self.no_flows.notified();
            if !self.has_flows() {
                return;
            }
            emptied.await;
        }
    }

    /// Returns the token of a run that is submitted by a task run: it is stopped with that one, or with `cancel`.
    pub(crate) fn branch(&self, task: &TaskRun, cancel: &CancellationToken) -> CancellationToken {
        if task.track.with(|states| states.last().is_some_and(State::is_settled)) {
            return cancel.child_token();
        }
        task.track.heed.branch();
        lock(&self.branches).entry(task.id).or_insert_with(|| cancel.child_token()).child_token()
    }

    /// Forgets what a task run has submitted, and gives what stops it.
    pub(crate) fn take_branch(&self, task: &TaskRun) -> Option<CancellationToken> {
        let branched = task.track.heed.has_branched();
        branched.then(|| lock(&self.branches).remove(&task.id)).flatten()
    }
}
