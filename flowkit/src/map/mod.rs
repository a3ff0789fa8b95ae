//! One task over many items: lazy, bounded, in order.

mod handle;
mod pool;
mod slot;
mod stream;

use std::fmt;
use std::future::IntoFuture;

use futures::future::BoxFuture;

use crate::artifact::Progress;
use crate::call::TaskCall;
use crate::error::Error;
use crate::report::Report;

pub use handle::{Handles, MapFuture};
pub use stream::MapStream;

/// How many task runs of one map are under way at once unless [`MapCall::limit`] says otherwise.
pub const DEFAULT_LIMIT: usize = 100;

/// Calls a task for each item: `map(1..=3, double)`, `map(&futures, double)`, `map(pages, |p| fetch(api.clone(), p))`.
///
/// Items may be values or futures. Nothing happens until the map is awaited, streamed or submitted.
pub fn map<'a, I, F, T>(items: I, call: F) -> MapCall<'a, T>
where
    I: IntoIterator,
    I::IntoIter: Send + 'a,
    F: FnMut(I::Item) -> TaskCall<T> + Send + 'a,
    T: Send + 'static,
{
    let manner = Manner { limit: DEFAULT_LIMIT, on_failure: OnFailure::Finish, progress: None, report: None };
    MapCall { calls: Box::new(items.into_iter().map(call)), manner }
}

/// A map that has not been started yet.
#[must_use = "a map does nothing until it is awaited, streamed or submitted"]
pub struct MapCall<'a, T> {
    pub(crate) calls: Box<dyn Iterator<Item = TaskCall<T>> + Send + 'a>,
    manner: Manner,
}

/// How the items of a map are run.
#[derive(Clone, Debug)]
struct Manner {
    /// How many at once.
    limit: usize,
    on_failure: OnFailure,
    /// What shows how many have ended.
    progress: Option<Progress>,
    /// How much a server is told of the runs, if not what it is told of others.
    report: Option<Report>,
}

/// What a failed item means for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnFailure {
    /// The others run to their end.
    Finish,
    /// No more are started, and those under way are cancelled.
    Stop,
}

impl<'a, T: Send + 'static> MapCall<'a, T> {
    /// Sets how many runs may be under way at once. Default: [`DEFAULT_LIMIT`]; 0 counts as 1.
    pub fn limit(mut self, limit: usize) -> Self {
        self.manner.limit = limit.max(1);
        self
    }

    /// Makes the first failure end the map: no further items are started, and those under way are cancelled.
    /// Without it every item runs, as in Prefect.
    pub fn fail_fast(mut self) -> Self {
        self.manner.on_failure = OnFailure::Stop;
        self
    }

    /// Has each item that ends, well or not, [advance](Progress::advance) a progress by one step. The map does not wait for it,
    /// but for the last change before its values are given; a change that cannot be shown is a warning in the log.
    ///
    /// ```
    /// use flowkit::{artifact, prelude::*};
    ///
    /// #[task]
    /// async fn load(page: u32) -> u32 {
    ///     page
    /// }
    ///
    /// #[flow]
    /// async fn load_all() -> flowkit::Result<Vec<u32>> {
    ///     let progress = artifact::progress().key("pages").steps(40).await?;
    ///     flowkit::map(1..=40, load).progress(&progress).await
    /// }
    /// # tokio::runtime::Runtime::new().expect("a runtime").block_on(flowkit::Runtime::ephemeral().run(async {
    /// assert_eq!(load_all().await?.len(), 40);
    /// assert_eq!(artifact::get("pages").await?.percent(), Some(100.0));
    /// # Ok::<_, flowkit::Error>(())
    /// # })).expect("it succeeds");
    /// ```
    pub fn progress(mut self, progress: &Progress) -> Self {
        self.manner.progress = Some(progress.clone());
        self
    }

    /// Sets how much a Prefect server is told of the map's runs. Default: what the setting `FLOWKIT_REPORT` says, or
    /// [`RuntimeBuilder::report`](crate::RuntimeBuilder::report). In memory and in a file nothing changes.
    ///
    /// ```no_run
    /// use flowkit::prelude::*;
    /// # #[task]
    /// # async fn count(page: u32) -> u32 { page }
    ///
    /// # async fn example() -> flowkit::Result<()> {
    /// let counts = flowkit::map(0..100_000, count).report(flowkit::Report::Aggregate).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn report(mut self, report: Report) -> Self {
        self.manner.report = Some(report);
        self
    }

    /// Gives results in the order in which the runs end.
    ///
    /// Calls are made, and runs started, as the stream is polled; dropping it cancels what is under way.
    pub fn stream(self) -> MapStream<'a, T> {
        MapStream::new(self.calls, self.manner)
    }

    /// Runs all items and gives each one's result, in the order of the items.
    ///
    /// With [`fail_fast`](MapCall::fail_fast), items that were not begun have no result.
    pub async fn results(self) -> Vec<Result<T, Error>> {
        let mut all: Vec<Option<Result<T, Error>>> = Vec::new();
        let progress = self.manner.progress.clone();
        let mut stream = self.stream();
        while let Some((index, result)) = stream.next_indexed().await {
            put(&mut all, index, result);
        }
        shown(progress).await;
        all.into_iter().flatten().collect()
    }

    /// Starts the map beside the present code.
    ///
    /// The calls are made here and now; the runs are started as the limit allows.
    pub fn submit(self) -> MapFuture<T> {
        MapFuture::start(self.calls.collect(), self.manner)
    }

    async fn values(self) -> Result<Vec<T>, Error> {
        let stop = self.manner.on_failure == OnFailure::Stop;
        let progress = self.manner.progress.clone();
        let mut values: Vec<Option<T>> = Vec::with_capacity(self.calls.size_hint().0.min(1 << 20));
        let mut failure: Option<(usize, Error)> = None;
        let mut stream = MapStream::new(self.calls, self.manner);
        while let Some((index, result)) = stream.next_indexed().await {
            match result {
                Ok(value) => put(&mut values, index, value),
                Err(error) if stop => return Err(error),
                Err(error) => {
                    if failure.as_ref().is_none_or(|(first, _)| index < *first) {
                        failure = Some((index, error));
                    }
                }
            }
        }
        shown(progress).await;
        match failure {
            Some((_, error)) => Err(error),
            None => Ok(values.into_iter().flatten().collect()),
        }
    }
}

/// Waits until all of a progress is shown.
async fn shown(progress: Option<Progress>) {
    if let Some(progress) = progress {
        progress.shown().await;
    }
}

fn put<T>(all: &mut Vec<Option<T>>, index: usize, value: T) {
    if all.len() <= index {
        all.resize_with(index + 1, || None);
    }
    all[index] = Some(value);
}

impl<T> fmt::Debug for MapCall<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapCall").field("manner", &self.manner).finish_non_exhaustive()
    }
}

/// Runs all items and gives their values in the order of the items, or the first failure in that order.
impl<'a, T: Send + 'static> IntoFuture for MapCall<'a, T> {
    type Output = Result<Vec<T>, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.values())
    }
}
