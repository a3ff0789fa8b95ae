//! Deployments that are in the file: memory answers, and what has been answered outlives the process.

#[cfg(feature = "endpoint")]
use std::sync::Arc;
use std::sync::mpsc::channel;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Notify;
use uuid::Uuid;

use super::queue::Item;
use super::{Embedded, waiting};
#[cfg(feature = "endpoint")]
use crate::artifacts::Artifact;
#[cfg(feature = "endpoint")]
use crate::asset::AssetEvent;
use crate::backend::Backend;
#[cfg(feature = "endpoint")]
use crate::backend::History;
use crate::clock::{self, Timestamp};
#[cfg(feature = "endpoint")]
use crate::deploy::DeploymentDetails;
use crate::deploy::{
    Claim, Deploy, DeploymentRun, DeploymentSpec, DueRun, NewDeploymentRun, RegisteredDeployment, Target, Verdict,
};
use crate::error::Error;
#[cfg(feature = "endpoint")]
use crate::event::LogRecord;
use crate::id::{FlowRunId, id_of};
#[cfg(feature = "endpoint")]
use crate::run::{FlowRun, TaskRun};
#[cfg(feature = "endpoint")]
use crate::variables::Variable;

impl Embedded {
    fn places(&self) -> &dyn Deploy {
        &*self.memory
    }

    /// Waits until everything so far is on disk, or has been tried to be written.
    pub(super) async fn on_disk(&self) {
        let (told, written) = channel();
        // Whoever waits may be gone.
        self.queue.push(Item::Barrier(Box::new(move || told.send(()).unwrap_or_default())));
        // On a thread, so that a paused clock does not run on meanwhile. A writer that is gone has said so.
        let _ = tokio::task::spawn_blocking(move || written.recv()).await;
    }

    /// Looks whether an earlier process was asked for the same run.
    async fn recall(&self, target: &Target, key: &str) -> Result<(), Error> {
        if self.memory.started_with(target, key).is_some() {
            return Ok(());
        }
        let deployment = match target {
            Target::Id(id) => *id,
            Target::Name { flow, deployment } => id_of("deployment", &format!("{flow}/{deployment}")),
        };
        let text = key.to_owned();
        if let Some(kept) = self.query(move |file| waiting::started_with(file, deployment, &text)).await? {
            self.memory.remember_key(deployment, key.to_owned(), kept);
        }
        Ok(())
    }
}

impl Deploy for Embedded {
    fn is_local(&self) -> bool {
        true
    }

    fn register(&self, spec: DeploymentSpec) -> BoxFuture<'_, Result<RegisteredDeployment, Error>> {
        async move {
            let (id, now) = (spec.own_id(), clock::now());
            let before = match self.memory.has_deployment(id) {
                true => None,
                false => self.query(move |file| waiting::before(file, id, now)).await?,
            };
            let registered = match before {
                Some(before) => self.memory.register_after(spec, before)?,
                None => self.places().register(spec).await?,
            };
            self.on_disk().await;
            Ok(registered)
        }
        .boxed()
    }

    fn pause(&self, deployment: Uuid) -> BoxFuture<'_, Result<(), Error>> {
        self.then_on_disk(self.places().pause(deployment))
    }

    fn leave(&self, deployment: Uuid) -> BoxFuture<'_, Result<(), Error>> {
        self.then_on_disk(self.places().leave(deployment))
    }

    #[cfg(feature = "endpoint")]
    fn resume(&self, deployment: Uuid) -> BoxFuture<'_, Result<(), Error>> {
        self.then_on_disk(self.places().resume(deployment))
    }

    #[cfg(feature = "endpoint")]
    fn set_active(&self, deployment: Uuid, schedule: Uuid, active: bool) -> BoxFuture<'_, Result<(), Error>> {
        self.then_on_disk(self.places().set_active(deployment, schedule, active))
    }

    fn start(&self, run: NewDeploymentRun) -> BoxFuture<'_, Result<DeploymentRun, Error>> {
        async move {
            if let Some(key) = &run.idempotency_key {
                self.recall(&run.target, key).await?;
            }
            let started = self.places().start(run).await?;
            if let Some(run) = self.memory.history().and_then(|history| history.flow_run(started.id)) {
                self.mirrored(&run);
            }
            self.on_disk().await;
            Ok(started)
        }
        .boxed()
    }

    fn look(&self, run: FlowRunId) -> BoxFuture<'_, Result<DeploymentRun, Error>> {
        self.places().look(run)
    }

    fn due(&self, deployments: Vec<Uuid>, before: Timestamp) -> BoxFuture<'_, Result<Vec<DueRun>, Error>> {
        self.places().due(deployments, before)
    }

    fn listen(&self, deployments: Vec<Uuid>, told: &std::sync::Arc<Notify>) {
        self.places().listen(deployments, told);
    }

    fn ended(&self, run: FlowRunId) -> Option<BoxFuture<'static, DeploymentRun>> {
        self.places().ended(run)
    }

    fn claim(&self, run: FlowRunId) -> BoxFuture<'_, Result<Claim, Error>> {
        self.places().claim(run)
    }

    fn cancelling(&self, runs: Vec<FlowRunId>) -> BoxFuture<'_, Result<Vec<FlowRunId>, Error>> {
        self.places().cancelling(runs)
    }

    /// The runs of an earlier process were looked at when the file was opened.
    fn left_behind(&self, deployments: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<FlowRunId>, Error>> {
        self.places().left_behind(deployments)
    }

    fn conclude(&self, run: FlowRunId, verdict: Verdict) -> BoxFuture<'_, Result<bool, Error>> {
        self.places().conclude(run, verdict)
    }
}

impl Embedded {
    fn then_on_disk<'a>(&'a self, done: BoxFuture<'a, Result<(), Error>>) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            done.await?;
            self.on_disk().await;
            Ok(())
        }
        .boxed()
    }
}

#[cfg(feature = "endpoint")]
impl Embedded {
    fn told(&self) -> &dyn History {
        &*self.memory
    }
}

#[cfg(feature = "endpoint")]
impl History for Embedded {
    fn flow_runs(&self) -> Vec<Arc<FlowRun>> {
        self.told().flow_runs()
    }

    fn flow_run(&self, id: FlowRunId) -> Option<Arc<FlowRun>> {
        self.told().flow_run(id)
    }

    fn task_runs(&self) -> Vec<Arc<TaskRun>> {
        self.told().task_runs()
    }

    fn asset_events(&self) -> Vec<AssetEvent> {
        self.told().asset_events()
    }

    fn logs(&self) -> Vec<LogRecord> {
        self.told().logs()
    }

    fn logs_from(&self, from: u64, each: &mut dyn FnMut(&LogRecord)) -> u64 {
        self.told().logs_from(from, each)
    }

    fn logs_of(&self, run: FlowRunId) -> Vec<LogRecord> {
        self.told().logs_of(run)
    }

    fn deployments(&self) -> Vec<DeploymentDetails> {
        self.told().deployments()
    }

    fn variables(&self) -> Vec<Variable> {
        self.told().variables()
    }

    fn artifacts(&self) -> Vec<Artifact> {
        self.told().artifacts()
    }
}
