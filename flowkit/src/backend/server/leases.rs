//! Leases on slots of a deployment's concurrency limit, kept for as long as a run has not ended.
//!
//! This goes on the reporter's thread: a body that blocks its own cannot lose the slot.

use std::sync::Weak;
use std::time::Duration;

use flowkit_client::Client;
use uuid::Uuid;

use crate::clock;
use crate::run::FlowRun;

/// How long a lease is taken for, as Prefect does.
const LEASE: Duration = Duration::from_secs(300);

/// How often it is renewed: a server that is away for four minutes does not cost the slot. (Prefect renews after 225 s.)
const RENEWAL: Duration = Duration::from_secs(60);

/// Renews a lease at once and from then on in time, until the run has ended or the lease is lost.
pub(super) async fn keep(client: Client, lease: Uuid, run: Weak<FlowRun>) {
    loop {
        match run.upgrade() {
            Some(run) if !run.state().is_final() => {}
            _ => return,
        }
        if let Err(error) = client.renew_concurrency_lease(lease, LEASE).await {
            let passing = error.is_transient();
            tracing::warn!(target: "flowkit::serve", "Cannot keep a slot of a deployment's concurrency limit: {error}");
            if !passing {
                return;
            }
        }
        clock::sleep(RENEWAL).await;
    }
}
