//! Starting a run of a deployment, whoever serves it (Prefect's `run_deployment`).

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::{self, Timestamp};
use crate::def::FlowDef;
use crate::deploy::{Caller, Deploy, DeploymentRun, NewDeploymentRun, Target};
use crate::deployment::{Check, place};
use crate::duration::IntoDuration;
use crate::engine::context::Context;
use crate::error::{Error, ErrorKind};
use crate::parameters;
use crate::runtime;
use crate::trigger;

/// How often it is looked whether the run has ended, as in Prefect.
const POLL: Duration = Duration::from_secs(5);

/// Starts a run of the deployment called `flow/deployment`, or of this id.
///
/// Without a Prefect server it is one that this process has registered, and somebody in this process must
/// [`serve`](crate::serve()) it for the run to begin.
///
/// `.await` waits until the run has ended, and gives it with its last state whatever that is: a run that failed is no
/// error here. Inside of a flow the run is a subflow in the graph. Nothing limits the waiting but
/// [`timeout`](RunDeployment::timeout), of which zero does not wait at all.
///
/// ```no_run
/// # async fn example() -> flowkit::Result<()> {
/// let run = flowkit::run_deployment("etl/nightly").parameter("pages", 5).timeout("10m").await?;
/// if !run.state.is_completed() {
///     println!("{} is {}", run.name, run.state);
/// }
/// # Ok(())
/// # }
/// ```
pub fn run_deployment(name: impl AsRef<str>) -> RunDeployment {
    let name = name.as_ref();
    let target = match (name.split_once('/'), name.parse::<Uuid>()) {
        (Some((flow, deployment)), _) if !flow.is_empty() && !deployment.is_empty() => {
            Ok(Target::Name { flow: flow.to_owned(), deployment: deployment.to_owned() })
        }
        (_, Ok(id)) => Ok(Target::Id(id)),
        _ => {
            let why = format!("`{name}` does not name a deployment: write \"flow/deployment\", or its id");
            Err(Error::new(ErrorKind::Definition, why))
        }
    };
    RunDeployment::new(target, None)
}

impl RunDeployment {
    /// Starts from a deployment, and from the flow if it is one of this program's.
    pub(crate) fn new(target: Result<Target, Error>, flow: Option<(&'static FlowDef, Check)>) -> Self {
        let (target, refused) = match target {
            Ok(target) => (target, None),
            Err(error) => (Target::Id(Uuid::nil()), Some(error)),
        };
        let run = NewDeploymentRun {
            target,
            name: None,
            parameters: Map::new(),
            scheduled: None,
            tags: Vec::new(),
            job_variables: None,
            work_queue: None,
            idempotency_key: None,
            caller: None,
        };
        Self { run, flow, as_subflow: true, timeout: None, poll: POLL, refused }
    }

    fn given(&mut self, given: Map<String, Value>) {
        if let Some(Err(error)) = self.flow.map(|(def, check)| check(&given, def)) {
            self.refuse(error);
        }
        self.run.parameters.extend(given);
    }
}

/// A run of a deployment that has not been started yet; see [`run_deployment`].
#[must_use = "a run is not started until it is awaited"]
pub struct RunDeployment {
    run: NewDeploymentRun,
    /// The flow, if it is one of this program's.
    flow: Option<(&'static FlowDef, Check)>,
    as_subflow: bool,
    timeout: Option<Duration>,
    poll: Duration,
    refused: Option<Error>,
}

impl RunDeployment {
    /// Sets parameters, a JSON object. Those left out are the deployment's. The server checks them; if the
    /// call was made from the flow itself, they are checked here first.
    pub fn parameters(mut self, given: Value) -> Self {
        match parameters::object(&given) {
            Ok(given) => self.given(given),
            Err(error) => self.refuse(error),
        }
        self
    }

    /// Sets one parameter.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        let name = name.into();
        match serde_json::to_value(value) {
            Ok(value) => self.given([(name, value)].into_iter().collect()),
            Err(error) => {
                let why = format!("parameter `{name}` cannot be written as JSON");
                self.refuse(Error::new(ErrorKind::Parameters, why).with_source(error));
            }
        }
        self
    }

    /// Sets the name of the run. Default: the server makes one.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.run.name = Some(name.into());
        self
    }

