//! Retries of a flow run do not do again what is done: subflows are found in the journal of the flow that calls them.

use std::ptr;
use std::sync::Arc;

use crate::canonical::Canonical;
use crate::engine::flow_run::{FlowJob, LiveFlow};
use crate::engine::journal::{Earlier, Journal, Place, Slot};
use crate::run::FlowRun;

/// The call of a subflow as it is noted in the journal of the flow that makes it.
pub(super) struct Noted {
    journal: Arc<Journal>,
    slot: Slot,
}

/// What an earlier attempt left of the same call.
pub(super) enum Recalled<T> {
    /// Its run ended well.
    Value(Arc<FlowRun>, T),
    /// There is to be a run, which finds what is done in this journal.
    Journal(Arc<Journal>),
}

impl Noted {
    /// Notes the call. Calls of one flow with the same parameters are told apart by their order.
    pub(super) fn claim<T>(place: &Place, job: &FlowJob<T>) -> Self {
        let mut parameters = Canonical::default();
        // JSON has a canonical form in any case.
        let _ = parameters.write(&job.parameters);
        let slot = place.journal.claim(place.within, ptr::from_ref(job.def).addr(), Some(parameters.finish()));
        Self { journal: Arc::clone(&place.journal), slot }
    }

    pub(super) fn recall<T: 'static>(&self, job: &FlowJob<T>) -> Recalled<T> {
        let clone = job.body.as_ref().ok().and_then(|body| body.returns().clone);
        match (self.journal.earlier(self.slot), clone) {
            (Some(earlier), Some(clone)) => match self.journal.replay(self.slot, clone) {
                Some(value) => Recalled::Value(earlier.run, value),
                None => Recalled::again(earlier.journal),
            },
            (Some(earlier), None) => {
                self.journal.ran();
                Recalled::again(earlier.journal)
            }
            (None, _) => {
                self.journal.ran();
                Recalled::Journal(Arc::default())
            }
        }
    }

    pub(super) fn begun(&self, run: &Arc<FlowRun>, journal: &Arc<Journal>) {
        self.journal.begun(self.slot, Earlier { run: Arc::clone(run), journal: Arc::clone(journal) });
    }
}

impl<T> Recalled<T> {
    fn again(journal: Arc<Journal>) -> Self {
        journal.rewind();
        Self::Journal(journal)
    }
}

impl<T: Send + 'static> LiveFlow<T> {
    /// Keeps the value for a retry of the flow that called this one.
    pub(super) fn keep(&self, value: &T) {
        let clone = self.job.body.as_ref().ok().and_then(|body| body.returns().clone);
        if let (Some(noted), Some(clone)) = (&self.noted, clone) {
            noted.journal.keep(noted.slot, clone(value));
        }
    }

    /// Makes the journal ready for another attempt.
    pub(super) fn rewind(&self) {
        if let Some(place) = &self.context.journal {
            place.journal.rewind();
        }
    }

    /// Says how much of an attempt that was not the first was taken from earlier ones.
    pub(super) fn log_tally(&self) {
        let Some(tally) = self.context.journal.as_ref().and_then(|place| place.journal.tally()) else { return };
        let (replayed, ran) = (tally.replayed, tally.ran);
        if replayed + ran == 0 {
            return;
        }
        tracing::info!(target: "flowkit::run", "Of the tasks and subflows, replayed {replayed}, ran {ran}");
    }
}
