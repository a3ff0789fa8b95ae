//! The time between being told to stop and being dropped.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::engine::timers;
use crate::heed::Heed;

/// How often somebody looks whether a run that is awaited in the body has ended elsewhere.
const LOOK: Duration = Duration::from_millis(100);

/// What stops an attempt, and how.
#[derive(Clone, Copy)]
pub(crate) struct Stop<'a> {
    pub(crate) cancel: &'a CancellationToken,
    /// Whether the body listens, and whether runs below it still do.
    pub(crate) heed: &'a Heed,
    /// How long a body that listens may take to end by itself.
    pub(crate) grace: Duration,
}

/// Drives a body that is told to stop to its end. `None` means that it is to be dropped: at once if it does not listen,
/// after the grace if it does, and never before the runs that are awaited in it have ended.
pub(crate) async fn last_turns<F: Future + Unpin>(body: &mut F, stop: Stop<'_>) -> Option<F::Output> {
    let told = clock::Stopwatch::start();
    // Being told may have woken the body's parts one after the other: all of them get a turn.
    for _ in 0..2 {
        if let Poll::Ready(ended) = futures::poll!(&mut *body) {
            return Some(ended);
        }
        tokio::task::yield_now().await;
    }
    let may_go_on = || stop.heed.is_held() || (stop.heed.has_asked() && told.elapsed() < stop.grace);
    let waits = may_go_on() && timers::are_there();
    while waits && may_go_on() {
        let left = stop.grace.saturating_sub(told.elapsed());
        let pause = if stop.heed.is_held() { LOOK } else { left };
        let mut pause = pin!(clock::sleep(pause));
        let turn = poll_fn(|cx| match body.poll_unpin(cx) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if may_go_on() => pause.as_mut().poll(cx).map(|()| None),
            Poll::Pending => Poll::Ready(None),
        });
        if let Some(ended) = turn.await {
            return Some(ended);
        }
    }
    if stop.heed.blocks() {
        tracing::warn!(target: "flowkit::run", "Blocking code cannot be stopped from outside: it goes on unseen until it ends or asks whether it is cancelled");
    } else if stop.heed.has_asked() && waits {
        tracing::warn!(target: "flowkit::run", "It did not end by itself within {:?} second(s) and is dropped", stop.grace.as_secs_f64());
    }
    None
}
