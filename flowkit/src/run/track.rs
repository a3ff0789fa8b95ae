//! The states of a run, and what the engine notes beside them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use smallvec::SmallVec;

use super::lock;
use crate::heed::Heed;
use crate::state::State;

/// The states a run has been through. Most task runs have three.
#[derive(Debug, Default)]
pub(crate) struct Track {
    states: Mutex<SmallVec<[State; 3]>>,
    /// What the run's code does about being asked to stop.
    pub(crate) heed: Heed,
    /// Whether the first state is to be told with the second.
    untold: AtomicBool,
}

impl Track {
    /// Adds the state that `next` makes of the current one, in one step; gives it with its index.
    pub(crate) fn advance(&self, next: impl FnOnce(Option<&State>) -> Option<State>) -> Option<(usize, State)> {
        let mut states = lock(&self.states);
        let state = next(states.last())?;
        states.push(state.clone());
        Some((states.len() - 1, state))
    }

    /// Says that the first state is not told yet.
    pub(crate) fn leave_untold(&self) {
        self.untold.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_untold(&self) -> bool {
        self.untold.load(Ordering::Relaxed)
    }

    /// Tells whether the first state is still to be told, which whoever asks does then.
    pub(crate) fn take_untold(&self) -> bool {
        self.is_untold() && self.untold.swap(false, Ordering::Relaxed)
    }

    /// Adds a state and returns its index.
    pub(crate) fn push(&self, state: State) -> usize {
        let mut states = lock(&self.states);
        states.push(state);
        states.len() - 1
    }

    pub(crate) fn current(&self) -> Option<State> {
        lock(&self.states).last().cloned()
    }

    pub(crate) fn with<R>(&self, read: impl FnOnce(&[State]) -> R) -> R {
        read(&lock(&self.states))
    }
}
