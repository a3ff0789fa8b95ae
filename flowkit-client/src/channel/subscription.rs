//! Events as they come to the server.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::socket::{Endpoint, Socket};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::model::{EventFilter, ReceivedEvent};

/// How long opening, and each write, may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Gives the events that match a filter as the server gets them.
///
/// It is an accelerator: there is no promise that an event comes, so whoever must know asks now and then as well.
pub struct EventsSubscription {
    socket: Socket,
}

impl EventsSubscription {
    /// Opens a websocket and asks for events. Those that match and are stored already come first, so the filter should
    /// say [since when](EventFilter::between), and until when, in the future: the server takes now if it does not.
    ///
    /// # Errors
    /// The server cannot be reached within ten seconds, or does not open a websocket.
    pub async fn open(client: &Client, filter: &EventFilter) -> Result<Self, Error> {
        let mut socket = Socket::open(client, Endpoint::EventsOut, LIMIT, LIMIT).await?;
        let frame = json!({ "type": "filter", "filter": filter, "backfill": true });
        socket.write(vec![frame.to_string().into()]).await?;
        Ok(Self { socket })
    }

    /// Waits for the next event. The server may send one twice.
    ///
    /// # Errors
    /// The connection is lost; open another one after a while.
    ///
    /// # Cancel safety
    /// Dropping it loses no event.
    pub async fn next(&mut self) -> Result<ReceivedEvent, Error> {
        loop {
            let text = self.socket.text().await?;
            let unreadable = |error| {
                Error::new(ErrorKind::Decode, "the server sent an event that cannot be read").with_source(error)
            };
            let mut frame: Value = serde_json::from_str(&text).map_err(unreadable)?;
            if frame["type"] == "event" {
                return serde_json::from_value(frame["event"].take()).map_err(unreadable);
            }
        }
    }

    /// Tells for how long nothing has come from the server, not even a sign of life.
    pub fn silence(&self) -> Duration {
        self.socket.silence()
    }

    /// Asks the server for a sign of life, which ends the [`silence`](Self::silence) while [`next`](Self::next) waits.
    ///
    /// # Errors
    /// The connection is lost, or takes nothing for ten seconds.
    pub async fn ping(&mut self) -> Result<(), Error> {
        self.socket.ping(0).await
    }

    /// Ends the connection.
    pub async fn close(self) {
        self.socket.close().await;
    }
}

impl fmt::Debug for EventsSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventsSubscription").finish_non_exhaustive()
    }
}
