//! Runs that a process left under way when it died: looked for at the start, and now and then.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::contact::jittered;
use crate::clock;
use crate::deploy::{Deploy, Verdict};
use crate::deployment::place;
use crate::engine::context::Ports;

/// When to look for the second time: by then those can be judged that were left a moment before the first.
const SECOND: Duration = Duration::from_secs(15);

/// How often to look from then on, give or take 30 %.
const EVERY: Duration = Duration::from_secs(60);

/// Looks from time to time, until it is dropped.
pub(super) async fn look(ports: Arc<Ports>, deployments: Vec<Uuid>) {
    let mut pause = SECOND;
    loop {
        clock::sleep(pause).await;
        if let Ok(place) = place(&*ports.backend) {
            report(place, &deployments).await;
        }
        pause = jittered(EVERY, fastrand::f64());
    }
}

/// Reports the runs that are under way and whose process is gone.
pub(super) async fn report(place: &dyn Deploy, deployments: &[Uuid]) {
    let left = match place.left_behind(deployments.to_vec()).await {
        Ok(left) => left,
        Err(error) => return tracing::warn!(target: "flowkit::serve", "{}", error.chain()),
    };
    for run in left {
        tracing::warn!(target: "flowkit::serve", "Flow run {run} was left behind by a process that is gone");
        let verdict = Verdict::Crashed("The process that ran it is gone, and has not told how it ended.".to_owned());
        if let Err(error) = place.conclude(run, verdict).await {
            tracing::warn!(target: "flowkit::serve", "{}", error.chain());
        }
    }
}
