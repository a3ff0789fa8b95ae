//! The handle of a submitted flow run.

use std::fmt;
use std::future::IntoFuture;
use std::sync::{Arc, OnceLock};

use futures::future::BoxFuture;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::engine::promise::{Duty, Promise};
use crate::error::{Error, ErrorKind};
use crate::id::{FlowRunId, TaskRunId};
use crate::run::FlowRun;
use crate::state::State;

/// The result that a submitted flow run will have.
///
/// Await it, or a reference to it, give it to a task as an argument, or let it go: dropping it does not stop the run.
/// Clones share the run, as those of a [`TaskFuture`](crate::TaskFuture) do.
///
/// # Cancel safety
/// Dropping the future of an `.await` loses nothing; await another clone.
#[must_use = "the run goes on by itself, but its failure is only seen by whoever awaits this"]
pub struct FlowFuture<T> {
    promise: Arc<Promise<T>>,
    begun: Arc<Begun>,
}

/// The record of the run, once the backend has created it.
#[derive(Default)]
struct Begun {
    run: OnceLock<Arc<FlowRun>>,
    told: Notify,
}

impl<T> FlowFuture<T> {
    pub(crate) fn new(cancel: CancellationToken) -> (Self, Filler<T>) {
        let promise = Promise::new(TaskRunId::now(), cancel);
        let handle = Self { promise, begun: Arc::default() };
        let filler = Filler { begun: Arc::clone(&handle.begun), duty: Duty::new(&handle.promise) };
        (handle, filler)
    }

    /// Ends a run that could not be started.
    pub(crate) fn refuse(&self, error: Error) {
        self.promise.fill(Err(error));
    }

    /// Returns the record of the flow run; `None` until the backend has created it.
    #[must_use]
    pub fn run(&self) -> Option<&Arc<FlowRun>> {
        self.begun.run.get()
    }

    /// Returns the id of the flow run; `None` until the backend has created it.
    #[must_use]
    pub fn id(&self) -> Option<FlowRunId> {
        self.run().map(|run| run.id())
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

    /// Waits for the run to end and returns its final state, however it ended.
    ///
    /// # Errors
    /// Why there is no run, as when the server cannot be reached.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing.
    pub async fn wait(&self) -> Result<State, Error> {
        self.promise.wait().await;
        let none = || Error::new(ErrorKind::Backend, "the flow run was never made");
        self.state().ok_or_else(|| self.promise.failure().unwrap_or_else(none))
    }

    /// Waits for the backend to create the run, or for the news that there is none.
    pub(crate) async fn begun(&self) {
        loop {
            let told = self.begun.told.notified();
            if self.run().is_some() || self.is_done() {
                return;
            }
            futures::future::select(std::pin::pin!(told), std::pin::pin!(self.promise.wait())).await;
        }
    }

    /// Returns why the run has failed, if it has.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.promise.failure()
    }

    pub(crate) async fn take(self) -> Result<T, Error>
    where
        T: Clone,
    {
        self.promise.take().await
    }
}

/// The other end of a [`FlowFuture`].
pub(crate) struct Filler<T> {
    begun: Arc<Begun>,
    duty: Duty<T>,
}

impl<T> Filler<T> {
    pub(crate) fn begun(&self, run: Arc<FlowRun>) {
        let _ = self.begun.run.set(run);
        self.begun.told.notify_waiters();
    }

    pub(crate) fn fill(self, result: Result<T, Error>) {
        self.duty.fill(result);
    }
}

impl<T> Clone for FlowFuture<T> {
    fn clone(&self) -> Self {
        Self { promise: Arc::clone(&self.promise), begun: Arc::clone(&self.begun) }
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
        Box::pin(self.take())
    }
}

impl<T: Clone + Send + 'static> IntoFuture for &FlowFuture<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.clone().take())
    }
}
