//! Waiting for the runs that a run depends on.

use std::fmt;

use futures::future::BoxFuture;

use crate::error::{Error, ErrorKind};
use crate::run::TaskInput;

/// Something that must have completed before a task may start.
pub struct Dependency {
    /// Names the runs, all of them once it has completed.
    pub(crate) runs: Box<dyn Fn() -> Vec<TaskInput> + Send + Sync>,
    pub(crate) completed: BoxFuture<'static, Result<(), Error>>,
}

impl fmt::Debug for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dependency").field(&(self.runs)()).finish()
    }
}

/// Waits for all; the first failure is the answer.
pub(crate) async fn all(dependencies: &mut [Dependency]) -> Result<(), Error> {
    for dependency in dependencies {
        (&mut dependency.completed).await?;
    }
    Ok(())
}

/// Names the runs that are waited for.
pub(crate) fn runs(dependencies: &[Dependency]) -> Vec<TaskInput> {
    dependencies.iter().flat_map(|dependency| (dependency.runs)()).collect()
}

/// The error of a task that cannot start since a run it depends on did not complete.
pub(crate) fn upstream_failed(upstream: &TaskInput, cause: Error) -> Error {
    let what = match upstream {
        TaskInput::TaskRun(id) => format!("Upstream task run '{id}'"),
        TaskInput::FlowRun(id) => format!("Upstream flow run '{id}'"),
    };
    let why = if cause.kind() == ErrorKind::NoValue { "has no value" } else { "did not reach a 'COMPLETED' state" };
    Error::new(ErrorKind::NotReady, format!("{what} {why}")).with_source(cause)
}
