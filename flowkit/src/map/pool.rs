//! The workers of one map: each takes the next call and runs it to its end.
//!
//! Workers are what bounds the map. No permit is held while a task waits for another, so nested maps and
//! submits inside of mapped tasks cannot block each other.

use std::any::Any;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context as Poll, Waker};

use futures::FutureExt;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::call::{TaskCall, spawn};
use crate::engine::context::{Context, Waiters};
use crate::engine::map_run::MapRun;
use crate::engine::{panic, task_run};
use crate::error::{Error, ErrorKind};
use crate::map::{Manner, OnFailure};
use crate::run::{TaskRun, lock};

/// A result with the index of its item.
pub(super) type Done<T> = (usize, Result<T, Error>);

/// Called with an item's index when its run has begun; returns what cancels the run.
pub(super) type OnBegin = Arc<dyn Fn(usize, &Arc<TaskRun>) -> CancellationToken + Send + Sync>;

pub(super) struct Pool<T> {
    state: Mutex<State<T>>,
    more_calls: Notify,
    manner: Manner,
    /// Set with the first call.
    told: OnceLock<Option<MapRun>>,
}

struct State<T> {
    calls: VecDeque<(usize, TaskCall<T>)>,
    done: VecDeque<Done<T>>,
    /// Calls taken by a worker and not done.
    running: usize,
    workers: usize,
    closed: bool,
    consumer: Option<Waker>,
}

/// How much the consumer may add now.
pub(super) struct Room {
    pub(super) calls: usize,
}

impl<T> Pool<T> {
    /// Says that no call will be added.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        self.more_calls.notify_waiters();
    }

    /// Drops the calls that no worker has taken.
    pub(super) fn abandon(&self) {
        let abandoned = std::mem::take(&mut lock(&self.state).calls);
        drop(abandoned);
        self.close();
    }
}

impl<T: Send + 'static> Pool<T> {
    pub(super) fn new(manner: Manner) -> Arc<Self> {
        let state = State {
            calls: VecDeque::new(),
            done: VecDeque::new(),
            running: 0,
            workers: 0,
            closed: false,
            consumer: None,
        };
        Arc::new(Self { state: Mutex::new(state), more_calls: Notify::new(), manner, told: OnceLock::new() })
    }

    /// Calls that may wait for a worker, beyond those that run: enough to keep workers busy between two visits
    /// of the consumer.
    fn depth(&self) -> usize {
        self.manner.limit.max(64)
    }

    pub(super) fn room(&self) -> Room {
        let state = lock(&self.state);
        let waiting = state.calls.len();
        // Refilling by halves makes the consumer's visits rare.
        let calls = if waiting * 2 > self.depth() { 0 } else { self.depth() - waiting };
        Room { calls }
    }

    /// Adds calls and starts as many workers as are of use.
    pub(super) fn add(
        self: &Arc<Self>,
        calls: Vec<(usize, TaskCall<T>)>,
        ambient: &Context,
        on_begin: Option<&OnBegin>,
    ) {
        let Some((_, first)) = calls.first() else { return };
        self.told.get_or_init(|| MapRun::begin(first.job.def, ambient, self.manner.report));
        let (to_start, to_wake) = {
            let mut state = lock(&self.state);
            state.calls.extend(calls);
            let idle = state.workers - state.running.min(state.workers);
            let wanted = state.calls.len().saturating_sub(idle).min(self.manner.limit - state.workers);
            state.workers += wanted;
            (wanted, idle > 0)
        };
        if to_wake {
            self.more_calls.notify_waiters();
        }
        for _ in 0..to_start {
            let worker = work(Arc::clone(self), ambient.clone(), on_begin.cloned());
            // A flow run that lets go of the map still waits for what is under way. A transaction waits for the runs alone,
            // since workers wait for calls, and those may come from code after it.
            let waiters = Waiters { transaction: None, ..ambient.waiters() };
            if let Err(error) = spawn(&waiters, None, worker) {
                self.give_up(&error);
            }
        }
    }

    /// There is no runtime to run workers on: every call fails.
    fn give_up(&self, error: &Error) {
        let mut state = lock(&self.state);
        state.workers -= 1;
        while let Some((index, _)) = state.calls.pop_front() {
            state.done.push_back((index, Err(error.clone())));
        }
    }

    /// Takes everything that is done; leaves the waker if there is nothing. `None` when nothing is left to come.
    pub(super) fn poll_done(&self, cx: &mut Poll<'_>) -> Option<VecDeque<Done<T>>> {
        let mut state = lock(&self.state);
        if state.done.is_empty() {
            if state.closed && state.running == 0 && state.calls.is_empty() {
                return None;
            }
            state.consumer = Some(cx.waker().clone());
            return Some(VecDeque::new());
        }
        Some(std::mem::take(&mut state.done))
    }

    /// Puts a worker's result and takes its next call, in one visit. `Err` means that the worker is of no more use.
    fn exchange(&self, done: Option<Done<T>>) -> Result<Option<(usize, TaskCall<T>)>, ()> {
        let mut wake = None;
        let next = {
            let mut state = lock(&self.state);
            if let Some(done) = done {
                state.running -= 1;
                state.done.push_back(done);
                wake = state.consumer.take();
            }
            let next = state.calls.pop_front();
            if next.is_some() {
                state.running += 1;
                Ok(next)
            } else if state.closed {
                state.workers -= 1;
                Err(())
            } else {
                Ok(None)
            }
        };
        if let Some(waker) = wake {
            waker.wake();
        }
        next
    }
}

fn panicked(payload: &(dyn Any + Send)) -> Error {
    Error::new(ErrorKind::Panicked, format!("a task run {}", panic::describe(payload)))
}

async fn work<T: Send + 'static>(pool: Arc<Pool<T>>, ambient: Context, on_begin: Option<OnBegin>) {
    let mut done: Option<Done<T>> = None;
    loop {
        let more_calls = pool.more_calls.notified();
        let stop =
            pool.manner.on_failure == OnFailure::Stop && done.as_ref().is_some_and(|(_, result)| result.is_err());
        let next = pool.exchange(done.take());
        if stop {
            // The failure is in its place already, before those that follow from it.
            ambient.cancel.cancel();
        }
        match next {
            Ok(Some((index, mut call))) => {
                let told = pool.told.get().and_then(Option::as_ref);
                if let Some(map) = told {
                    map.mark(&mut call.job);
                }
                // Dropped after the run, also if the worker is dropped in the middle of it.
                let mut _told_of = None;
                let mut live = task_run::begin_untold(call.job, ambient.clone());
                live.set_apart();
                _told_of = told.and_then(|map| map.counted(live.run()));
                if let Some(on_begin) = &on_begin {
                    let cancel = on_begin(index, live.run());
                    live.cancelled_by(cancel);
                }
                let _counted = ambient.transaction.as_ref().map(|transaction| transaction.inside.token());
                // Bodies are caught by the run itself; this is for the little else that is the user's code.
                let result = {
                    let mut untold = live.untold();
                    let mut run = pin!(AssertUnwindSafe(live.finish()).catch_unwind());
                    let ended = poll_fn(|cx| {
                        let polled = run.as_mut().poll(cx);
                        if polled.is_pending() {
                            untold.tell();
                        }
                        polled
                    });
                    ended.await
                };
                if let Some(progress) = &pool.manner.progress {
                    progress.step(&ambient.waiters());
                }
                done = Some((index, result.unwrap_or_else(|payload| Err(panicked(&*payload)))));
                tokio::task::coop::consume_budget().await;
            }
            Ok(None) => more_calls.await,
            Err(()) => return,
        }
    }
}
