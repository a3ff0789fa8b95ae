//! Deployments without a server: what is registered in this process, and the runs that wait to be started.
//!
//! Nothing here sleeps or is woken. One run of each schedule is planned ahead, so whoever serves knows when to come, and is
//! told of everything else that makes a run due.

mod book;
mod kept;
mod parameters;
mod port;
#[cfg(feature = "embedded")]
mod restore;
mod runs;
mod start;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::{Notify, watch};

use crate::clock::Timestamp;
use crate::deploy::{Cause, DeploymentDetails, DeploymentRun, Keeper};
use crate::id::FlowRunId;
use crate::run::{FlowRun, lock};
use crate::state::{State, StateName};
use book::Book;
pub(super) use runs::{adopted, existing};

/// The deployments of this process, and who would like to hear of them.
#[derive(Debug, Default)]
pub(super) struct Deployments {
    book: Mutex<Book>,
    listeners: Mutex<Vec<Weak<Notify>>>,
    /// Those who wait for the end of a run.
    ends: Mutex<HashMap<FlowRunId, watch::Sender<Option<DeploymentRun>>>>,
    /// Whoever keeps all this beyond the end of the process.
    keeper: Option<Arc<dyn Keeper>>,
}

impl Deployments {
    #[cfg(feature = "embedded")]
    pub(super) fn kept_by(keeper: Arc<dyn Keeper>) -> Self {
        Self { keeper: Some(keeper), ..Self::default() }
    }

    /// Tells whoever keeps what outlives the process, if there is somebody.
    fn keep(&self, tell: impl FnOnce(&dyn Keeper)) {
        if let Some(keeper) = &self.keeper {
            tell(&**keeper);
        }
    }

    /// Has a run wait. The book is open, so that whoever keeps it knows of the run before anybody can claim it.
    fn wait(&self, book: &mut Book, run: &Arc<FlowRun>, due: Timestamp, cause: Cause<'_>) {
        book.wait(run, due);
        self.keep(|keeper| keeper.waits(run, due, cause));
    }

    fn book<R>(&self, act: impl FnOnce(&mut Book) -> R) -> R {
        act(&mut lock(&self.book))
    }

    /// Has whoever serves ask which runs are due.
    fn tell(&self) {
        lock(&self.listeners).retain(|told| match told.upgrade() {
            Some(told) => {
                told.notify_one();
                true
            }
            None => false,
        });
    }

    pub(super) fn details(&self) -> Vec<DeploymentDetails> {
        self.book(|book| book.details())
    }

    /// Takes note of a state that a run of a deployment is in now.
    pub(super) fn entered(&self, run: &FlowRun, state: &State) {
        if run.background.deployment.is_none() || !(state.is_final() || state.is(StateName::Suspended)) {
            return;
        }
        if self.book(|book| book.over(run)) {
            self.tell();
        }
        if state.is_final()
            && let Some(waiting) = lock(&self.ends).remove(&run.id)
        {
            let ended = DeploymentRun { id: run.id, name: run.name.clone(), state: state.clone() };
            waiting.send_replace(Some(ended));
        }
    }

    /// Puts a run that is let go of among those that wait, as when it is resumed after a suspension.
    pub(super) fn again(&self, run: &Arc<FlowRun>) {
        self.book(|book| book.wait(run, crate::clock::now()));
        self.tell();
    }

    /// Gives what tells of the last state of a run; `look` tells its present state. `None` if the run is forgotten.
    fn end_of(
        &self,
        run: FlowRunId,
        look: impl FnOnce() -> Option<DeploymentRun>,
    ) -> Option<watch::Receiver<Option<DeploymentRun>>> {
        let told = lock(&self.ends).entry(run).or_insert_with(|| watch::Sender::new(None)).subscribe();
        // Looked at last: it may have ended just before.
        let seen = look();
        if seen.as_ref().is_none_or(|seen| seen.state.is_final())
            && let Some(waiting) = lock(&self.ends).remove(&run)
        {
            waiting.send_replace(seen.clone());
        }
        seen.map(|_| told)
    }
}
