//! One item of a submitted map.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::engine::promise::Promise;
use crate::error::{Error, ErrorKind};
use crate::future::TaskFuture;
use crate::id::TaskRunId;
use crate::run::TaskRun;
use crate::state::{State, StateName};

/// Where an item stands. A handle is made only for an item that somebody asks for.
pub(super) enum Slot<T> {
    /// No worker has taken it.
    Open(TaskRunId),
    Begun(Arc<TaskRun>, CancellationToken),
    Ended(Option<Arc<TaskRun>>, TaskRunId, Result<T, Error>),
    Shared(TaskFuture<T>),
}

impl<T> Slot<T> {
    pub(super) fn id(&self) -> TaskRunId {
        match self {
            Self::Open(id) | Self::Ended(_, id, _) => *id,
            Self::Begun(run, _) => run.id,
            Self::Shared(handle) => handle.id(),
        }
    }

    /// Notes that the run has begun, and returns what cancels it.
    pub(super) fn begin(&mut self, run: &Arc<TaskRun>, map: &CancellationToken) -> CancellationToken {
        if let Self::Shared(handle) = self {
            let _ = handle.0.run.set(Arc::clone(run));
            return handle.0.cancel.clone();
        }
        let cancel = map.child_token();
        *self = Self::Begun(Arc::clone(run), cancel.clone());
        cancel
    }

    pub(super) fn finish(&mut self, result: Result<T, Error>) {
        match self {
            Self::Shared(handle) => handle.0.fill(result),
            Self::Begun(run, _) => *self = Self::Ended(Some(Arc::clone(run)), run.id, result),
            Self::Open(id) => *self = Self::Ended(None, *id, result),
            Self::Ended(..) => {}
        }
    }

    pub(super) fn state(&self) -> State {
        match self {
            Self::Open(_) | Self::Ended(None, ..) => State::new(StateName::Pending, clock::now()),
            Self::Begun(run, _) | Self::Ended(Some(run), ..) => run.state(),
            Self::Shared(handle) => handle.state(),
        }
    }

    pub(super) fn handle(&mut self, map: &CancellationToken) -> TaskFuture<T> {
        let cancel = match self {
            Self::Shared(handle) => return handle.clone(),
            Self::Begun(_, cancel) => cancel.clone(),
            Self::Open(_) | Self::Ended(..) => map.child_token(),
        };
        let promise = Promise::new(self.id(), cancel);
        let handle = TaskFuture(Arc::clone(&promise));
        let before = std::mem::replace(self, Self::Shared(handle.clone()));
        match before {
            Self::Begun(run, _) => drop(promise.run.set(run)),
            Self::Ended(run, _, result) => {
                drop(run.map(|run| promise.run.set(run)));
                promise.fill(result);
            }
            Self::Open(_) | Self::Shared(_) => {}
        }
        handle
    }

    pub(super) fn failure(&self) -> Option<Error> {
        match self {
            Self::Ended(_, _, Err(error)) => Some(error.clone()),
            Self::Shared(handle) => handle.0.failure(),
            _ => None,
        }
    }

    pub(super) fn result(&self) -> Result<T, Error>
    where
        T: Clone,
    {
        match self {
            Self::Ended(_, _, result) => result.clone(),
            Self::Shared(handle) => handle.0.peek().unwrap_or_else(|| Err(unfinished())),
            Self::Open(_) | Self::Begun(..) => Err(unfinished()),
        }
    }

    pub(super) fn into_result(self) -> Result<T, Error>
    where
        T: Clone,
    {
        match self {
            Self::Ended(_, _, result) => result,
            other => other.result(),
        }
    }
}

fn unfinished() -> Error {
    Error::new(ErrorKind::Crashed, "the run left no result")
}
