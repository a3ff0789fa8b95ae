//! Runs that are about to stop, and the code that awaits them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::engine::context::FlowScope;
use crate::heed::Heed;
use crate::run::TaskRun;

/// The code that awaits a run.
#[derive(Debug)]
pub(crate) enum Above {
    /// The body of a task run.
    Task(Arc<TaskRun>),
    /// The body of the flow run around, if there is one.
    Flow,
    /// None: the run was submitted.
    Nothing,
}

impl Above {
    /// Takes note of the task run in whose body a run is called.
    pub(crate) fn of(task: Option<Arc<TaskRun>>) -> Self {
        task.map_or(Self::Flow, Self::Task)
    }

    /// Keeps the code from being dropped for as long as the hold lives; `flow` is the flow run around.
    pub(crate) fn hold(&mut self, flow: Option<&Arc<FlowScope>>) -> Hold {
        let held = match (std::mem::replace(self, Self::Nothing), flow) {
            (Self::Task(run), _) => Hold::Task(run),
            (Self::Flow, Some(scope)) => Hold::Flow(Arc::clone(scope)),
            (Self::Flow | Self::Nothing, _) => Hold::Nothing,
        };
        if let Some(heed) = held.heed() {
            heed.hold();
        }
        held
    }
}

/// Counts a flow run among those that are awaited in the body of another, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Awaited(Arc<FlowScope>);

impl Above {
    /// Takes note that the run is awaited; `flow` is the flow run around.
    pub(crate) fn awaits(&self, flow: Option<&Arc<FlowScope>>) -> Option<Awaited> {
        let scope = flow.filter(|_| matches!(self, Self::Flow))?;
        scope.awaited.fetch_add(1, Ordering::Relaxed);
        Some(Awaited(Arc::clone(scope)))
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.0.awaited.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Keeps the body that awaits a run from being dropped before the run has ended, hooks included.
#[derive(Debug)]
pub(crate) enum Hold {
    Task(Arc<TaskRun>),
    Flow(Arc<FlowScope>),
    Nothing,
}

impl Hold {
    fn heed(&self) -> Option<&Heed> {
        match self {
            Self::Task(run) => Some(&run.track.heed),
            Self::Flow(scope) => Some(&scope.run.track.heed),
            Self::Nothing => None,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(heed) = self.heed() {
            heed.release();
        }
    }
}
