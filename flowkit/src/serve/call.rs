//! Serving that has not begun yet.

use std::fmt;
use std::future::IntoFuture;

use futures::future::BoxFuture;

use super::options::{ServeOptions, serve_options};
use super::runner;
use crate::deployment::{DeploymentCall, Draft, deployment_options};
use crate::error::Error;

/// Serves several deployments from one process.
///
/// ```no_run
/// use flowkit::prelude::*;
///
/// # #[flow]
/// # async fn etl() {}
/// # #[flow]
/// # async fn report() {}
/// # async fn example() -> flowkit::Result<()> {
/// flowkit::serve([etl.deployment("hourly").interval("1h"), report.deployment("nightly").cron("0 2 * * *")])
///     .limit(20)
///     .await
/// # }
/// ```
pub fn serve(deployments: impl IntoIterator<Item = DeploymentCall>) -> ServeAllCall {
    let drafts = deployments.into_iter().map(|deployment| deployment.draft).collect();
    ServeAllCall { drafts, options: ServeOptions::default() }
}

/// A deployment that is registered and then served, by `.await`.
///
/// It is registered as by [`deployment`](crate::FlowFn::deployment), and whatever is scheduled or triggered for it is run
/// until the process is asked to stop by SIGTERM or SIGINT. Then nothing new starts, the schedules are paused, and runs
/// have `FLOWKIT_SHUTDOWN_GRACE` (default: 30 s) to end before they are stopped; a second signal stops them at once.
///
/// Without a Prefect server this process schedules by itself, and the runs take place in it: nothing else has to be
/// started. [`History`](crate::History) knows what was run and what is planned, and whoever calls
/// [`run_deployment`](crate::run_deployment) in the process starts a run.
///
/// While the server is away it is asked again and again, after pauses that grow up to 10 s. Runs under way go on, and what
/// became of them is told when it is back; `/health` answers 503 meanwhile. What was due meanwhile follows the
/// [misfire policy](crate::Schedule::misfire) of its schedule.
///
/// In a process that was started for one flow run, by this one or by a Prefect worker (`PREFECT__FLOW_RUN_ID`),
/// `.await` does that run instead.
///
/// ```no_run
/// use flowkit::prelude::*;
///
/// #[flow]
/// async fn etl(#[param(default = 3)] pages: u32) -> anyhow::Result<()> {
///     Ok(())
/// }
///
/// #[tokio::main]
/// async fn main() -> flowkit::Result<()> {
///     etl.serve("nightly").cron("0 8 * * *").parameter("pages", 5).await
/// }
/// ```
#[must_use = "nothing is served until it is awaited"]
#[derive(Clone)]
pub struct ServeCall {
    pub(crate) draft: Draft,
    options: ServeOptions,
}

deployment_options!(ServeCall);
serve_options!(ServeCall);

impl From<DeploymentCall> for ServeCall {
    fn from(deployment: DeploymentCall) -> Self {
        Self { draft: deployment.draft, options: ServeOptions::default() }
    }
}

impl fmt::Debug for ServeCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeCall").field("draft", &self.draft).field("options", &self.options).finish()
    }
}

impl IntoFuture for ServeCall {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(runner::serve(vec![self.draft], self.options))
    }
}

/// Several deployments that are registered and then served, by `.await`; see [`ServeCall`].
#[must_use = "nothing is served until it is awaited"]
#[derive(Clone)]
pub struct ServeAllCall {
    drafts: Vec<Draft>,
    options: ServeOptions,
}

serve_options!(ServeAllCall);

impl fmt::Debug for ServeAllCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeAllCall").field("drafts", &self.drafts).field("options", &self.options).finish()
    }
}

impl IntoFuture for ServeAllCall {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(runner::serve(self.drafts, self.options))
    }
}
