//! One task over many items: lazy, bounded, in order.

mod handle;
mod pool;
mod slot;
mod stream;

use std::fmt;
use std::future::IntoFuture;

use futures::future::BoxFuture;

use crate::call::TaskCall;
use crate::error::Error;

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
    MapCall { calls: Box::new(items.into_iter().map(call)), limit: DEFAULT_LIMIT, on_failure: OnFailure::Finish }
}

/// A map that has not been started yet.
#[must_use = "a map does nothing until it is awaited, streamed or submitted"]
pub struct MapCall<'a, T> {
    pub(crate) calls: Box<dyn Iterator<Item = TaskCall<T>> + Send + 'a>,
    pub(crate) limit: usize,
    on_failure: OnFailure,
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
        self.limit = limit.max(1);
        self
    }

    /// Makes the first failure end the map: no further items are started, and those under way are cancelled.
    /// Without it every item runs, as in Prefect.
    pub fn fail_fast(mut self) -> Self {
        self.on_failure = OnFailure::Stop;
        self
    }

    /// Gives results in the order in which the runs end.
    ///
    /// Calls are made, and runs started, as the stream is polled; dropping it cancels what is under way.
    pub fn stream(self) -> MapStream<'a, T> {
        MapStream::new(self.calls, self.limit, self.on_failure)
    }

    /// Runs all items and gives each one's result, in the order of the items.
    ///
    /// With [`fail_fast`](MapCall::fail_fast), items that were not begun have no result.
    pub async fn results(self) -> Vec<Result<T, Error>> {
        let mut all: Vec<Option<Result<T, Error>>> = Vec::new();
        let mut stream = self.stream();
        while let Some((index, result)) = stream.next_indexed().await {
            put(&mut all, index, result);
        }
        all.into_iter().flatten().collect()
    }

    /// Starts the map beside the present code.
    ///
    /// The calls are made here and now; the runs are started as the limit allows.
    pub fn submit(self) -> MapFuture<T> {
        MapFuture::start(self.calls.collect(), self.limit, self.on_failure)
    }

    async fn values(self) -> Result<Vec<T>, Error> {
        let stop = self.on_failure == OnFailure::Stop;
        let mut values: Vec<Option<T>> = Vec::with_capacity(self.calls.size_hint().0.min(1 << 20));
        let mut failure: Option<(usize, Error)> = None;
        let mut stream = MapStream::new(self.calls, self.limit, self.on_failure);
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
        match failure {
            Some((_, error)) => Err(error),
            None => Ok(values.into_iter().flatten().collect()),
        }
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
        f.debug_struct("MapCall")
            .field("limit", &self.limit)
            .field("on_failure", &self.on_failure)
            .finish_non_exhaustive()
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
