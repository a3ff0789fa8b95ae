//! Concurrency limits of the server, and slots of them.
//!
//! Waiting and renewing go on on the reporter's thread: a program whose own threads are busy loses nothing.

mod lease;
mod manage;
mod pace;
mod tags;
mod take;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use flowkit_client::Error as Refusal;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use crate::backend::server::Server;
use crate::backend::server::reporter::Ask;
use crate::error::{Error, ErrorKind};
use crate::run::lock;
use crate::slots::{ConcurrencyLimit, Granted, LimitChange, Lines, SlotHolder, Slots, Wanted};
use tags::KnownTags;

/// What this process knows of limits of the server.
#[derive(Debug, Default)]
pub(super) struct Counter {
    line: Mutex<Line>,
    tags: KnownTags,
    /// How many leases there are.
    leases: AtomicUsize,
    /// How many of them are being given back.
    returning: AtomicUsize,
    /// Everything is to be given back: the process ends.
    closing: CancellationToken,
}

/// Who waits in this process. Only the first in line asks the server.
#[derive(Debug, Default)]
struct Line {
    lines: Lines,
    signals: HashMap<u64, Arc<Notify>>,
}

impl Line {
    /// Has those look again who are the first in line.
    fn call(&self, names: &[String]) {
        self.lines.firsts(names).iter().filter_map(|number| self.signals.get(number)).for_each(|one| one.notify_one());
    }
}

impl Counter {
    /// Tells how many slots the server has not been told of that they are free.
    pub(super) fn returning(&self) -> usize {
        let counted = if self.closing.is_cancelled() { &self.leases } else { &self.returning };
        counted.load(Ordering::Acquire)
    }

    /// Gives everything back: the process ends.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }
}

/// Somebody in line. Dropping it leaves.
struct Place<'a> {
    counter: &'a Counter,
    names: &'a [String],
    number: u64,
    signal: Arc<Notify>,
}

impl<'a> Place<'a> {
    fn join(counter: &'a Counter, names: &'a [String]) -> Self {
        let mut line = lock(&counter.line);
        let number = line.lines.join(names);
        let signal = Arc::<Notify>::default();
        line.signals.insert(number, Arc::clone(&signal));
        Self { counter, names, number, signal }
    }

    fn is_first(&self) -> bool {
        lock(&self.counter.line).lines.is_first(self.number, self.names)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut line = lock(&self.counter.line);
        line.lines.leave(self.number, self.names);
        line.signals.remove(&self.number);
        line.call(self.names);
    }
}

/// Says what the server did not do, and why.
fn failed(error: Refusal, what: &str) -> Error {
    let kind = if error.is_validation() { ErrorKind::Input } else { ErrorKind::Backend };
    Error::new(kind, format!("the server did not {what}")).with_source(error)
}

impl Slots for Server {
    fn take(&self, wanted: Wanted) -> BoxFuture<'_, Result<Granted, Error>> {
        let job = move |shared, mut reply: oneshot::Sender<_>| async move {
            let taken = take::take(&shared, wanted, &mut reply).await;
            // If nobody wants it any more, it is given back by being dropped.
            drop(reply.send(taken));
        };
        let answer = self.ask(|reply| Ask::Do(Box::new(move |shared| job(shared, reply).boxed())));
        async move { answer.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Backend, "the reporter has ended"))) }
            .boxed()
    }

    fn may_limit_tags(&self) -> bool {
        true
    }

    fn limits_of_tags(&self, tags: &[String]) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.known_limits_of_tags(tags)
    }

    fn limit(&self, name: String) -> BoxFuture<'_, Result<Option<ConcurrencyLimit>, Error>> {
        self.read_limit(name)
    }

    fn limits(&self) -> BoxFuture<'_, Result<Vec<ConcurrencyLimit>, Error>> {
        self.list_limits()
    }

    fn set_limit(&self, change: LimitChange) -> BoxFuture<'_, Result<(), Error>> {
        self.change_limit(change)
    }

    fn set_active(&self, name: String, active: bool) -> BoxFuture<'_, Result<bool, Error>> {
        self.switch_limit(name, active)
    }

    fn delete_limit(&self, name: String) -> BoxFuture<'_, Result<bool, Error>> {
        self.remove_limit(name)
    }

    fn holders(&self, name: String) -> BoxFuture<'_, Result<Option<Vec<SlotHolder>>, Error>> {
        self.list_holders(name)
    }
}
