//! The runs of a runner that somebody wants to be cancelled: asked for all at once, now and then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::contact::jittered;
use crate::clock;
use crate::deployment::place;
use crate::engine::context::Ports;
use crate::id::FlowRunId;
use crate::run::lock;

/// Who is told when a run is to be cancelled.
#[derive(Debug, Default)]
pub(super) struct Cancelling(Mutex<HashMap<FlowRunId, CancellationToken>>);

/// A run that is watched for as long as this lives.
#[derive(Debug)]
pub(super) struct Watched<'a> {
    among: &'a Cancelling,
    run: FlowRunId,
    token: CancellationToken,
}

impl Cancelling {
    pub(super) fn watch(&self, run: FlowRunId) -> Watched<'_> {
        let token = CancellationToken::new();
        lock(&self.0).insert(run, token.clone());
        Watched { among: self, run, token }
    }

    fn open(&self) -> Vec<FlowRunId> {
        let runs = lock(&self.0);
        runs.iter().filter(|(_, token)| !token.is_cancelled()).map(|(run, _)| *run).collect()
    }

    fn tell(&self, run: FlowRunId) {
        if let Some(token) = lock(&self.0).get(&run) {
            token.cancel();
        }
    }
}

impl Watched<'_> {
    /// Waits until somebody wants the run to be cancelled.
    pub(super) async fn cancelled(&self) {
        self.token.cancelled().await;
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        lock(&self.among.0).remove(&self.run);
    }
}

/// Asks from time to time, give or take 30 %, until it is dropped.
pub(super) async fn look(ports: Arc<Ports>, cancelling: Arc<Cancelling>, every: Duration) {
    loop {
        clock::sleep(jittered(every, fastrand::f64())).await;
        let open = cancelling.open();
        let Ok(place) = place(&*ports.backend) else { continue };
        if open.is_empty() {
            continue;
        }
        // A question that is not answered is asked again.
        for run in place.cancelling(open).await.unwrap_or_default() {
            cancelling.tell(run);
        }
    }
}
