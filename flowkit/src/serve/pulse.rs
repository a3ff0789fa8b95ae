//! Whether a runner is alive: it is as long as it asks for work in time.

use std::sync::Mutex;
use std::time::Duration;

use crate::clock::{self, Timestamp};
use crate::run::lock;

/// When a runner has asked last, and how many runs it has.
#[derive(Debug)]
pub(super) struct Pulse {
    seen: Mutex<(Timestamp, usize)>,
    patience: Duration,
}

impl Pulse {
    pub(super) fn new(patience: Duration) -> Self {
        Self { seen: Mutex::new((clock::now(), 0)), patience }
    }

    /// Takes note of an answered question.
    pub(super) fn beat(&self) {
        lock(&self.seen).0 = clock::now();
    }

    pub(super) fn running(&self, runs: usize) {
        lock(&self.seen).1 = runs;
    }

    pub(super) fn runs(&self) -> usize {
        lock(&self.seen).1
    }

    pub(super) fn is_alive(&self) -> bool {
        clock::now().since(lock(&self.seen).0) <= self.patience
    }
}
