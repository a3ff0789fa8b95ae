//! The first state of a run that goes on at once is told with the second, where telling costs something: nobody can have
//! seen that it was asked for. If it has to wait after all, it is told by then.

use std::sync::Arc;

use crate::engine::context::Ports;
use crate::event::Event;
use crate::run::TaskRun;

/// A run of which the backend may not have been told yet.
#[derive(Debug)]
pub(crate) struct Untold(Option<(Arc<TaskRun>, Arc<Ports>)>);

impl Untold {
    /// Takes note of a run in its first state, if it is one of which nothing was told.
    pub(super) fn of(run: &Arc<TaskRun>, ports: &Arc<Ports>) -> Self {
        Self(run.track.is_untold().then(|| (Arc::clone(run), Arc::clone(ports))))
    }

    /// Tells what was not told. To be called when the run gives way to others.
    pub(crate) fn tell(&mut self) {
        if let Some((run, ports)) = self.0.take()
            && run.track.take_untold()
        {
            ports.backend.emit(Event::TaskState(run, 0));
        }
    }
}
