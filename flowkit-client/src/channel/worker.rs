//! The task behind a channel. It alone holds the window; handles talk to it by commands.
//!
//! It is a loop around two ways of delivery. Whatever it waits for, it goes on taking commands, so that a flush or a
//! close is noticed at once.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::options::{EventsOptions, EventsTransport};
use super::pace::{Pace, pause};
use super::socket::{Endpoint, Socket};
use super::tally::{EventsPath, SharedTally};
use super::window::{Item, Window};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::model::Event;
use crate::retry::RetryPolicy;

/// While somebody waits for a flush, no pause is longer.
const URGENT_PAUSE: Duration = Duration::from_millis(200);
/// After so many lost connections without a confirmation, an event is suspected and delivery goes over HTTP.
const MAX_FRUITLESS: u32 = 2;

#[derive(Debug)]
pub(super) enum Command {
    Deliver(Item),
    Flush(oneshot::Sender<()>),
    Close { until: Instant, reply: oneshot::Sender<Vec<Event>> },
}

pub(super) struct Worker {
    pub(super) client: Client,
    pub(super) options: EventsOptions,
    pub(super) window: Window,
    pub(super) pace: Pace,
    pub(super) failures: u32,
    tally: SharedTally,
    commands: mpsc::UnboundedReceiver<Command>,
    /// No further command can come.
    deaf: bool,
    /// Who waits until the event of this number has left the window.
    flushes: Vec<(u64, oneshot::Sender<()>)>,
    closing: Option<Instant>,
    reply: Option<oneshot::Sender<Vec<Event>>>,
}

/// Says why delivery over a websocket or HTTP ended.
pub(super) enum End {
    /// There is nothing left to do, or it is time for the other way.
    Done,
    /// The connection was lost.
    Lost(Error),
    /// The time to close is up.
    Expired,
}

impl Worker {
    pub(super) fn new(
        client: &Client,
        options: EventsOptions,
        commands: mpsc::UnboundedReceiver<Command>,
        tally: SharedTally,
    ) -> Self {
        Self {
            // The worker has its own back-off, which a flush can cut short.
            client: client.with_deadline(options.http_timeout).with_retry(RetryPolicy::none()),
            pace: Pace::new(options.max_rate, Instant::now()),
            options,
            window: Window::default(),
            failures: 0,
            tally,
            commands,
            deaf: false,
            flushes: Vec::new(),
            closing: None,
            reply: None,
        }
    }

    pub(super) async fn run(mut self) {
        let mut socket_from = Instant::now();
        let mut fruitless = 0;
        while self.has_work().await {
            let http_only = self.options.transport == EventsTransport::HttpOnly;
            let suspicious = fruitless >= MAX_FRUITLESS;
            if http_only || suspicious || Instant::now() < socket_from {
                // Over HTTP the server says which event it does not like, so suspects are all delivered that way.
                let back = (!http_only && !suspicious).then_some(socket_from);
                fruitless = 0;
                match self.over_http(back).await {
                    End::Expired => break,
                    End::Done | End::Lost(_) => continue,
                }
            }
            let (client, limit, write_limit) =
                (self.client.clone(), self.options.open_timeout, self.options.pong_timeout);
            let before = self.window.gone();
            let end = match self.meanwhile(Socket::open(&client, Endpoint::EventsIn, limit, write_limit)).await {
                None => End::Expired,
                Some(Ok(socket)) => self.over_socket(socket).await,
                Some(Err(error)) => {
                    socket_from = Instant::now() + self.pause_after(&error);
                    self.note(&error);
                    continue;
                }
            };
            match end {
                End::Done => {}
                End::Expired => break,
                End::Lost(error) => {
                    self.note(&error);
                    // The next connection is tried at once, unless it is the events that break them.
                    fruitless = if self.window.gone() == before { fruitless + 1 } else { 0 };
                    if fruitless >= MAX_FRUITLESS {
                        socket_from = Instant::now() + self.pause_after(&error);
                    }
                }
            }
        }
        self.settle();
        if let Some(reply) = self.reply.take() {
            // The caller may have stopped waiting.
            let _ = reply.send(self.window.into_events());
        }
    }

