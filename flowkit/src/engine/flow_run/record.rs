//! The record of a flow run together with the duty to end it.

use std::sync::Arc;

use crate::clock;
use crate::engine::context::Ports;
use crate::engine::panic;
use crate::engine::transition::{Fact, transition};
use crate::event::Event;
use crate::run::FlowRun;

/// The record of a run together with the duty to bring it to a final state.
pub(super) struct Record {
    pub(super) run: Arc<FlowRun>,
    pub(super) ports: Arc<Ports>,
    /// The server has said that the run is not ours to end.
    pub(super) left_alone: bool,
    /// Whether it goes on with the next process if this one ends.
    pub(super) is_resumable: bool,
}

impl Record {
    /// What it means for the run that the process is about to end.
    pub(super) fn stopped(&self, why: &str) -> Fact {
        let message = why.to_owned();
        if self.is_resumable { Fact::Interrupted { message } } else { Fact::Crashed { message } }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.left_alone {
            return;
        }
        let current = self.run.track.current();
        let fact = if let Some(why) = self.ports.stopping.why() {
            self.stopped(why)
        } else if panic::is_unwinding() {
            Fact::Crashed { message: "Execution was ended by a panic outside of the flow.".into() }
        } else {
            Fact::Cancelled { message: "Flow run was dropped before it ended.".into() }
        };
        if let Ok(state) = transition(current.as_ref(), fact, clock::now()) {
            self.run.track.push(state.clone());
            self.ports.backend.emit(Event::FlowEnded(Arc::clone(&self.run), state));
        }
    }
}
