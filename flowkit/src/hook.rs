//! What the author wants called when a run enters a state.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use uuid::Uuid;

use crate::run::{FlowRun, TaskRun};
use crate::state::{State, StateType};

/// What a hook is told: which run has entered which state.
#[derive(Clone, Debug)]
pub struct HookContext {
    pub(crate) kind: RunKind,
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) flow_run: Option<Arc<FlowRun>>,
    pub(crate) task_run: Option<Arc<TaskRun>>,
}

/// Whether a run is of a task or of a flow.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RunKind {
    /// A task run.
    Task,
    /// A flow run.
    Flow,
}

impl HookContext {
    /// Returns whether the run is of a task or of a flow.
    #[must_use]
    pub fn kind(&self) -> RunKind {
        self.kind
    }

    /// Returns the id of the run.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Returns the name of the run.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the state that the run has entered.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns the flow run that has entered the state, or that the task run belongs to: its flow, parameters, tags and
    /// addresses. `None` for a task that was called outside of any flow.
    #[must_use]
    pub fn flow_run(&self) -> Option<&Arc<FlowRun>> {
        self.flow_run.as_ref()
    }

    /// Returns the task run that has entered the state: its task and tags. `None` for a flow run.
    #[must_use]
    pub fn task_run(&self) -> Option<&Arc<TaskRun>> {
        self.task_run.as_ref()
    }
}

/// One hook, with its type erased.
#[derive(Clone, Copy)]
pub struct HookDef {
    pub(crate) name: &'static str,
    pub(crate) call: fn(HookContext) -> BoxFuture<'static, Result<(), String>>,
}

impl HookDef {
    /// Declares a hook under the name that the log has for it.
    #[must_use]
    pub const fn new(name: &'static str, call: fn(HookContext) -> BoxFuture<'static, Result<(), String>>) -> Self {
        Self { name, call }
    }
}

impl fmt::Debug for HookDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The hooks of a task or a flow.
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    on_running: &'static [HookDef],
    on_completion: &'static [HookDef],
    on_failure: &'static [HookDef],
    on_cancellation: &'static [HookDef],
    on_crashed: &'static [HookDef],
}

impl Hooks {
    /// No hooks.
    pub const NONE: Self =
        Self { on_running: &[], on_completion: &[], on_failure: &[], on_cancellation: &[], on_crashed: &[] };

    /// Sets what is called before each attempt.
    #[must_use]
    pub const fn on_running(mut self, hooks: &'static [HookDef]) -> Self {
        self.on_running = hooks;
        self
    }

    /// Sets what is called when the run has succeeded.
    #[must_use]
    pub const fn on_completion(mut self, hooks: &'static [HookDef]) -> Self {
        self.on_completion = hooks;
        self
    }

    /// Sets what is called when the run has failed, timeouts included.
    #[must_use]
    pub const fn on_failure(mut self, hooks: &'static [HookDef]) -> Self {
        self.on_failure = hooks;
        self
    }

    /// Sets what is called when the run was cancelled.
    #[must_use]
    pub const fn on_cancellation(mut self, hooks: &'static [HookDef]) -> Self {
        self.on_cancellation = hooks;
        self
    }

    /// Sets what is called when the run was put into the state Crashed.
    #[must_use]
    pub const fn on_crashed(mut self, hooks: &'static [HookDef]) -> Self {
        self.on_crashed = hooks;
        self
    }

    /// Returns the hooks for a state that was entered, in the order in which they were written.
    pub(crate) fn of(&self, state: &State) -> &'static [HookDef] {
        match state.state_type() {
            StateType::Running => self.on_running,
            StateType::Completed => self.on_completion,
            StateType::Failed => self.on_failure,
            StateType::Cancelled => self.on_cancellation,
            StateType::Crashed => self.on_crashed,
            StateType::Scheduled | StateType::Pending | StateType::Paused | StateType::Cancelling => &[],
        }
    }
}