    /// Sets when the run is due. Default: now.
    pub fn scheduled_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.run.scheduled = Some(time.into());
        self
    }

    /// Sets how long to wait for its end: `"10m"`, a `Duration`, or seconds. After that the run goes on, and is given in
    /// the state that it is in; zero does not wait. Default: any time.
    pub fn timeout(mut self, timeout: impl IntoDuration) -> Self {
        match timeout.into_duration() {
            Ok(timeout) => self.timeout = Some(timeout),
            Err(error) => self.refuse(error),
        }
        self
    }

    /// Sets how often it is looked whether the run has ended, where nobody says so. Default: every 5 s.
    pub fn poll_interval(mut self, interval: impl IntoDuration) -> Self {
        match interval.into_duration() {
            Ok(interval) => self.poll = interval.max(Duration::from_millis(10)),
            Err(error) => self.refuse(error),
        }
        self
    }

    /// Adds tags besides the deployment's.
    pub fn tags<S: Into<String>>(mut self, tags: impl IntoIterator<Item = S>) -> Self {
        self.run.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Sets variables of the infrastructure that the run gets, a JSON object; the others are the deployment's.
    pub fn job_variables(mut self, variables: Value) -> Self {
        match trigger::object(variables, "job variables") {
            Ok(variables) => self.run.job_variables = Some(variables),
            Err(error) => self.refuse(error),
        }
        self
    }

    /// Sets the work queue. Default: the deployment's.
    pub fn work_queue(mut self, name: impl Into<String>) -> Self {
        self.run.work_queue = Some(name.into());
        self
    }

    /// Makes starting twice harmless: the second call with the same key gives the run that the first has started.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.run.idempotency_key = Some(key.into());
        self
    }

    /// Sets whether the run is a subflow of the flow that starts it. Default: it is.
    pub fn as_subflow(mut self, as_subflow: bool) -> Self {
        self.as_subflow = as_subflow;
        self
    }

    fn refuse(&mut self, error: Error) {
        self.refused.get_or_insert(error);
    }

    async fn start(mut self) -> Result<DeploymentRun, Error> {
        if let Some(error) = self.refused {
            return Err(error);
        }
        let (ambient, refused) = runtime::ambient();
        if let Some(error) = refused {
            return Err(error);
        }
        let place = place(&*ambient.ports.backend)?;
        self.run.caller = if self.as_subflow { caller(&ambient, &self.run.target) } else { None };
        let run = place.start(self.run).await?;
        if self.timeout == Some(Duration::ZERO) {
            return Ok(run);
        }
        match place.ended(run.id) {
            Some(ended) => wait(place, run, ended, self.timeout).await,
            None => follow(place, run, self.timeout, self.poll).await,
        }
    }
}

/// The run at hand, as the one that the new run is a subflow of.
fn caller(ambient: &Context, target: &Target) -> Option<Caller> {
    let scope = ambient.flow.as_ref()?;
    let task_run = ambient.task.as_ref().map(|task| task.id);
    let key = match target {
        Target::Id(id) => id.to_string(),
        Target::Name { flow, deployment } => format!("{flow}/{deployment}"),
    };
    Some(Caller { flow_run: scope.run.id, task_run, nth: scope.count_deployment(key) })
}

/// Waits until somebody says that the run has ended, or the time is over.
async fn wait(
    place: &dyn Deploy,
    run: DeploymentRun,
    ended: BoxFuture<'static, DeploymentRun>,
    limit: Option<Duration>,
) -> Result<DeploymentRun, Error> {
    match limit {
        None => Ok(ended.await),
        Some(limit) => match clock::within(limit, ended).await {
            Some(ended) => Ok(ended),
            None => place.look(run.id).await,
        },
    }
}

/// Looks from time to time until the run has ended or the time is over.
async fn follow(
    place: &dyn Deploy,
    mut run: DeploymentRun,
    limit: Option<Duration>,
    poll: Duration,
) -> Result<DeploymentRun, Error> {
    let stopwatch = clock::Stopwatch::start();
    loop {
        if run.state.is_final() {
            return Ok(run);
        }
        let pause = match limit.map(|limit| limit.saturating_sub(stopwatch.elapsed())) {
            Some(left) if left.is_zero() => return Ok(run),
            Some(left) => left.min(poll),
            None => poll,
        };
        clock::sleep(pause).await;
        run = place.look(run.id).await?;
    }
}

impl fmt::Debug for RunDeployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunDeployment").field("target", &self.run.target).finish_non_exhaustive()
    }
}

impl IntoFuture for RunDeployment {
    type Output = Result<DeploymentRun, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}
