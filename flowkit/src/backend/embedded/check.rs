//! Whether a file is whole after a process has died. A small one is looked through before anything is written to it; with
//! a great one that would take seconds, so it is done on a thread while runs go on.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, InterruptHandle};

use super::open;
use super::queue::{Item, Queue};
use crate::error::{Error, ErrorKind};

/// Up to which size a file is looked through at once, in bytes: that takes some 20 ms.
pub(super) const AT_ONCE: u64 = 8 << 20;

/// How long to wait for the thread to stop before it is asked again: it may not have begun.
const AGAIN: Duration = Duration::from_millis(5);

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Found {
    Whole,
    Damage(String),
}

/// Looks a whole file through.
pub(super) fn look_through(connection: &Connection) -> rusqlite::Result<Found> {
    let found = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    match found {
        Ok(found) if found == "ok" => Ok(Found::Whole),
        Ok(found) => Ok(Found::Damage(found)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            Ok(Found::Damage(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

/// A file is being looked through.
pub(super) struct Check {
    interrupt: InterruptHandle,
    is_whole: Receiver<bool>,
}

impl Check {
    /// Begins to look a file through, as it is now. Damage is told, and noted in the file for the next process: this one
    /// has begun to write.
    pub(super) fn start(path: &Path, queue: Arc<Queue>) -> Result<Self, Error> {
        let connection = open::open_to_read(path)?;
        let interrupt = connection.get_interrupt_handle();
        let (tell, is_whole) = channel();
        let path = path.to_owned();
        let thread = std::thread::Builder::new().name("flowkit-check".to_owned()).spawn(move || {
            let found = look_through(&connection);
            drop(connection);
            if let Ok(Found::Damage(why)) = &found {
                // First, so that whoever is told finds it noted.
                queue.push(Item::Damage);
                tracing::error!(
                    target: "flowkit::embedded",
                    "The database `{}` is damaged ({why}). Runs go on and are written to it as far as that can be done; it will \
                     be moved aside, and a new one begun, when it is opened again.",
                    path.display()
                );
            }
            // Nobody may be waiting.
            tell.send(matches!(found, Ok(Found::Whole))).unwrap_or_default();
        });
        thread.map_err(|error| {
            Error::new(ErrorKind::Backend, "the thread that checks the database cannot be started").with_source(error)
        })?;
        Ok(Self { interrupt, is_whole })
    }

    /// Stops to look; tells whether all of it was found to be whole.
    pub(super) fn end(self) -> bool {
        loop {
            self.interrupt.interrupt();
            match self.is_whole.recv_timeout(AGAIN) {
                Ok(is_whole) => return is_whole,
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}
