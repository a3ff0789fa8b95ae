//! What the program holds of a channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::options::EventsOptions;
use super::tally::{EventsStats, Flushed, RefusedEvent, SharedTally};
use super::window::Item;
use super::worker::{Command, Worker};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::model::Event;

/// Delivers events in the background, in order, at least once; the server drops repeated ones by their id.
///
/// Clones are handles of the same channel. A task on the runtime it was opened on does the work; nothing is sent
/// before the first event. Events are validated before they are taken, since the server drops the whole connection
/// over one it does not like. An event counts as confirmed when the server has received it.
///
/// ```no_run
/// use std::time::Duration;
/// use flowkit_client::model::{Event, Resource};
/// use flowkit_client::{Client, Config, EventsChannel, EventsOptions};
///
/// # async fn example() -> Result<(), flowkit_client::Error> {
/// let client = Client::new(Config::new("http://127.0.0.1:4200/api")?)?;
/// let channel = EventsChannel::open(&client, EventsOptions::default())?;
/// channel.send(Event::new("tea.ready", Resource::new("kitchen.pot"))).await?;
/// let (flushed, undelivered) = channel.close(Duration::from_secs(5)).await;
/// assert!(flushed.is_complete() && undelivered.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct EventsChannel {
    commands: mpsc::UnboundedSender<Command>,
    /// Bounds what the unbounded queue and the window hold together.
    places: Arc<Semaphore>,
    accepted: Arc<AtomicU64>,
    tally: SharedTally,
}

impl EventsChannel {
    /// Opens a channel on the current tokio runtime. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] outside of a tokio runtime.
    pub fn open(client: &Client, options: EventsOptions) -> Result<Self, Error> {
        let runtime = Handle::try_current().map_err(|error| {
            Error::new(ErrorKind::Closed, "an events channel needs a tokio runtime").with_source(error)
        })?;
        let (commands, receiver) = mpsc::unbounded_channel();
        let tally = SharedTally::default();
        let places = Arc::new(Semaphore::new(options.capacity));
        let worker = Worker::new(client, options, receiver, tally.clone());
        runtime.spawn(worker.run());
        Ok(Self { commands, places, accepted: Arc::default(), tally })
    }

    /// Takes an event for delivery. Waits while as many events as the capacity are unconfirmed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Validation`] when the server would not take the event, [`ErrorKind::Closed`] when the channel or
    /// its runtime has been closed.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped before it is ready, the event has not been taken.
    pub async fn send(&self, event: Event) -> Result<(), Error> {
        let frame = event.to_frame()?.into();
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| closed())?;
        // Counted first, so that an event can never be confirmed before it was accepted.
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.commands.send(Command::Deliver(Item { frame, _place: place })).map_err(|_| {
            self.accepted.fetch_sub(1, Ordering::Relaxed);
            closed()
        })
    }

    /// Delivers at once what was taken so far, and waits until it is confirmed or the time is up. Pauses between
    /// tries are cut short meanwhile.
    pub async fn flush(&self, limit: Duration) -> Flushed {
        let (done, flushed) = oneshot::channel();
        if self.commands.send(Command::Flush(done)).is_ok() {
            // Time up and a dead worker end the same way: what is not confirmed is outstanding.
            let _ = timeout(limit, flushed).await;
        }
        self.flushed()
    }

    /// Flushes, ends the connection, and gives back what could not be delivered in time, so that the caller can keep
    /// it. Other handles of the channel can no longer send.
    pub async fn close(self, limit: Duration) -> (Flushed, Vec<Event>) {
        let (reply, left) = oneshot::channel();
        let mut undelivered = Vec::new();
        if self.commands.send(Command::Close { until: Instant::now() + limit, reply }).is_ok() {
            undelivered = left.await.unwrap_or_default();
        }
        (self.flushed(), undelivered)
    }

    /// Counts what became of the events so far.
    pub fn stats(&self) -> EventsStats {
        let tally = self.tally.lock();
        let accepted = self.accepted.load(Ordering::Relaxed);
        EventsStats {
            accepted,
            confirmed: tally.confirmed,
            refused: tally.refused,
            outstanding: accepted.saturating_sub(tally.confirmed + tally.refused),
            path: tally.path,
            last_error: tally.last_error.clone(),
        }
    }

    /// Gives the events the server would not take since the last call; the last hundred are kept.
    pub fn take_refused(&self) -> Vec<RefusedEvent> {
        std::mem::take(&mut self.tally.lock().refusals)
    }

    fn flushed(&self) -> Flushed {
        let EventsStats { confirmed, refused, outstanding, .. } = self.stats();
        Flushed { confirmed, refused, outstanding }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the events channel is closed")
}
