//! Where the code at hand is, and what it reports to.
//!
//! [`flow_run`], [`task_run`] and [`deployment`] tell code which run it is part of (Prefect's `prefect.runtime`): bodies,
//! blocking ones included, hooks, and what is spawned with [`in_current_run`]. A
//! [`Runtime`] is what runs report to; most programs never name one and use the [`global`] one, which is chosen
//! by the settings at the first call of a task or flow.

mod ambient;
mod builder;
mod cancellation;
#[cfg(feature = "endpoint")]
pub(crate) mod endpoint;
#[cfg(feature = "embedded")]
mod records;
mod results;
pub(crate) mod signals;
mod stores;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub use crate::background::Deployment;

use crate::backend::{History, Undelivered};
use crate::call::TaskCall;
use crate::engine::context::{self, Context, Ports};
use crate::error::Error;
use crate::id::FlowRunId;
use crate::resume::{ResumeCall, resume_flow_run};
use crate::run::{FlowRun, TaskRun};
use crate::state::State;
use crate::testing::Stubbed;
use crate::user_error::UserError;

#[cfg(feature = "embedded")]
pub(crate) use crate::backend::embedded::new_key as new_block_key;
pub(crate) use ambient::{ambient, ports};
pub use builder::RuntimeBuilder;
pub use cancellation::{cancelled, is_cancelled};
#[cfg(feature = "embedded")]
pub use records::Records;
pub(crate) use results::read as read_result;

/// What runs report to: a backend and the settings.
#[derive(Clone)]
pub struct Runtime {
    ports: Arc<Ports>,
}

impl Runtime {
    /// Makes a runtime that keeps everything in memory, whatever the environment says. For tests.
    #[must_use]
    pub fn ephemeral() -> Self {
        RuntimeBuilder::plain().ephemeral()
    }

    /// Starts to build a runtime.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::new()
    }

    /// Runs `future` so that the tasks and flows called in it report to this runtime.
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        Context::outside(Arc::clone(&self.ports)).scope(future).await
    }

    /// Returns the runs and logs kept in this process; `None` where only a server has them.
    #[must_use]
    pub fn history(&self) -> Option<&dyn History> {
        self.ports.backend.history()
    }

    /// Puts `stub` in the place of a task's body, in this runtime and until another one is set. For tests.
    ///
    /// The task is named by a call of it, which is not made: [`any()`](crate::testing::any) stands for its
    /// arguments. The run is as ever: it waits for its arguments, has states and logs, and is retried if the stub
    /// fails.
    ///
    /// ```
    /// use flowkit::{Runtime, prelude::*, testing::any};
    ///
    /// #[task]
    /// async fn fetch_page(api: String, page: u32) -> Result<String, String> {
    ///     Err(format!("no network for {api} {page}"))
    /// }
    ///
    /// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
    /// let runtime = Runtime::ephemeral();
    /// runtime.stub(fetch_page(any(), any()), || Ok("<html>".to_owned()));
    /// let page = runtime.run(async { fetch_page("https://dev.to", 1).await }).await?;
    /// assert_eq!(page, "<html>");
    /// # Ok::<_, flowkit::Error>(())
    /// # }).expect("it succeeds");
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "a call that is only looked at would warn that it must be used")]
    pub fn stub<T: 'static>(&self, task: TaskCall<T>, mut stub: impl FnMut() -> Stubbed<T> + Send + 'static) {
        let body = move || stub().map_err(UserError::lending);
        self.ports.stubs.set(task.job.def, Box::new(body));
    }

    /// Asks a flow run to stop, and everything below it, as `prefect flow-run cancel` and the button of the UI do.
    ///
    /// The run enters the state Cancelling, and Cancelled when all its work has ended. With a server it may be any run
    /// that the server knows, in whatever process.
    ///
    /// # Errors
    /// The run is unknown or has ended already, or the server cannot be reached.
    pub async fn cancel_flow_run(&self, run: FlowRunId) -> Result<(), Error> {
        cancel(&self.ports, run).await.map(drop)
    }

    /// Resumes a paused or suspended flow run that reports to this runtime; see
    /// [`resume_flow_run`].
    pub fn resume_flow_run(&self, run: impl Into<FlowRunId>) -> ResumeCall {
        resume_flow_run(run).through(&self.ports)
    }

    /// Waits for at most `limit` until everything reported so far is delivered, and tells what is not.
    ///
    /// Programs need not call it: what is left at exit is delivered then.
    pub async fn flush(&self, limit: Duration) -> Undelivered {
        self.ports.backend.flush(limit).await
    }
}

/// Asks a flow run to stop, and gives the state that it is in now.
async fn cancel(ports: &Ports, run: FlowRunId) -> Result<State, Error> {
    let state = ports.backend.cancel(run).await?;
    ports.stopping.put_into(run, state.clone());
    Ok(state)
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("backend", &self.ports.backend).finish_non_exhaustive()
    }
}

/// Returns the runtime that is used where no other was named.
///
/// # Errors
/// An error of kind [`Settings`](crate::ErrorKind::Settings) that names the setting that cannot be used.
pub fn global() -> Result<Runtime, Error> {
    ambient::global().map(|ports| Runtime { ports })
}

/// Makes `future` part of the present run wherever it is driven, as by `tokio::spawn` or a `JoinSet`.
///
/// Tasks called in a spawned future without this are in no flow: tokio does not pass on where a future comes from.
/// Outside of any run nothing changes. A flow run does not wait for what is spawned so; it does for what is
/// submitted.
///
/// ```
/// # use flowkit::prelude::*;
/// # #[task]
/// # async fn fetch() -> u32 { 7 }
/// #[flow]
/// async fn nightly() -> anyhow::Result<u32> {
///     let helper = tokio::spawn(flowkit::runtime::in_current_run(async { fetch().await }));
///     Ok(helper.await??)
/// }
/// ```
pub fn in_current_run<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let context = context::current();
    async move {
        match context {
            Some(context) => context.scope(future).await,
            None => future.await,
        }
    }
}

/// Returns the flow run that the code at hand is part of; `None` outside of any flow.
#[must_use]
pub fn flow_run() -> Option<Arc<FlowRun>> {
    context::with(|context| context.flow_run().cloned()).flatten()
}

/// Returns the task run that the code at hand is part of; `None` outside of any task.
#[must_use]
pub fn task_run() -> Option<Arc<TaskRun>> {
    context::with(|context| context.task.clone()).flatten()
}

/// Returns the deployment that the code at hand runs for; `None` outside of any flow, and in a flow that the program
/// called itself.
#[must_use]
pub fn deployment() -> Option<Arc<Deployment>> {
    context::with(|context| context.flow_run()?.deployment().cloned()).flatten()
}
