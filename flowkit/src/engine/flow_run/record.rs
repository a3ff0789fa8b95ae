//! The record of a flow run together with the duty to end it.

use std::sync::Arc;

use crate::backend::Backend;
use crate::clock;
use crate::engine::panic;
use crate::engine::transition::{Fact, transition};
use crate::event::Event;
use crate::run::FlowRun;

/// The record of a run together with the duty to bring it to a final state.
pub(super) struct Record {
    pub(super) run: Arc<FlowRun>,
    pub(super) backend: Arc<dyn Backend>,
    /// The server has said that the run is not ours to end.
    pub(super) left_alone: bool,
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.left_alone {
            return;
        }
        let current = self.run.track.current();
        let fact = if panic::is_unwinding() {
            Fact::Crashed { message: "Execution was ended by a panic outside of the flow.".into() }
        } else {
            Fact::Cancelled { message: "Flow run was dropped before it ended.".into() }
        };
        if let Ok(state) = transition(current.as_ref(), fact, clock::now()) {
            self.run.track.push(state.clone());
            self.backend.emit(Event::FlowEnded(Arc::clone(&self.run), state));
        }
    }
}
