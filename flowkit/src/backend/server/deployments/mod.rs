//! Deployments at the server: the port's requests, each done on the reporter's thread.

mod claim;
mod ending;
mod environment;
mod late;
mod left;
mod listen;
mod lock;
mod misfires;
mod register;
mod runs;
mod start;

use std::sync::Arc;
use std::time::Duration;

use flowkit_client::{Client, RetryPolicy};
use futures::future::BoxFuture;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::backend::server::Server;
use crate::backend::server::link;
use crate::backend::server::shared::Shared;
use crate::clock::Timestamp;
use crate::deploy::{
    Claim, Deploy, DeploymentRun, DeploymentSpec, DueRun, NewDeploymentRun, RegisteredDeployment, Variables, Verdict,
};
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;

pub(super) use lock::Unused;
pub(super) use misfires::Misfires;

/// How long one request may take, retries included.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a question may take that is asked again and again anyway.
const ASKING: Duration = Duration::from_secs(10);

fn patient(shared: &Shared) -> Client {
    let retry = RetryPolicy::default().base_delay(Duration::from_millis(200)).max_retries(8);
    shared.client.with_deadline(PATIENCE).with_retry(retry)
}

/// The client for what becomes of a run that is, or is about to be, in the hands of this process: it waits for a server that
/// is away, since nobody else would go on with the run.
fn persistent(shared: &Shared) -> Client {
    link::waiting(shared)
}

/// The client for questions that are asked again and again anyway.
fn asking(shared: &Shared) -> Client {
    shared.client.with_deadline(ASKING).with_retry(RetryPolicy::none())
}

/// Says what could not be done, and whether the settings are to blame.
fn failed(what: impl Into<String>, error: flowkit_client::Error) -> Error {
    let settings = error.is_auth() || error.kind() == flowkit_client::ErrorKind::IncompatibleServer;
    let kind = if settings { ErrorKind::Settings } else { ErrorKind::Backend };
    Error::new(kind, what).with_source(error)
}

impl Deploy for Server {
    fn register(&self, spec: DeploymentSpec) -> BoxFuture<'_, Result<RegisteredDeployment, Error>> {
        self.job(move |shared| async move { register::register(&shared, &spec).await })
    }

    fn pause(&self, deployment: Uuid) -> BoxFuture<'_, Result<(), Error>> {
        self.job(move |shared| async move { register::pause(&shared, deployment).await })
    }

    fn start(&self, run: NewDeploymentRun) -> BoxFuture<'_, Result<DeploymentRun, Error>> {
        self.job(move |shared| async move { start::start(&shared, &run).await })
    }

    fn look(&self, run: FlowRunId) -> BoxFuture<'_, Result<DeploymentRun, Error>> {
        self.job(move |shared| async move { start::look(&shared, run).await })
    }

    fn due(&self, deployments: Vec<Uuid>, before: Timestamp) -> BoxFuture<'_, Result<Vec<DueRun>, Error>> {
        self.job(move |shared| async move { runs::due(&shared, &deployments, before).await })
    }

    fn listen(&self, deployments: Vec<Uuid>, told: &Arc<Notify>) {
        let told = Arc::downgrade(told);
        // It ends by itself; there is nothing to wait for.
        drop(self.job(move |shared| async move {
            tokio::spawn(listen::listen(shared, deployments, told));
            Ok(())
        }));
    }

    fn claim(&self, run: FlowRunId) -> BoxFuture<'_, Result<Claim, Error>> {
        self.job(move |shared| async move { claim::claim(&shared, run).await })
    }

    fn environment(&self, run: &DueRun) -> BoxFuture<'_, Result<Variables, Error>> {
        let run = run.clone();
        self.job(move |shared| async move { environment::environment(&shared, &run).await })
    }

    fn cancelling(&self, runs: Vec<FlowRunId>) -> BoxFuture<'_, Result<Vec<FlowRunId>, Error>> {
        self.job(move |shared| async move { runs::cancelling(&shared, &runs).await })
    }

    fn left_behind(&self, deployments: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<FlowRunId>, Error>> {
        self.job(move |shared| async move { left::behind(&shared, &deployments).await })
    }

    fn conclude(&self, run: FlowRunId, verdict: Verdict) -> BoxFuture<'_, Result<bool, Error>> {
        self.job(move |shared| async move { ending::conclude(&shared, run, verdict).await })
    }
}
