//! How a task run is stopped, and by whom.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::engine::context::FlowScope;
use crate::engine::stop::Above;
use crate::engine::task_run::LiveTask;
use crate::engine::transition::Fact;
use crate::error::{Error, ErrorKind};
use crate::state::State;

impl<T: Send + 'static> LiveTask<T> {
    /// Gives the run a way of its own to be cancelled, apart from the run that called it.
    pub(crate) fn cancelled_by(&mut self, token: CancellationToken) {
        self.context.cancel = token;
    }

    /// Makes the run one of its own, which the flow run around does not know of.
    pub(crate) fn set_free(&mut self) {
        self.set_apart();
        let cancel = self.context.cancel.clone();
        let scope = self.context.flow.take();
        self.context.flow = scope.map(|scope| Arc::new(FlowScope::new(Arc::clone(&scope.run), cancel)));
    }

    /// Says that the run is not awaited in the body that called it.
    pub(crate) fn set_apart(&mut self) {
        self.above = Above::Nothing;
    }

    /// Ends a run that was told to stop.
    pub(super) fn cancelled(&self) -> Error {
        if let Some(why) = self.context.ports.stopping.why() {
            tracing::error!(target: "flowkit::run", "Crash detected! {why}");
            let _ = self.record.apply(Fact::Crashed { message: why.to_owned() });
            return Error::new(ErrorKind::Crashed, format!("task run '{}' was stopped: {why}", self.run().name()));
        }
        let _ = self.record.apply(if self.run().can_be_given_back() {
            Fact::GivenBack
        } else {
            Fact::Cancelled { message: "Task run was cancelled.".into() }
        });
        Error::new(ErrorKind::Cancelled, format!("task run '{}' was cancelled", self.run().name()))
    }
}

impl<T> Drop for LiveTask<T> {
    /// Stops what the run has submitted, unless the run has ended by itself.
    fn drop(&mut self) {
        let Some(branch) = self.context.ports.stopping.take_branch(&self.record.0) else { return };
        if self.record.0.track.with(|states| !states.last().is_some_and(State::is_settled)) {
            branch.cancel();
        }
    }
}
