//! Waiting for several runs, or not for ever.

use std::borrow::Borrow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context as Poll, Poll as Answer};

use futures::future::{BoxFuture, join_all};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, Stream, StreamExt};

use crate::clock;
use crate::duration::IntoDuration;
use crate::engine::timers;
use crate::error::{Error, ErrorKind};
use crate::future::TaskFuture;

/// Waits for at most `timeout` and returns the futures whose runs have ended, and those whose runs have not.
///
/// Both keep the order of `futures`. The runs go on. How they ended is not looked at.
///
/// ```
/// use flowkit::prelude::*;
///
/// #[task]
/// async fn nap(millis: u64) {
///     tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
/// let futures = vec![nap(1).submit(), nap(60_000).submit()];
/// let (done, pending) = flowkit::wait(&futures, "100ms").await?;
/// assert_eq!((done.len(), pending.len()), (1, 1));
/// pending[0].cancel();
/// # Ok::<_, flowkit::Error>(())
/// # }).expect("it succeeds");
/// ```
///
/// # Errors
/// The timeout cannot be read, as in `"5 parsecs"`, or the tokio runtime has no timers.
///
/// # Cancel safety
/// Dropping it loses nothing.
pub async fn wait<T, I>(
    futures: I,
    timeout: impl IntoDuration,
) -> Result<(Vec<TaskFuture<T>>, Vec<TaskFuture<T>>), Error>
where
    I: IntoIterator,
    I::Item: Borrow<TaskFuture<T>>,
{
    let limit = timeout.into_duration()?;
    timers::check(format_args!("`wait` has a timeout"))?;
    let futures: Vec<TaskFuture<T>> = futures.into_iter().map(|future| future.borrow().clone()).collect();
    let ended = join_all(futures.iter().map(TaskFuture::wait));
    let _ = clock::within(limit, ended).await;
    Ok(futures.into_iter().partition(TaskFuture::is_done))
}

/// Gives the futures in the order in which their runs end, however they end.
///
/// ```
/// use flowkit::prelude::*;
/// use futures::StreamExt;
///
/// #[task]
/// async fn nap(millis: u64) -> u64 {
///     tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
///     millis
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
/// let futures = [nap(200).submit(), nap(1).submit()];
/// let mut ended = flowkit::as_completed(&futures);
/// assert_eq!(ended.next().await.expect("there are two").await?, 1);
/// # Ok::<_, flowkit::Error>(())
/// # }).expect("it succeeds");
/// ```
pub fn as_completed<T, I>(futures: I) -> AsCompleted<T>
where
    T: Send + 'static,
    I: IntoIterator,
    I::Item: Borrow<TaskFuture<T>>,
{
    let ended = |future: TaskFuture<T>| {
        async move {
            let _ = future.wait().await;
            future
        }
        .boxed()
    };
    AsCompleted(futures.into_iter().map(|future| ended(future.borrow().clone())).collect())
}

/// The futures of [`as_completed`].
#[must_use = "a stream does nothing until it is polled"]
pub struct AsCompleted<T>(FuturesUnordered<BoxFuture<'static, TaskFuture<T>>>);

impl<T> Stream for AsCompleted<T> {
    type Item = TaskFuture<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poll<'_>) -> Answer<Option<TaskFuture<T>>> {
        self.0.poll_next_unpin(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsCompleted").field(&self.0.len()).finish()
    }
}

/// Waits for all runs and returns their values in the order of `futures`, or the first failure in that order.
///
/// ```
/// use flowkit::prelude::*;
///
/// #[task]
/// async fn double(n: u32) -> u32 {
///     n * 2
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
/// let futures: Vec<_> = (1..=3).map(|n| double(n).submit()).collect();
/// assert_eq!(flowkit::resolve_all(futures).await?, [2, 4, 6]);
/// # Ok::<_, flowkit::Error>(())
/// # }).expect("it succeeds");
/// ```
///
/// # Errors
/// Why the first of the runs that failed did so; the others have ended as well by then.
pub async fn resolve_all<T: Clone>(futures: impl IntoIterator<Item = TaskFuture<T>>) -> Result<Vec<T>, Error> {
    let results = join_all(futures.into_iter().map(TaskFuture::take)).await;
    results.into_iter().collect()
}

impl<T: Clone + Send + 'static> TaskFuture<T> {
    /// Waits for the result for at most `timeout`: `"5s"`, a `Duration`, or seconds. The run goes on after that.
    ///
    /// # Errors
    /// Why the run failed; an error of kind [`TimedOut`](ErrorKind::TimedOut) if it has not ended by then, and of kind
    /// [`Definition`](ErrorKind::Definition) if the timeout cannot be read.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing.
    pub async fn wait_timeout(&self, timeout: impl IntoDuration) -> Result<T, Error> {
        let limit = timeout.into_duration()?;
        timers::check(format_args!("`wait_timeout` has a timeout"))?;
        if let Some(result) = clock::within(limit, self.clone().take()).await {
            return result;
        }
        let name = self.run().map_or_else(|| self.id().to_string(), |run| run.name().to_string());
        let why = format!("task run '{name}' has not ended within {:?} second(s)", limit.as_secs_f64());
        Err(Error::new(ErrorKind::TimedOut, why))
    }
}
