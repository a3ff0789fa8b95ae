//! Retries of a flow run do not do again what is done: task runs take the value of an earlier attempt.

use std::ptr;

use crate::canonical::Fingerprint;
use crate::def::TaskDef;
use crate::engine::body::Body;
use crate::engine::context::Context;
use crate::engine::fingerprint;
use crate::engine::journal::{Place, Slot};
use crate::engine::task_run::LiveTask;
use crate::engine::transition::Fact;
use crate::error::Error;

/// Notes a call whose arguments are there.
pub(super) fn claim<T>(place: &Place, def: &'static TaskDef, body: &dyn Body<T>) -> Slot {
    place.journal.claim(place.within, ptr::from_ref(def).addr(), Some(mark(def, body)))
}

/// What tells the call from others of the same task: all arguments that can be written down. A pool or a client cannot,
/// and is the same in every call.
fn mark<T>(def: &'static TaskDef, body: &dyn Body<T>) -> Fingerprint {
    let mut left_out: Vec<&str> = Vec::new();
    loop {
        match fingerprint::of_arguments(body, def.params, |name| !left_out.contains(&name)) {
            Ok(fingerprint) => return fingerprint,
            Err((name, _)) => left_out.push(name),
        }
    }
}

impl<T: Send + 'static> LiveTask<T> {
    /// Runs the task unless it has finished in an earlier attempt of the flow run.
    pub(super) async fn attempts_or_replay(&mut self, place: Place) -> Result<T, Error> {
        let slot = self.slot.unwrap_or_else(|| claim(&place, self.job.def, &*self.job.body));
        // What a transaction has done may be undone, and is not done again only if it says so itself.
        let clone = self.job.body.returns().clone.filter(|_| self.context.transaction.is_none());
        let Some(clone) = clone else {
            place.journal.ran();
            return self.recall_or_run().await;
        };
        if let Some(value) = place.journal.replay(slot, clone) {
            let _ = self.record.apply(Fact::Started);
            let _ = self.record.apply(Fact::Found { message: "Taken from an earlier attempt of the flow run.".into() });
            return Ok(value);
        }
        let inside = Context { journal: Some(Place { within: slot, ..place.clone() }), ..self.context.clone() };
        let value = inside.scope(self.recall_or_run()).await?;
        place.journal.keep(slot, clone(&value));
        Ok(value)
    }
}
