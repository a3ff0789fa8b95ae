//! When to stop serving: the first signal lets runs end, the second does not.

use std::io::Write;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Error, ErrorKind};

/// SIGINT and SIGTERM, which from now on only say that serving should end.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes the signals over.
    pub(crate) fn take() -> Result<Self, Error> {
        let take = |kind| {
            signal(kind).map_err(|error| Error::new(ErrorKind::Settings, "cannot handle signals").with_source(error))
        };
        Ok(Self { interrupt: take(SignalKind::interrupt())?, terminate: take(SignalKind::terminate())? })
    }

    /// Ends the process as a SIGTERM does that nobody handles, after some last words.
    pub(super) fn die(&self, last_words: &[String]) {
        for line in last_words {
            // Nobody may be reading it.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        // Fails only for a number that is no signal.
        let _ = signal_hook::low_level::emulate_default_handler(libc::SIGTERM);
    }

    /// Waits for the next one, and tells its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
