//! The time between being told to stop and being dropped.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::engine::timers;
use crate::heed::Heed;

/// How often somebody looks whether a run that is awaited in the body has ended elsewhere.
const LOOK: Duration = Duration::from_millis(100);

/// How long flow runs that are awaited in the body may take to hear that they are to stop, and how often is looked whether
/// they have: whoever tells all of them may be held up between one and the next.
const TO_HEAR: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(1);

/// What stops an attempt, and how.
#[derive(Clone, Copy)]
pub(crate) struct Stop<'a> {
    pub(crate) cancel: &'a CancellationToken,
    /// Whether the body listens, and whether runs below it still do.
    pub(crate) heed: &'a Heed,
    /// How long a body that listens may take to end by itself.
    pub(crate) grace: Duration,
    /// How many flow runs are awaited in the body, if they are counted.
    pub(crate) awaited: Option<&'a AtomicUsize>,
}

impl Stop<'_> {
    fn awaits(&self) -> bool {
        self.awaited.is_some_and(|awaited| awaited.load(Ordering::Relaxed) > 0)
    }
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
    let may_hear = || stop.awaits() && told.elapsed() < TO_HEAR;
    let may_go_on = || stop.heed.is_held() || may_hear() || (stop.heed.has_asked() && told.elapsed() < stop.grace);
    let waits = may_go_on() && timers::are_there();
    while waits && may_go_on() {
        let left = stop.grace.saturating_sub(told.elapsed());
        let pause = match stop.heed.is_held() {
            true => LOOK,
            false if may_hear() => SOON,
            false => left,
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Drives a body that hears only after some time that it is to stop, and then ends; gives how it ended, and when.
    async fn late(awaited: usize, hears_after: Duration) -> (Option<()>, Duration) {
        let (cancel, heed, awaited) = (CancellationToken::new(), Heed::default(), AtomicUsize::new(awaited));
        cancel.cancel();
        let stop = Stop { cancel: &cancel, heed: &heed, grace: Duration::ZERO, awaited: Some(&awaited) };
        let began = tokio::time::Instant::now();
        let mut body = Box::pin(async {
            tokio::time::sleep(hears_after).await;
            heed.hold();
            tokio::time::sleep(Duration::from_secs(5)).await;
            heed.release();
        });
        (last_turns(&mut body, stop).await, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_not_dropped_before_flow_runs_in_it_have_heard() {
        let (ended, took) = late(1, Duration::from_millis(300)).await;
        assert!(ended.is_some() && took >= Duration::from_secs(5), "{took:?}");
        assert_eq!(late(0, Duration::from_millis(300)).await, (None, Duration::ZERO), "nobody is awaited");
        let (ended, took) = late(1, Duration::from_secs(60)).await;
        assert!(ended.is_none() && took >= TO_HEAR && took < 2 * TO_HEAR, "nobody hears: {took:?}");
    }
}
