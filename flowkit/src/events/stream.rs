//! Hearing what happens.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream, StreamExt};

use crate::blocking;
use crate::clock::{self, Timestamp};
use crate::engine::context::Ports;
use crate::error::Error;
use crate::happened::{Event, EventFilter};
use crate::runtime;

/// Follows events: a [`Stream`] of those that happen from now on, or [`since`](Events::since) an earlier moment.
///
/// Nothing is missed or given twice, also if the connection to a server is lost for a while or there is no websocket: then
/// the server is asked once a second. The clock of this machine and the server's must agree to about a minute.
#[must_use = "nothing is heard until the stream is polled"]
pub fn events() -> Events {
    Events { filter: EventFilter::new(), began: clock::now(), ports: runtime::ports(), stream: None }
}

/// Events as they happen; see [`events`].
///
/// An item is an error if events were lost: without a server, when more than are kept have happened since the last one was
/// read; or once, as the last item, if the settings cannot be used. There is no other end but the moment of
/// [`until`](Events::until).
#[must_use = "nothing is heard until the stream is polled"]
pub struct Events {
    filter: EventFilter,
    began: Timestamp,
    ports: Result<Arc<Ports>, Error>,
    stream: Option<BoxStream<'static, Result<Event, Error>>>,
}

impl Events {
    /// Sets which events are meant, in place of everything said before. Default: all.
    pub fn filter(mut self, filter: EventFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Means events of this name; see [`EventFilter::name`].
    pub fn name(self, name: impl Into<String>) -> Self {
        self.edit(|filter| filter.name(name))
    }

    /// Means events about a resource with this label; see [`EventFilter::about`].
    pub fn about(self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.edit(|filter| filter.about(label, value))
    }

    /// Means events related to a resource with this label; see [`EventFilter::related`].
    pub fn related(self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.edit(|filter| filter.related(label, value))
    }

    /// Begins with the events that have happened since then. Default: since [`events`] was called.
    pub fn since(self, moment: Timestamp) -> Self {
        self.edit(|filter| filter.since(moment))
    }

    /// Ends at this moment. Default: never.
    pub fn until(self, moment: Timestamp) -> Self {
        self.edit(|filter| filter.until(moment))
    }

    /// Reads what has happened instead: awaiting it gives the events up to now, the oldest first. Without
    /// [`since`](Events::since) it gives all that are kept. A Prefect server needs some seconds to store an event.
    pub fn past(self) -> PastEvents {
        PastEvents { filter: self.filter, ports: self.ports }
    }

    fn edit(mut self, edit: impl FnOnce(EventFilter) -> EventFilter) -> Self {
        self.filter = edit(self.filter);
        self
    }

    fn open(&self) -> BoxStream<'static, Result<Event, Error>> {
        let ports = match &self.ports {
            Ok(ports) => ports,
            Err(error) => return futures::stream::iter([Err(error.clone())]).boxed(),
        };
        let mut filter = self.filter.clone();
        filter.since = filter.since.or(Some(self.began));
        let until = filter.until;
        let events = ports.backend.feed().follow_events(filter);
        match until {
            Some(until) => events.take_until(clock::sleep(until.since(clock::now()))).boxed(),
            None => events,
        }
    }
}

impl Stream for Events {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.open(),
        };
        let polled = stream.poll_next_unpin(context);
        self.stream = Some(stream);
        polled
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("filter", &self.filter).finish_non_exhaustive()
    }
}

/// Events that have happened. Awaiting it gives them, the oldest first.
///
/// # Errors
/// Awaiting it gives an error of kind [`Backend`](crate::ErrorKind::Backend) if the server does not answer or the file cannot
/// be read.
#[must_use = "nothing is read until this is awaited"]
pub struct PastEvents {
    filter: EventFilter,
    ports: Result<Arc<Ports>, Error>,
}

impl PastEvents {
    /// Waits for them on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<Vec<Event>, Error> {
        blocking::wait(self.into_future())
    }
}

impl IntoFuture for PastEvents {
    type Output = Result<Vec<Event>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.ports?.backend.feed().past_events(self.filter).await })
    }
}

impl fmt::Debug for PastEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PastEvents").field("filter", &self.filter).finish_non_exhaustive()
    }
}
