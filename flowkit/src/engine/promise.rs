//! The value that a submitted run will have, shared by everybody who waits for it.

use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind};
use crate::id::TaskRunId;
use crate::run::{TaskRun, lock};

/// A task run and the place for its result, filled once.
#[derive(Debug)]
pub(crate) struct Promise<T> {
    pub(crate) id: TaskRunId,
    /// The record, once the run has begun.
    pub(crate) run: OnceLock<Arc<TaskRun>>,
    /// Cancels the run.
    pub(crate) cancel: CancellationToken,
    slot: Mutex<Option<Result<T, Error>>>,
    filled: Notify,
}

impl<T> Promise<T> {
    pub(crate) fn new(id: TaskRunId, cancel: CancellationToken) -> Arc<Self> {
        Arc::new(Self { id, run: OnceLock::new(), cancel, slot: Mutex::new(None), filled: Notify::new() })
    }

    /// Fills the place and wakes everybody who waits.
    pub(crate) fn fill(&self, result: Result<T, Error>) {
        *lock(&self.slot) = Some(result);
        self.filled.notify_waiters();
    }

    /// Tells whether the place has been filled.
    pub(crate) fn is_filled(&self) -> bool {
        lock(&self.slot).is_some()
    }

    /// Returns a clone of the result, if it is there.
    pub(crate) fn peek(&self) -> Option<Result<T, Error>>
    where
        T: Clone,
    {
        lock(&self.slot).clone()
    }

    /// Returns the error, if the run has failed.
    pub(crate) fn failure(&self) -> Option<Error> {
        lock(&self.slot).as_ref()?.as_ref().err().cloned()
    }

    /// Waits until the place is filled.
    pub(crate) async fn wait(&self) {
        loop {
            let filled = self.filled.notified();
            if self.is_filled() {
                return;
            }
            filled.await;
        }
    }

    /// Takes the result, if it is there and nobody else can want it any more, else clones it.
    pub(crate) fn into_result(self: Arc<Self>) -> Option<Result<T, Error>>
    where
        T: Clone,
    {
        match Arc::try_unwrap(self) {
            Ok(alone) => alone.slot.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner),
            Err(shared) => lock(&shared.slot).clone(),
        }
    }

    /// Waits for the result and takes it if nobody else can want it any more, else clones it.
    pub(crate) async fn take(self: Arc<Self>) -> Result<T, Error>
    where
        T: Clone,
    {
        self.wait().await;
        self.into_result().unwrap_or_else(|| Err(Error::new(ErrorKind::Crashed, "the run left no result")))
    }
}

/// The duty to fill a promise. Letting go of it tells everybody who waits that there will be no result.
pub(crate) struct Duty<T>(Option<Arc<Promise<T>>>);

impl<T> Duty<T> {
    pub(crate) fn new(promise: &Arc<Promise<T>>) -> Self {
        Self(Some(Arc::clone(promise)))
    }

    pub(crate) fn fill(mut self, result: Result<T, Error>) {
        if let Some(promise) = self.0.take() {
            promise.fill(result);
        }
    }
}

impl<T> Drop for Duty<T> {
    fn drop(&mut self) {
        if let Some(promise) = self.0.take().filter(|promise| !promise.is_filled()) {
            promise.fill(Err(Error::new(ErrorKind::Crashed, "the run was dropped before it ended")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_duty_that_is_dropped_leaves_nobody_waiting() {
        let promise = Promise::<u8>::new(TaskRunId::now(), CancellationToken::new());
        drop(Duty::new(&promise));
        assert_eq!(promise.take().await.map_err(|error| error.kind()), Err(ErrorKind::Crashed));
    }

    #[tokio::test]
    async fn all_who_wait_get_the_value_and_the_last_one_takes_it() {
        let promise = Promise::new(TaskRunId::now(), CancellationToken::new());
        let (first, second) = (Arc::clone(&promise), promise);
        let waiter = tokio::spawn(Arc::clone(&first).take());
        tokio::task::yield_now().await;
        let value = Arc::new(7);
        first.fill(Ok(Arc::clone(&value)));
        drop(first);
        assert_eq!(waiter.await.expect("no panic").ok().as_deref(), Some(&7));
        assert_eq!(second.take().await.ok().as_deref(), Some(&7));
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
