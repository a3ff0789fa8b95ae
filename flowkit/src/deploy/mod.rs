//! What a place that keeps deployments can be asked: the port that registering, starting and serving go through.

mod details;
mod kept;
mod known;
mod spec;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::{BoxFuture, ready};
use serde_json::{Map, Value};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{FlowRunId, TaskRunId};
use crate::state::State;

pub use details::{DeploymentDetails, ScheduleDetails};
#[cfg(feature = "embedded")]
pub(crate) use kept::{Before, KeptRun};
pub(crate) use kept::{Cause, Keeper, KeptDeployment, KeptSchedule};
pub(crate) use known::{Known, policy_of_others};
pub use spec::Collision;
pub(crate) use spec::{Concurrency, DeploymentSpec, OwnFlow, ScheduleSpec, VersionInfo};

/// A deployment that is registered.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RegisteredDeployment {
    /// The id.
    pub id: Uuid,
    /// The names of the flow and of the deployment: `flow/deployment`.
    pub full_name: String,
    /// Where people see it; `None` without a server.
    pub ui_url: Option<String>,
}

/// A flow run that was started through its deployment.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct DeploymentRun {
    /// The id.
    pub id: FlowRunId,
    /// The name.
    pub name: String,
    /// The state that it was last seen in.
    pub state: State,
}

/// Which deployment is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    Id(Uuid),
    Name { flow: String, deployment: String },
}

/// A run of a deployment that does not exist yet.
#[derive(Clone, Debug)]
pub(crate) struct NewDeploymentRun {
    pub(crate) target: Target,
    pub(crate) name: Option<String>,
    pub(crate) parameters: Map<String, Value>,
    /// `None` means now.
    pub(crate) scheduled: Option<Timestamp>,
    pub(crate) tags: Vec<String>,
    pub(crate) job_variables: Option<Map<String, Value>>,
    pub(crate) work_queue: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    /// The run that it is to be a subflow of.
    pub(crate) caller: Option<Caller>,
}

/// The run that starts a deployment's run.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) flow_run: FlowRunId,
    /// The task run in whose body the call stands, if any.
    pub(crate) task_run: Option<TaskRunId>,
    /// How many runs of the same deployment the flow run had started before.
    pub(crate) nth: u32,
}

/// A run that waits to be started.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct DueRun {
    pub(crate) id: FlowRunId,
    pub(crate) name: String,
    pub(crate) deployment: Uuid,
    /// When it is due; `None` counts as now.
    pub(crate) due: Option<Timestamp>,
}

/// What came of the wish to start a run.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Claim {
    /// It is ours.
    Ours,
    /// It is not, for this reason: somebody else has it, or there is no room for it.
    NotOurs(String),
}

/// The variable that tells a process which claim on its run it was started with.
pub(crate) const CLAIM: &str = "FLOWKIT__CLAIM";

/// Variables of a process: their values, or that they are not there.
pub(crate) type Variables = BTreeMap<String, Option<String>>;

/// How a run ended that did not say so itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It died, for this reason. It stays as it is if it has reported an end.
    Crashed(String),
    /// It was stopped because somebody asked for that.
    Cancelled(String),
}

/// A place that keeps deployments. Every method is bounded in time.
pub(crate) trait Deploy: Send + Sync {
    /// Tells whether this process is the only one that knows of the deployments. Then nobody need ask again for runs that
    /// are due before [`listen`](Self::listen) says so, and no other process can do a run.
    fn is_local(&self) -> bool {
        false
    }

    /// Registers a deployment, or changes the one of that name in place.
    fn register(&self, spec: DeploymentSpec) -> BoxFuture<'_, Result<RegisteredDeployment, Error>>;

    /// Pauses the schedules of a deployment.
    fn pause(&self, deployment: Uuid) -> BoxFuture<'_, Result<(), Error>>;

    /// Pauses the schedules of a deployment because it is not served any more: until it is registered again.
    fn leave(&self, deployment: Uuid) -> BoxFuture<'_, Result<(), Error>> {
        self.pause(deployment)
    }

    /// Resumes the schedules of a deployment, where that can be asked for over this port.
    #[cfg(feature = "endpoint")]
    fn resume(&self, deployment: Uuid) -> BoxFuture<'_, Result<(), Error>> {
        elsewhere(deployment)
    }

    /// Switches one schedule of a deployment on or off, where that can be asked for over this port.
    #[cfg(feature = "endpoint")]
    fn set_active(&self, deployment: Uuid, schedule: Uuid, active: bool) -> BoxFuture<'_, Result<(), Error>> {
        let _ = (schedule, active);
        elsewhere(deployment)
    }

    /// Creates a run of a deployment.
    fn start(&self, run: NewDeploymentRun) -> BoxFuture<'_, Result<DeploymentRun, Error>>;

    /// Reads a run.
    fn look(&self, run: FlowRunId) -> BoxFuture<'_, Result<DeploymentRun, Error>>;

    /// Lists the runs of some deployments that are due before a time, the first due first.
    fn due(&self, deployments: Vec<Uuid>, before: Timestamp) -> BoxFuture<'_, Result<Vec<DueRun>, Error>>;

    /// Has `told` notified when it is worth asking which runs are due, where that is known; until it is dropped.
    fn listen(&self, deployments: Vec<Uuid>, told: &Arc<Notify>);

    /// Waits for the end of a run, where that can be known without asking.
    fn ended(&self, _: FlowRunId) -> Option<BoxFuture<'static, DeploymentRun>> {
        None
    }

    /// Tries to get a run for this process, so that nobody else starts it.
    fn claim(&self, run: FlowRunId) -> BoxFuture<'_, Result<Claim, Error>>;

    /// The variables of the process that is started for a run that is ours, beyond those of this one.
    fn environment(&self, _run: &DueRun) -> BoxFuture<'_, Result<Variables, Error>> {
        Box::pin(ready(Ok(Variables::new())))
    }

    /// Lists which of these runs somebody wants to be cancelled.
    fn cancelling(&self, runs: Vec<FlowRunId>) -> BoxFuture<'_, Result<Vec<FlowRunId>, Error>>;

    /// Lists the runs of some deployments that are under way and whose process is certainly gone; those that had not begun
    /// wait again.
    fn left_behind(&self, deployments: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<FlowRunId>, Error>>;

    /// Reports the end of a run in its place, unless it is another's by now; returns whether that changed anything.
    fn conclude(&self, run: FlowRunId, verdict: Verdict) -> BoxFuture<'_, Result<bool, Error>>;
}

/// Refuses what a server is asked for over its own API.
#[cfg(feature = "endpoint")]
fn elsewhere(deployment: Uuid) -> BoxFuture<'static, Result<(), Error>> {
    let why = format!("deployment {deployment} is kept by a server, which is to be asked itself");
    Box::pin(std::future::ready(Err(Error::new(crate::error::ErrorKind::Refused, why))))
}
