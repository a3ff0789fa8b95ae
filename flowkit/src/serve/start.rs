//! From a run that is due to one that has ended.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::cancelling::Cancelling;
use super::child;
use super::options::Isolation;
use crate::deploy::{Claim, Deploy, DueRun, Verdict};
use crate::deployment::place;
use crate::engine::context::{Context, Ports};
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::run_existing;

/// What all runs of a runner have in common.
#[derive(Clone, Debug)]
pub(super) struct Conditions {
    pub(super) ports: Arc<Ports>,
    pub(super) isolation: Isolation,
    /// How long runs may take to end when they are told to.
    pub(super) cancel_grace: Duration,
    /// The runs that somebody wants to be cancelled.
    pub(super) cancelling: Arc<Cancelling>,
    /// Stops every run.
    pub(super) stop: CancellationToken,
    /// Ends every process.
    pub(super) at_once: CancellationToken,
}

/// Claims a run, and runs it if it is ours.
pub(super) async fn run(conditions: Conditions, run: DueRun) -> FlowRunId {
    match place(&*conditions.ports.backend) {
        Ok(place) => attempt(&conditions, place, &run).await,
        Err(error) => tracing::error!(target: "flowkit::serve", "{error}"),
    }
    run.id
}

async fn attempt(conditions: &Conditions, place: &dyn Deploy, run: &DueRun) {
    match place.claim(run.id).await {
        Ok(Claim::Ours) => {}
        Ok(Claim::NotOurs(why)) => {
            tracing::debug!(target: "flowkit::serve", "Flow run '{}' is not started here: {why}", run.name);
            return;
        }
        Err(error) => {
            tracing::warn!(target: "flowkit::serve", "{}", error.chain());
            return;
        }
    }
    tracing::info!(target: "flowkit::serve", "Starting flow run '{}'", run.name);
    match conditions.isolation {
        Isolation::Process => child::run(conditions, place, run).await,
        Isolation::InProcess => {
            let context =
                Context { cancel: conditions.stop.child_token(), ..Context::outside(Arc::clone(&conditions.ports)) };
            if let Err(error) = run_existing::run_in(context, run.id).await {
                not_begun(place, run, &error).await;
            }
        }
    }
}

/// Reports a run that could not begin, so that it does not stay pending. Others have reported their end.
async fn not_begun(place: &dyn Deploy, run: &DueRun, error: &Error) {
    let begun =
        !matches!(error.kind(), ErrorKind::Definition | ErrorKind::Refused | ErrorKind::Backend | ErrorKind::Settings);
    if begun {
        return;
    }
    tracing::error!(target: "flowkit::serve", "Flow run '{}' could not be started: {}", run.name, error.chain());
    let verdict = Verdict::Crashed(format!("Flow run could not be started: {}.", error.chain()));
    if let Err(error) = place.conclude(run.id, verdict).await {
        tracing::error!(target: "flowkit::serve", "{}", error.chain());
    }
}
