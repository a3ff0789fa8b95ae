//! Retries of a flow run, and runs that are resumed, do not do again what is done: subflows are found in the journal of the flow that calls them.

use std::sync::Arc;

use crate::backend::Existing;
use crate::canonical::Canonical;
use crate::def::FlowDef;
use crate::engine::context::Context;
use crate::engine::flow_run::{FlowJob, LiveFlow};
use crate::engine::journal::{Earlier, Journal, Mismatch, Place, Slot};
use crate::engine::replay::{read_back, written};
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::journals::Written;
use crate::returns::Returns;
use crate::run::FlowRun;

/// The call of a subflow as it is noted in the journal of the flow that makes it.
pub(super) struct Noted {
    journal: Arc<Journal>,
    within: Slot,
    slot: Slot,
}

/// What an earlier attempt left of the same call.
pub(super) enum Recalled<T> {
    /// Its run ended well.
    Value(Arc<FlowRun>, T),
    /// Its run ended well in a process that is gone.
    Recorded(Box<Existing>, T),
    /// There is to be a run, which finds what is done in this journal.
    Journal(Arc<Journal>),
    /// Its run was left under way by a process that is gone, and goes on.
    Interrupted(Box<Existing>),
    /// There is to be a run, which finds what is done in what this one has left on disk.
    After(FlowRunId),
}

impl Noted {
    /// Notes the call. Calls of one flow with the same parameters are told apart by their order.
    pub(super) fn claim<T>(place: &Place, job: &FlowJob<T>) -> Self {
        let mut parameters = Canonical::default();
        // JSON has a canonical form in any case.
        let _ = parameters.write(&job.parameters);
        let slot = place.journal.claim(place.within, job.def.key, job.def.name, Some(parameters.finish()));
        Self { journal: Arc::clone(&place.journal), within: place.within, slot }
    }

    /// Finds out what there is of the call. An error ends the flow that makes it.
    pub(super) async fn recall<T: 'static>(
        &self,
        def: &'static FlowDef,
        returns: Option<&'static Returns<T>>,
        ambient: &Context,
    ) -> Result<Recalled<T>, Error> {
        let Some(disk) = self.journal.disk() else { return Ok(self.recall_here(returns)) };
        let refuse = |Mismatch(why)| {
            let refused = Error::new(ErrorKind::Refused, why);
            if let Some(flow) = &ambient.flow {
                flow.refuse(refused.clone());
            }
            refused
        };
        if let (None, Some(recorded), Some(journals)) =
            (self.journal.earlier(self.slot), disk.recorded(self.slot), ambient.ports.backend.journals())
            && let Some(subflow) = recorded.subflow
        {
            let existing = Box::new(journals.find(subflow).await?);
            return match (recorded.value, returns) {
                (Some(value), Some(returns)) => {
                    let read = read_back(returns, &value);
                    let unreadable = |why| {
                        let name = def.name;
                        refuse(Mismatch(format!("the recorded result of flow `{name}` cannot be read: {why}")))
                    };
                    self.journal.replayed();
                    Ok(Recalled::Recorded(existing, read.map_err(unreadable)?))
                }
                _ if existing.state.is_final() => {
                    self.journal.ran();
                    Ok(Recalled::After(subflow))
                }
                _ => {
                    self.journal.ran();
                    Ok(Recalled::Interrupted(existing))
                }
            };
        }
        disk.compare(self.slot, self.within, def.name).await.map_err(refuse)?;
        Ok(self.recall_here(returns))
    }

    /// What there is of the call in this process.
    fn recall_here<T: 'static>(&self, returns: Option<&'static Returns<T>>) -> Recalled<T> {
        let clone = returns.and_then(|returns| returns.clone);
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

    /// Whether what the call gives is to outlive the process.
    pub(super) fn is_on_disk(&self) -> bool {
        self.journal.disk().is_some()
    }
}

impl<T> Recalled<T> {
    fn again(journal: Arc<Journal>) -> Self {
        journal.rewind();
        Self::Journal(journal)
    }
}

impl<T: Send + 'static> LiveFlow<T> {
    /// Keeps the value for a retry of the flow that called this one; what of it goes to disk is returned.
    pub(super) fn keep(&self, value: &T) -> Option<Written> {
        let (noted, Ok(body)) = (self.noted.as_ref()?, &self.job.body) else { return None };
        if let Some(clone) = body.returns().clone.filter(|_| noted.journal.is_for_retries()) {
            noted.journal.keep(noted.slot, clone(value));
        }
        noted.journal.disk()?;
        match written(body.returns(), value) {
            Ok(written) => Some(written),
            Err(why) => {
                let flow = self.job.def.name;
                tracing::warn!(target: "flowkit::run", "Flow `{flow}` will run again if the flow run around is resumed: its result cannot be recorded, since {why}");
                None
            }
        }
    }

    /// Waits until what was kept cannot be lost any more.
    pub(super) async fn keep_on_disk(&mut self, written: Written) {
        if let Some((noted, disk)) = self.noted.as_ref().and_then(|noted| Some((noted, noted.journal.disk()?))) {
            disk.finished(noted.slot, written).await;
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
