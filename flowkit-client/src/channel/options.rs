//! How an events channel behaves.

use std::num::NonZeroU32;
use std::time::Duration;

/// Says how events travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EventsTransport {
    /// Over a websocket, and over HTTP while there is none.
    #[default]
    WebSocketOrHttp,
    /// Over HTTP only.
    HttpOnly,
}

/// Sets how an [`EventsChannel`](super::EventsChannel) behaves. The defaults suit a local server and Cloud.
#[derive(Debug, Clone, PartialEq)]
pub struct EventsOptions {
    pub(super) transport: EventsTransport,
    pub(super) capacity: usize,
    pub(super) confirm_every: u64,
    pub(super) confirm_after: Duration,
    pub(super) pong_timeout: Duration,
    pub(super) open_timeout: Duration,
    pub(super) pause: (Duration, Duration),
    pub(super) socket_retry: Duration,
    pub(super) http_events: usize,
    pub(super) http_bytes: usize,
    pub(super) http_linger: Duration,
    pub(super) http_timeout: Duration,
    pub(super) max_rate: Option<NonZeroU32>,
    pub(super) grace: Duration,
}

impl Default for EventsOptions {
    fn default() -> Self {
        Self {
            transport: EventsTransport::WebSocketOrHttp,
            capacity: 10_000,
            confirm_every: 700,
            confirm_after: Duration::from_secs(20),
            pong_timeout: Duration::from_secs(30),
            open_timeout: Duration::from_secs(10),
            pause: (Duration::from_millis(500), Duration::from_secs(30)),
            socket_retry: Duration::from_secs(60),
            http_events: 200,
            http_bytes: 1_000_000,
            http_linger: Duration::from_millis(200),
            http_timeout: Duration::from_secs(15),
            max_rate: None,
            grace: Duration::from_secs(10),
        }
    }
}

impl EventsOptions {
    /// Sets how events travel. Default: websocket, with HTTP behind it.
    #[must_use]
    pub fn transport(mut self, transport: EventsTransport) -> Self {
        self.transport = transport;
        self
    }

    /// Sets how many events may be unconfirmed before sending waits. Default: 10 000; at least one.
    #[must_use]
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events.clamp(1, tokio::sync::Semaphore::MAX_PERMITS);
        self
    }

    /// Sets after how many events a confirmation is asked for. Default: 700, as Prefect does; never more than half the
    /// capacity, so that senders do not wait for a confirmation nobody has asked for.
    #[must_use]
    pub fn confirm_every(mut self, events: u64) -> Self {
        self.confirm_every = events.max(1);
        self
    }

    /// Sets after how long a confirmation is asked for, which also keeps an idle connection open. Default: 20 seconds.
    #[must_use]
    pub fn confirm_after(mut self, delay: Duration) -> Self {
        self.confirm_after = delay;
        self
    }

    /// Sets how long a confirmation may take before the connection counts as lost. Default: 30 seconds.
    #[must_use]
    pub fn pong_timeout(mut self, limit: Duration) -> Self {
        self.pong_timeout = limit;
        self
    }

    /// Sets how long opening the websocket, authentication included, may take. Default: 10 seconds.
    #[must_use]
    pub fn open_timeout(mut self, limit: Duration) -> Self {
        self.open_timeout = limit;
        self
    }

    /// Sets the pauses between failed tries: the first one, doubled each time up to the longest. Default: half a
    /// second, up to 30 seconds; 20 % jitter.
    #[must_use]
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.pause = (first, longest.max(first));
        self
    }

    /// Sets how long a refused websocket is not tried again. Default: 60 seconds.
    #[must_use]
    pub fn socket_retry(mut self, delay: Duration) -> Self {
        self.socket_retry = delay;
        self
    }

    /// Sets how many events and bytes go into one HTTP request at most. Default: 200 events, one megabyte. An event
    /// that is larger travels alone.
    #[must_use]
    pub fn http_batch(mut self, events: usize, bytes: usize) -> Self {
        (self.http_events, self.http_bytes) = (events.max(1), bytes);
        self
    }

    /// Sets how long events are collected before an HTTP request. Default: 200 milliseconds.
    #[must_use]
    pub fn http_linger(mut self, delay: Duration) -> Self {
        self.http_linger = delay;
        self
    }

    /// Sets how long one HTTP delivery may take, the client's own retries included. Default: 15 seconds.
    #[must_use]
    pub fn http_timeout(mut self, limit: Duration) -> Self {
        self.http_timeout = limit;
        self
    }

    /// Sets how many events are sent per second at most. Default: no limit.
    ///
    /// A self-hosted server queues 10 000 events between receiving and storing; what comes faster than its database
    /// stores is dropped there without a word. A rate it can keep up with avoids that.
    #[must_use]
    pub fn max_rate(mut self, per_second: Option<NonZeroU32>) -> Self {
        self.max_rate = per_second;
        self
    }

    /// Sets how long delivery goes on when the last handle is dropped without closing. Default: 10 seconds.
    #[must_use]
    pub fn grace(mut self, limit: Duration) -> Self {
        self.grace = limit;
        self
    }

    pub(super) fn confirms_after(&self) -> u64 {
        self.confirm_every.min((self.capacity / 2).max(1) as u64)
    }
}
