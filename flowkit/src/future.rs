//! The handle of a submitted task run.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::clock;
use crate::engine::promise::Promise;
use crate::error::Error;
use crate::id::TaskRunId;
use crate::run::TaskRun;
use crate::state::{State, StateName};

/// The result that a submitted task run will have.
///
/// Await it, give it to another task as an argument, or let it go: dropping it does not stop the run. Clones
/// share the run. The last handle to be awaited takes the value, the others clone it, so `T` must be `Clone` to
/// be awaited; wrap a value that is not in an [`Arc`].
///
/// # Cancel safety
/// Dropping the future of an `.await` loses nothing; await another clone.
#[must_use = "the run goes on by itself, but its failure is only seen by whoever awaits this"]
pub struct TaskFuture<T>(pub(crate) Arc<Promise<T>>);

impl<T> TaskFuture<T> {
    /// Returns the id of the task run.
    #[must_use]
    pub fn id(&self) -> TaskRunId {
        self.0.id
    }

    /// Returns the record of the task run; `None` while it waits for its turn in a map.
    #[must_use]
    pub fn run(&self) -> Option<&Arc<TaskRun>> {
        self.0.run.get()
    }

    /// Returns the present state of the task run.
    #[must_use]
    pub fn state(&self) -> State {
        self.run().map_or_else(|| State::new(StateName::Pending, clock::now()), |run| run.state())
    }

    /// Tells whether the run has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.0.is_filled()
    }

    /// Asks the run, and everything it started, to stop: see [`cancelled`](crate::runtime::cancelled).
    pub fn cancel(&self) {
        self.0.cancel.cancel();
    }

    /// Waits for the run to end and returns its final state, however it ended.
    pub async fn wait(&self) -> State {
        self.0.wait().await;
        self.state()
    }

    pub(crate) async fn take(self) -> Result<T, Error>
    where
        T: Clone,
    {
        self.0.take().await
    }
}

impl<T> Clone for TaskFuture<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for TaskFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskFuture").field("id", &self.id()).field("state", &self.state()).finish()
    }
}

impl<T: Clone + Send + 'static> IntoFuture for TaskFuture<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.take())
    }
}

impl<T: Clone + Send + 'static> IntoFuture for &TaskFuture<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.clone().take())
    }
}
