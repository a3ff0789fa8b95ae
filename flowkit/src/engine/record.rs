//! The record of a task run while it is under way: every fact goes into it, and is told.

use std::sync::Arc;

use crate::clock;
use crate::engine::context::Ports;
use crate::engine::panic;
use crate::engine::transition::{Fact, transition};
use crate::event::Event;
use crate::run::TaskRun;
use crate::state::State;

/// The record of a run together with the duty to bring it to a final state.
pub(super) struct Record(pub(super) Arc<TaskRun>, pub(super) Arc<Ports>);

impl Record {
    /// Applies a fact; one that cannot happen changes nothing.
    pub(super) fn apply(&self, fact: Fact) -> Option<State> {
        let (index, state) = self.0.track.advance(|current| transition(current, fact, clock::now()).ok())?;
        if self.0.track.take_untold() {
            self.1.backend.emit_two(Arc::clone(&self.0));
        } else {
            self.1.backend.emit(Event::TaskState(Arc::clone(&self.0), index));
        }
        Some(state)
    }

    /// Enters the first state, and may leave it to others to tell.
    pub(super) fn request(&self) {
        if self.1.backend.takes_two() {
            let _ = self.0.track.advance(|current| transition(current, Fact::Requested, clock::now()).ok());
            self.0.track.leave_untold();
        } else {
            let _ = self.apply(Fact::Requested);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.0.track.with(|states| states.last().is_some_and(State::is_settled)) || self.is_given_back() {
            return;
        }
        let _ = self.apply(if let Some(why) = self.1.stopping.why() {
            Fact::Crashed { message: why.to_owned() }
        } else if panic::is_unwinding() {
            Fact::Crashed { message: "Execution was ended by a panic outside of the task.".into() }
        } else if self.0.can_be_given_back() {
            Fact::GivenBack
        } else {
            Fact::Cancelled { message: "Task run was dropped before it ended.".into() }
        });
    }
}
