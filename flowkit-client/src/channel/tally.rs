//! What became of the events of a channel.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// Says how events travel right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EventsPath {
    /// Nothing has been sent yet, or the server cannot be reached.
    #[default]
    Idle,
    /// Over a websocket.
    WebSocket,
    /// Over HTTP.
    Http,
}

/// Counts the events of a channel. Every accepted event is confirmed, refused or outstanding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventsStats {
    /// How many events [`EventsChannel::send`](super::EventsChannel::send) took.
    pub accepted: u64,
    /// How many have reached the server.
    pub confirmed: u64,
    /// How many the server would not take; see [`EventsChannel::take_refused`](super::EventsChannel::take_refused).
    pub refused: u64,
    /// How many are on their way.
    pub outstanding: u64,
    /// How they travel.
    pub path: EventsPath,
    /// Why the last try to deliver failed, if none has succeeded since.
    pub last_error: Option<Arc<str>>,
}

/// Says how far a flush came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flushed {
    /// How many events have reached the server since the channel was opened.
    pub confirmed: u64,
    /// How many the server would not take since the channel was opened.
    pub refused: u64,
    /// How many are still on their way.
    pub outstanding: u64,
}

impl Flushed {
    /// Tells whether nothing is left to deliver.
    pub fn is_complete(&self) -> bool {
        self.outstanding == 0
    }
}

/// Describes an event the server would not take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedEvent {
    /// The id of the event.
    pub id: Uuid,
    /// What it told of, such as `prefect.task-run.Completed`.
    pub event: String,
    /// The server's words.
    pub reason: String,
}

/// What the worker tells its handles.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) confirmed: u64,
    pub(super) refused: u64,
    pub(super) path: EventsPath,
    pub(super) last_error: Option<Arc<str>>,
    pub(super) refusals: Vec<RefusedEvent>,
}

impl Tally {
    /// How many refused events are kept for [`EventsChannel::take_refused`](super::EventsChannel::take_refused).
    const KEPT: usize = 100;

    pub(super) fn refuse(&mut self, event: RefusedEvent) {
        self.refused += 1;
        if self.refusals.len() == Self::KEPT {
            self.refusals.remove(0);
        }
        self.refusals.push(event);
    }
}

/// Shares the tally between worker and handles.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedTally(Arc<Mutex<Tally>>);

impl SharedTally {
    /// Gives the tally. Counters stay right even if a thread panicked while it held the lock.
    pub(super) fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
