//! Leases on slots of a deployment's concurrency limit, kept for as long as a run has not ended.
//!
//! This goes on the reporter's thread: a body that blocks its own cannot lose the slot.

use std::sync::{Arc, Weak};
use std::time::Duration;

use flowkit_client::Client;
use uuid::Uuid;

use crate::backend::server::link;
use crate::clock;
use crate::run::FlowRun;
use crate::state::StateType;

/// How long a lease is taken for, as Prefect does.
const LEASE: Duration = Duration::from_secs(300);

/// How often it is renewed: a server that is away for four minutes does not cost the slot. (Prefect renews after 225 s.)
const RENEWAL: Duration = Duration::from_secs(60);

/// How long one renewal may take, retries included.
const PATIENCE: Duration = Duration::from_secs(10);

/// When it is tried again after the server could not be asked.
const AGAIN: Duration = Duration::from_secs(5);

/// How often it is looked whether a run has begun.
const LOOK: Duration = Duration::from_millis(200);

/// Renews a lease at once and from then on in time, until the run has ended or the lease is lost.
///
/// When a run begins, the server sets the time to that of a new lease, which may be as short as 30 s, or takes a new lease
/// in place of one that has run out. So it is renewed anew then.
pub(super) async fn keep(client: Client, mut lease: Uuid, run: Weak<FlowRun>) {
    let client = client.with_deadline(PATIENCE).with_retry(link::brisk());
    let mut begun = false;
    loop {
        let Some(id) = going_on(&run).map(|run| run.id) else { return };
        if !begun && has_begun(&run) {
            begun = true;
            if let Ok(known) = client.read_flow_run(id.uuid()).await {
                lease =
                    known.state.and_then(|state| state.state_details.deployment_concurrency_lease_id).unwrap_or(lease);
            }
        }
        let pause = match client.renew_concurrency_lease(lease, LEASE).await {
            Ok(()) => RENEWAL,
            Err(error) => {
                tracing::warn!(target: "flowkit::serve", "Cannot keep a slot of a deployment's concurrency limit: {error}");
                if !error.is_transient() {
                    return;
                }
                AGAIN
            }
        };
        if begun {
            clock::sleep(pause).await;
        } else {
            let _ = clock::within(pause, beginning(&run)).await;
        }
    }
}

/// The run, unless it has ended.
fn going_on(run: &Weak<FlowRun>) -> Option<Arc<FlowRun>> {
    run.upgrade().filter(|run| !run.state().is_final())
}

fn has_begun(run: &Weak<FlowRun>) -> bool {
    run.upgrade().is_some_and(|run| run.state().state_type() == StateType::Running)
}

/// Waits until a run has begun, or ended.
async fn beginning(run: &Weak<FlowRun>) {
    while going_on(run).is_some() && !has_begun(run) {
        clock::sleep(LOOK).await;
    }
}
