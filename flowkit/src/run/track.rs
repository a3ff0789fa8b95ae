//! The states of a run, and what the engine notes beside them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use smallvec::SmallVec;

use super::lock;
use crate::heed::Heed;
use crate::state::{State, StateType};

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

    /// Adds a state that was entered a while ago: somebody may have asked for the run to be cancelled since then.
    pub(crate) fn push_late(&self, state: State) {
        let mut states = lock(&self.states);
        let was_overtaken =
            |last: &State| last.state_type() == StateType::Cancelling && state.timestamp() < last.timestamp();
        let place = states.len() - usize::from(states.last().is_some_and(was_overtaken));
        states.insert(place, state);
    }

    pub(crate) fn current(&self) -> Option<State> {
        lock(&self.states).last().cloned()
    }

    pub(crate) fn with<R>(&self, read: impl FnOnce(&[State]) -> R) -> R {
        read(&lock(&self.states))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::state::StateName;

    #[test]
    fn a_state_that_was_overtaken_by_a_request_to_cancel_stands_before_it() {
        let at = |name, micros| State::new(name, Timestamp::from_unix_micros(micros));
        let names = |states: &[State]| states.iter().map(|state| state.name().to_owned()).collect::<Vec<_>>();
        let track = Track::default();
        track.push_late(at(StateName::Pending, 10));
        track.push(at(StateName::Cancelling, 30));
        track.push_late(at(StateName::Running, 20));
        assert_eq!(track.with(names), ["Pending", "Running", "Cancelling"]);
        track.push_late(at(StateName::Cancelled, 40));
        // By the clock of somebody else, which is slow.
        track.push_late(at(StateName::Crashed, 5));
        assert_eq!(track.with(names), ["Pending", "Running", "Cancelling", "Cancelled", "Crashed"]);
    }
}
