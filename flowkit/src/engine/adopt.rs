//! Taking over runs that somebody else has asked for.

use std::sync::Arc;

use crate::def::TaskDef;
use crate::engine::context::Ports;
use crate::engine::record::Record;
use crate::engine::transition::Fact;
use crate::id::TaskRunId;
use crate::run::{Adopted, TaskExtra, TaskRun, Track};
use crate::state::{State, StateName};

impl Record {
    /// Begins with a run that somebody else has asked for: in the state in which it was found, and with why it is run again.
    pub(super) fn take_over(&self, (found, note): (Option<State>, Option<String>)) {
        match found {
            Some(found) => drop(self.0.track.push(found)),
            None => drop(self.apply(Fact::Deferred)),
        }
        let _ = self.apply(Fact::Taken { note });
    }

    /// Tells whether somebody else goes on with the run.
    pub(super) fn is_given_back(&self) -> bool {
        self.0.can_be_given_back() && self.0.state().is(StateName::Scheduled)
    }
}

/// Why a run cannot be run.
#[derive(Clone, Debug)]
pub(crate) enum Obstacle {
    /// It cannot be started: Failed.
    Refused(String),
    /// Whoever ran it has died: Crashed.
    Died(String),
}

/// Takes a run over and ends it at once; gives its final state.
pub(crate) fn end(ports: &Arc<Ports>, def: &'static TaskDef, id: TaskRunId, adopted: Adopted, why: Obstacle) -> State {
    let found = (adopted.found.clone(), adopted.note.clone());
    let extra = TaskExtra { tags: adopted.tags.clone(), adopted: Some(Box::new(adopted)), ..TaskExtra::default() };
    let run = Arc::new(TaskRun {
        id,
        def,
        flow_run: None,
        parent: None,
        extra: Some(Box::new(extra)),
        track: Track::default(),
    });
    let record = Record(Arc::clone(&run), Arc::clone(ports));
    record.take_over(found);
    let _ = record.apply(match why {
        Obstacle::Refused(message) => Fact::Refused { message },
        Obstacle::Died(message) => Fact::Crashed { message },
    });
    run.state()
}
