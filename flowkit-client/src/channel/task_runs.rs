//! Background task runs as the server hands them out.

use std::fmt;
use std::time::Duration;

use serde_json::json;

use super::socket::{Endpoint, Socket};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::model::TaskRun;

/// How long opening, and each write, may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Gives the background task runs of some tasks, each to one of those who subscribe.
///
/// The server hands out the next run when the one before is [accepted](Self::accept). A run that was given and not
/// accepted when the connection ends goes to somebody else. What is accepted is the subscriber's: the server keeps the
/// queue in memory, and forgets about it.
pub struct TaskRunsSubscription {
    socket: Socket,
}

impl TaskRunsSubscription {
    /// Opens a websocket and asks for the runs of tasks with these keys. `client_id` names the subscriber to people; Prefect's
    /// is made of the host and the process.
    ///
    /// # Errors
    /// The server cannot be reached within ten seconds, or does not open a websocket.
    pub async fn open(client: &Client, keys: &[&str], client_id: &str) -> Result<Self, Error> {
        let mut socket = Socket::open(client, Endpoint::ScheduledTaskRuns, LIMIT, LIMIT).await?;
        let frame = json!({ "type": "subscribe", "keys": keys, "client_id": client_id });
        socket.write(vec![frame.to_string().into()]).await?;
        Ok(Self { socket })
    }

    /// Waits for the next run.
    ///
    /// # Errors
    /// The connection is lost, or what came cannot be read; open another one after a while.
    ///
    /// # Cancel safety
    /// Dropping it loses no run.
    pub async fn next(&mut self) -> Result<TaskRun, Error> {
        let text = self.socket.text().await?;
        serde_json::from_str(&text).map_err(|error| {
            Error::new(ErrorKind::Decode, "the server sent a task run that cannot be read").with_source(error)
        })
    }

    /// Takes the run that was given last. Only then the server gives another one.
    ///
    /// # Errors
    /// The connection is lost, and the server may give the run to somebody else.
    pub async fn accept(&mut self) -> Result<(), Error> {
        self.socket.write(vec![json!({ "type": "ack" }).to_string().into()]).await
    }

    /// Ends the connection. A run that was not accepted goes to somebody else.
    pub async fn close(self) {
        self.socket.close().await;
    }
}

impl fmt::Debug for TaskRunsSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskRunsSubscription").finish_non_exhaustive()
    }
}
