//! A deployment that is to be registered.

use std::fmt;
use std::future::IntoFuture;

use futures::future::BoxFuture;

use super::{Draft, deployment_options, place, version};
use crate::deploy::RegisteredDeployment;
use crate::error::Error;
use crate::runtime;

/// A deployment of a flow that has not been registered yet; `.await` does it.
///
/// Registering again changes the deployment in place: its id and its runs stay. Schedules that have slugs are changed
/// by those; without slugs, all are replaced. Its runs are started by whoever serves it or by the workers of its
/// [work pool](DeploymentCall::work_pool).
///
/// ```no_run
/// use flowkit::prelude::*;
///
/// /// Loads articles.
/// #[flow]
/// async fn etl(#[param(default = 3)] pages: u32) -> anyhow::Result<()> {
///     Ok(())
/// }
///
/// # async fn example() -> flowkit::Result<()> {
/// let deployment = etl.deployment("nightly").cron("0 8 * * *").parameter("pages", 5).tags(["team-a"]).await?;
/// println!("{} has the id {}", deployment.full_name, deployment.id);
/// # Ok(())
/// # }
/// ```
#[must_use = "a deployment is not registered until it is awaited"]
#[derive(Clone)]
pub struct DeploymentCall {
    pub(crate) draft: Draft,
}

deployment_options!(DeploymentCall);

impl DeploymentCall {
    /// Has its runs started by the workers of a work pool. Job variables then fill the pool's template, for which see
    /// the pool's own documentation; the command must start this program.
    pub fn work_pool(mut self, name: impl Into<String>) -> Self {
        self.draft.edit(|spec| spec.work_pool = Some(name.into()));
        self
    }

    /// Sets the queue of the work pool. Default: the pool's own.
    pub fn work_queue(mut self, name: impl Into<String>) -> Self {
        self.draft.edit(|spec| spec.work_queue = Some(name.into()));
        self
    }
}

impl fmt::Debug for DeploymentCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeploymentCall").field("draft", &self.draft).finish()
    }
}

impl IntoFuture for DeploymentCall {
    type Output = Result<RegisteredDeployment, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(register(self.draft))
    }
}

/// Registers a deployment.
pub(crate) async fn register(draft: Draft) -> Result<RegisteredDeployment, Error> {
    let spec = version::complete(draft).await?;
    let (ambient, refused) = runtime::ambient();
    if let Some(error) = refused {
        return Err(error);
    }
    place(&*ambient.ports.backend)?.register(spec).await
}