    /// Waits until there is an event; false when the channel is to end.
    async fn has_work(&mut self) -> bool {
        loop {
            self.settle();
            match self.closing {
                Some(until) => return !self.window.is_empty() && Instant::now() < until,
                None if !self.window.is_empty() => return true,
                None => {
                    let command = self.commands.recv().await;
                    self.take(command);
                }
            }
        }
    }

    /// Waits for something and takes commands meanwhile; nothing when the time to close is up.
    pub(super) async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            let until = self.closing;
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                command = self.commands.recv(), if !self.deaf => self.take(command),
                () = at(until) => return None,
            }
        }
    }

    /// Waits so long, or shorter while somebody is in a hurry.
    pub(super) async fn rest(&mut self, delay: Duration) {
        let start = Instant::now();
        loop {
            let delay = if self.is_urgent() { delay.min(URGENT_PAUSE) } else { delay };
            let until = self.closing.map_or(start + delay, |closing| closing.min(start + delay));
            tokio::select! {
                biased;
                () = sleep_until(until) => return,
                command = self.commands.recv(), if !self.deaf => self.take(command),
            }
        }
    }

    /// Waits for the next command, and takes all that are there.
    pub(super) async fn listen(&mut self) {
        if self.deaf {
            return std::future::pending().await;
        }
        let command = self.commands.recv().await;
        self.take(command);
        while let Ok(command) = self.commands.try_recv() {
            self.take(Some(command));
        }
    }

    fn take(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Deliver(item)) => self.window.push(item),
            Some(Command::Flush(done)) => {
                self.flushes.push((self.window.last(), done));
                // Everything may have left already, and then nothing else would wake the caller.
                self.settle();
            }
            Some(Command::Close { until, reply }) => {
                self.commands.close();
                self.closing = Some(until);
                self.reply = Some(reply);
            }
            None => {
                self.deaf = true;
                self.closing.get_or_insert(Instant::now() + self.options.grace);
            }
        }
    }

    /// Tells whether somebody waits for the window to empty.
    pub(super) fn is_urgent(&mut self) -> bool {
        self.flushes.retain(|(_, done)| !done.is_closed());
        self.closing.is_some() || !self.flushes.is_empty()
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    pub(super) fn has_expired(&self) -> bool {
        self.closing.is_some_and(|until| Instant::now() >= until)
    }

    pub(super) fn closing_at(&self) -> Option<Instant> {
        self.closing
    }

    /// Lets confirmed events leave, and tells who waits for that.
    pub(super) fn confirm(&mut self, through: u64) {
        self.failures = 0;
        let left = self.window.leave_through(through);
        {
            let mut tally = self.tally.lock();
            tally.confirmed += left;
            tally.last_error = None;
        }
        self.settle();
    }

    /// Lets the first event leave as refused.
    pub(super) fn refuse_first(&mut self, why: &Error) {
        let first = self.window.first(1, usize::MAX).pop();
        self.window.leave_through(self.window.gone() + 1);
        if let Some(event) = first.and_then(|frame| serde_json::from_str::<Event>(&frame).ok()) {
            let refused = super::RefusedEvent { id: event.id, event: event.event, reason: why.to_string() };
            self.tally.lock().refuse(refused);
        }
        self.settle();
    }

    fn settle(&mut self) {
        let gone = self.window.gone();
        for (_, done) in self.flushes.extract_if(.., |(number, _)| *number <= gone) {
            // The caller may have stopped waiting.
            let _ = done.send(());
        }
    }

    pub(super) fn path(&self, path: EventsPath) {
        self.tally.lock().path = path;
    }

    /// Remembers why delivery failed.
    pub(super) fn note(&self, error: &Error) {
        let mut tally = self.tally.lock();
        tally.path = EventsPath::Idle;
        tally.last_error = Some(error.to_string().into());
    }

    /// Gives the pause after a failure: long for a refused websocket, else by back-off.
    pub(super) fn pause_after(&mut self, error: &Error) -> Duration {
        if error.kind() == ErrorKind::Protocol || error.kind() == ErrorKind::Unauthorized {
            return self.options.socket_retry;
        }
        self.failures = self.failures.saturating_add(1);
        pause(self.options.pause, self.failures, fastrand::f64())
    }
}

/// Waits until a time, or for ever without one.
pub(super) async fn at(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}
