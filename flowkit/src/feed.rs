//! Where events are kept and read again: the port.

use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::error::Error;
use crate::happened::{Event, EventFilter};

/// Where events are kept.
pub(crate) trait Feed: Send + Sync {
    /// Reads the events that have happened, the oldest first.
    fn past_events(&self, filter: EventFilter) -> BoxFuture<'_, Result<Vec<Event>, Error>>;

    /// Gives the events that have happened and then those that do, each once.
    fn follow_events(&self, filter: EventFilter) -> BoxStream<'static, Result<Event, Error>>;
}
