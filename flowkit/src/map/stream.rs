//! The results of a map as they come.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poll, Poll as Answer, ready};

use futures::Stream;

use crate::call::TaskCall;
use crate::engine::context::Context;
use crate::error::Error;
use crate::map::pool::{Done, Pool};
use crate::map::{Manner, OnFailure};
use crate::runtime;

/// The results of a map in the order in which its runs end.
#[must_use = "a stream does nothing until it is polled"]
pub struct MapStream<'a, T> {
    calls: Option<Box<dyn Iterator<Item = TaskCall<T>> + Send + 'a>>,
    made: usize,
    ready: VecDeque<Done<T>>,
    pool: Arc<Pool<T>>,
    ambient: Option<(Context, Option<Error>)>,
    on_failure: OnFailure,
    limit: usize,
}

impl<'a, T: Send + 'static> MapStream<'a, T> {
    pub(super) fn new(calls: Box<dyn Iterator<Item = TaskCall<T>> + Send + 'a>, manner: Manner) -> Self {
        let Manner { limit, on_failure, .. } = manner;
        let pool = Pool::new(manner);
        Self { calls: Some(calls), made: 0, ready: VecDeque::new(), pool, ambient: None, on_failure, limit }
    }

    /// Gives the next result; `None` when all items have ended.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        Some(self.next_indexed().await?.1)
    }

    /// Gives the next result with the index of its item.
    pub async fn next_indexed(&mut self) -> Option<(usize, Result<T, Error>)> {
        std::future::poll_fn(|cx| self.poll_indexed(cx)).await
    }

    fn poll_indexed(&mut self, cx: &mut Poll<'_>) -> Answer<Option<Done<T>>> {
        loop {
            if let Some(done) = self.ready.pop_front() {
                if done.1.is_err() && self.on_failure == OnFailure::Stop {
                    self.calls = None;
                    self.pool.abandon();
                }
                return Answer::Ready(Some(done));
            }
            self.refill();
            match self.pool.poll_done(cx) {
                None => return Answer::Ready(None),
                Some(done) if done.is_empty() => return Answer::Pending,
                Some(done) => self.ready = done,
            }
        }
    }

    /// Makes as many calls as the workers have room for.
    fn refill(&mut self) {
        let Some(calls) = &mut self.calls else { return };
        let (ambient, refused) = self.ambient.get_or_insert_with(|| {
            let (ambient, refused) = runtime::ambient();
            let cancel = ambient.branch();
            (Context { cancel, ..ambient }, refused)
        });
        if let Some(error) = refused.take() {
            self.ready.push_back((0, Err(error)));
            self.calls = None;
            self.pool.close();
            return;
        }
        let room = self.pool.room().calls;
        if room == 0 {
            return;
        }
        let first = self.made;
        let batch: Vec<_> = calls.take(room).enumerate().map(|(nth, call)| (first + nth, call)).collect();
        let exhausted = batch.len() < room;
        self.made += batch.len();
        self.pool.add(batch, ambient, None);
        if exhausted {
            self.calls = None;
            self.pool.close();
        }
    }
}

impl<T: Send + 'static> Stream for MapStream<'_, T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poll<'_>) -> Answer<Option<Self::Item>> {
        let done = ready!(self.poll_indexed(cx));
        Answer::Ready(done.map(|(_, result)| result))
    }
}

impl<T> Unpin for MapStream<'_, T> {}

impl<T> Drop for MapStream<'_, T> {
    fn drop(&mut self) {
        if let Some((ambient, _)) = &self.ambient {
            ambient.cancel.cancel();
            self.pool.abandon();
        }
    }
}

impl<T> fmt::Debug for MapStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapStream").field("limit", &self.limit).field("made", &self.made).finish_non_exhaustive()
    }
}
