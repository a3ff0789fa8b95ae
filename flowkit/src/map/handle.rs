//! The handle of a submitted map.

use std::fmt;
use std::future::IntoFuture;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use futures::future::BoxFuture;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::call::{TaskCall, spawn};
use crate::engine::context::Context;
use crate::engine::wait::upstream_failed;
use crate::error::Error;
use crate::future::TaskFuture;
use crate::id::TaskRunId;
use crate::input::Source;
use crate::map::Manner;
use crate::map::pool::{OnBegin, Pool};
use crate::map::slot::Slot;
use crate::run::{TaskInput, TaskRun, lock};
use crate::runtime;
use crate::state::State;

/// The results that a submitted map will have, in the order of its items.
///
/// Await it for the values, give it to a task that takes a `Vec`, or map over it: `map(&futures, next)`.
#[must_use = "the map goes on by itself, but its failures are only seen by whoever awaits this"]
pub struct MapFuture<T>(Arc<Shared<T>>);

struct Shared<T> {
    slots: Mutex<Vec<Slot<T>>>,
    left: Mutex<usize>,
    ended: Notify,
    cancel: CancellationToken,
}

impl<T: Send + 'static> MapFuture<T> {
    pub(super) fn start(mut calls: Vec<TaskCall<T>>, manner: Manner) -> Self {
        let (ambient, refused) = runtime::ambient();
        let cancel = ambient.branch();
        let slots = calls.iter_mut().map(|call| Slot::Open(*call.job.id.get_or_insert_with(TaskRunId::now))).collect();
        let shared = Arc::new(Shared {
            slots: Mutex::new(slots),
            left: Mutex::new(calls.len()),
            ended: Notify::new(),
            cancel: cancel.clone(),
        });
        let count = calls.len();
        let waiters = ambient.waiters();
        let ambient = Context { cancel, ..ambient };
        let work = drive(Arc::clone(&shared), calls, manner, ambient);
        if let Err(error) = spawn(&waiters, refused, work) {
            for index in 0..count {
                shared.finish(index, Err(error.clone()));
            }
        }
        Self(shared)
    }
}

impl<T> Shared<T> {
    fn begin(&self, index: usize, run: &Arc<TaskRun>) -> CancellationToken {
        match lock(&self.slots).get_mut(index) {
            Some(slot) => slot.begin(run, &self.cancel),
            None => self.cancel.clone(),
        }
    }

    fn finish(&self, index: usize, result: Result<T, Error>) {
        if let Some(slot) = lock(&self.slots).get_mut(index) {
            slot.finish(result);
        }
        let mut left = lock(&self.left);
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.ended.notify_waiters();
        }
    }

    async fn wait(&self) {
        loop {
            let ended = self.ended.notified();
            if *lock(&self.left) == 0 {
                return;
            }
            ended.await;
        }
    }
}

/// Feeds the workers and puts what they bring into its place.
async fn drive<T: Send + 'static>(shared: Arc<Shared<T>>, calls: Vec<TaskCall<T>>, manner: Manner, ambient: Context) {
    let pool = Pool::new(manner);
    let begun = Arc::clone(&shared);
    let on_begin: OnBegin = Arc::new(move |index, run: &Arc<TaskRun>| begun.begin(index, run));
    pool.add(calls.into_iter().enumerate().collect(), &ambient, Some(&on_begin));
    pool.close();
    loop {
        let some_done = std::future::poll_fn(|cx| match pool.poll_done(cx) {
            Some(done) if done.is_empty() => Poll::Pending,
            done => Poll::Ready(done),
        });
        let Some(done) = some_done.await else { return };
        for (index, result) in done {
            shared.finish(index, result);
        }
    }
}

/// The first item that failed; one that was only stopped tells less.
fn first_failure<T>(slots: &[Slot<T>]) -> Option<(TaskRunId, Error)> {
    let failures = slots.iter().filter_map(|slot| Some((slot.id(), slot.failure()?)));
    failures.min_by_key(|(_, error)| error.is_cancelled())
}

impl<T> MapFuture<T> {
    /// Returns the number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.0.slots).len()
    }

    /// Tells whether there are no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells whether every item has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        *lock(&self.0.left) == 0
    }

    /// Asks all runs to stop; those that have not begun end as Cancelled without running.
    pub fn cancel(&self) {
        self.0.cancel.cancel();
    }

    /// Returns the present states, in the order of the items.
    #[must_use]
    pub fn states(&self) -> Vec<State> {
        lock(&self.0.slots).iter().map(Slot::state).collect()
    }

    /// Waits for all items and returns their final states, in the order of the items.
    pub async fn wait(&self) -> Vec<State> {
        self.0.wait().await;
        self.states()
    }

    /// Returns the handle of one item; `None` past the end.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<TaskFuture<T>> {
        lock(&self.0.slots).get_mut(index).map(|slot| slot.handle(&self.0.cancel))
    }

    async fn take(self) -> Result<Vec<T>, Error>
    where
        T: Clone,
    {
        self.0.wait().await;
        if let Some((_, error)) = first_failure(&lock(&self.0.slots)) {
            return Err(error);
        }
        match Arc::try_unwrap(self.0) {
            Ok(alone) => {
                let slots = alone.slots.into_inner().unwrap_or_else(PoisonError::into_inner);
                slots.into_iter().map(Slot::into_result).collect()
            }
            Err(shared) => lock(&shared.slots).iter().map(Slot::result).collect(),
        }
    }
}

impl<T> Clone for MapFuture<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for MapFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapFuture").field("items", &self.len()).field("left", &*lock(&self.0.left)).finish()
    }
}

impl<T: Clone + Send + 'static> IntoFuture for MapFuture<T> {
    type Output = Result<Vec<T>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.take())
    }
}

impl<T: Clone + Send + 'static> IntoFuture for &MapFuture<T> {
    type Output = Result<Vec<T>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.clone().take())
    }
}

/// Gives the handles of the items, made as they are asked for.
impl<T> IntoIterator for &MapFuture<T> {
    type Item = TaskFuture<T>;
    type IntoIter = Handles<T>;

    fn into_iter(self) -> Handles<T> {
        Handles { map: self.clone(), next: 0 }
    }
}

/// The handles of a map's items; see [`MapFuture`].
#[derive(Debug)]
pub struct Handles<T> {
    map: MapFuture<T>,
    next: usize,
}

impl<T> Iterator for Handles<T> {
    type Item = TaskFuture<T>;

    fn next(&mut self) -> Option<TaskFuture<T>> {
        let handle = self.map.get(self.next)?;
        self.next += 1;
        Some(handle)
    }
}

impl<T: Clone + Send + 'static> Source<Vec<T>> for MapFuture<T> {
    fn runs(&self) -> Vec<TaskInput> {
        lock(&self.0.slots).iter().map(|slot| TaskInput::TaskRun(slot.id())).collect()
    }

    fn value(self: Box<Self>) -> BoxFuture<'static, Result<Vec<T>, Error>> {
        let map = *self;
        Box::pin(async move {
            map.0.wait().await;
            let failed = first_failure(&lock(&map.0.slots));
            match failed {
                Some((upstream, cause)) => Err(upstream_failed(&TaskInput::TaskRun(upstream), cause)),
                None => map.take().await,
            }
        })
    }
}
