//! The handle of a submitted flow run.

use std::fmt;
use std::future::IntoFuture;
use std::sync::{Arc, OnceLock};

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::engine::promise::{Duty, Promise};
use crate::error::Error;
use crate::id::TaskRunId;
use crate::run::FlowRun;
use crate::state::State;

/// The result that a submitted flow run will have. Dropping it does not stop the run.
#[must_use = "the run goes on by itself, but its failure is only seen by whoever awaits this"]
pub struct FlowFuture<T> {
    promise: Arc<Promise<T>>,
    run: Arc<OnceLock<Arc<FlowRun>>>,
}

impl<T> FlowFuture<T> {
    pub(crate) fn new(cancel: CancellationToken) -> (Self, Filler<T>) {
        let promise = Promise::new(TaskRunId::now(), cancel);
        let handle = Self { promise, run: Arc::default() };
        let filler = Filler { run: Arc::clone(&handle.run), duty: Duty::new(&handle.promise) };
        (handle, filler)
    }

    /// Ends a run that could not be started.
    pub(crate) fn refuse(&self, error: Error) {
        self.promise.fill(Err(error));
    }

    /// Returns the record of the flow run; `None` until the backend has created it.
    #[must_use]
    pub fn run(&self) -> Option<&Arc<FlowRun>> {
        self.run.get()
    }

    /// Returns the present state of the flow run; `None` until the backend has created it.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        self.run().map(|run| run.state())
    }

    /// Tells whether the run has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.promise.is_filled()
    }

    /// Asks the run, and everything it started, to stop.
    pub fn cancel(&self) {
        self.promise.cancel.cancel();
    }
}

/// The other end of a [`FlowFuture`].
pub(crate) struct Filler<T> {
    run: Arc<OnceLock<Arc<FlowRun>>>,
    duty: Duty<T>,
}

impl<T> Filler<T> {
    pub(crate) fn begun(&self, run: Arc<FlowRun>) {
        let _ = self.run.set(run);
    }

    pub(crate) fn fill(self, result: Result<T, Error>) {
        self.duty.fill(result);
    }
}

impl<T> Clone for FlowFuture<T> {
    fn clone(&self) -> Self {
        Self { promise: Arc::clone(&self.promise), run: Arc::clone(&self.run) }
    }
}

impl<T> fmt::Debug for FlowFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowFuture")
            .field("run", &self.run().map(|run| run.name()))
            .field("state", &self.state())
            .finish()
    }
}

impl<T: Clone + Send + 'static> IntoFuture for FlowFuture<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.promise.take())
    }
}
