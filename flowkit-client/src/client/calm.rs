//! Rate limits: a server that has asked for a pause is left alone by all requests until it is over.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Remembers until when nothing is to be sent.
#[derive(Debug, Default)]
pub(super) struct Calm(Mutex<Option<Instant>>);

impl Calm {
    /// Notes that the server has asked for a pause.
    pub(super) fn asked(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(known.map_or(until, |known| known.max(until)));
    }

    /// Tells until when, if that is still to come.
    pub(super) fn until(&self) -> Option<Instant> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = known.filter(|until| *until > Instant::now());
        *known
    }
}
