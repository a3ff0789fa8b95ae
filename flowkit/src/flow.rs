//! The lazy call of a flow.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::Value;

use crate::call::{Finished, spawn};
use crate::call_options::call_options;
use crate::def::FlowDef;
use crate::dependency::Upstream;
use crate::detached::Bond;
use crate::engine::context::Waiters;
use crate::engine::flow_run::{self, Begun, FlowJob};

use crate::error::Error;
use crate::flow_future::FlowFuture;
use crate::runtime::{self, signals};

/// A call of a flow that has not been made yet.
///
/// `.await` runs it here; [`submit`](FlowCall::submit) starts it beside the present code. Inside of another
/// flow it is a subflow.
///
/// # Cancel safety
/// Dropping the future of an `.await` stops the flow and everything it started, and leaves the run Cancelled.
#[must_use = "a call does nothing until it is awaited or submitted"]
pub struct FlowCall<T> {
    pub(crate) job: FlowJob<T>,
}

call_options!(FlowCall);

impl<T: Send + 'static> FlowCall<T> {
    /// Waits for other runs to complete before this one starts, without taking their results:
    /// `.wait_for(&a)`, `.wait_for([&a, &b])`, `.wait_for((&task, &subflow))`.
    pub fn wait_for(mut self, upstream: impl Upstream) -> Self {
        upstream.collect(&mut self.job.wait_for);
        self
    }

    /// Makes `.await` give the final state beside the result.
    pub fn return_state(self) -> ReturnFlowState<T> {
        ReturnFlowState(self)
    }

    /// Returns the declaration of the flow.
    #[must_use]
    pub fn flow(&self) -> &'static FlowDef {
        self.job.def
    }

    /// Returns the parameters as they are reported, an object.
    #[must_use]
    pub fn parameters(&self) -> &Value {
        &self.job.parameters
    }

    /// Makes this run go on after its process has died, as `#[flow(resumable)]` does for all runs of a flow.
    pub fn resumable(mut self) -> Self {
        self.overrides().resumable = true;
        self
    }

    /// Starts the run beside the present code. A flow that submits a subflow does not end before it.
    pub fn submit(self) -> FlowFuture<T> {
        self.start(Bond::Bound)
    }

    pub(crate) fn start(self, bond: Bond) -> FlowFuture<T> {
        let (mut ambient, refused) = runtime::ambient();
        let (cancel, waiters) = match bond {
            Bond::Bound => (ambient.branch(), ambient.waiters()),
            Bond::Free => (ambient.ports.stopping.outside().child_token(), Waiters::default()),
        };
        if bond == Bond::Free {
            ambient.transaction = None;
        }
        ambient.cancel = cancel.clone();
        let top = ambient.flow.is_none().then(|| Arc::clone(&ambient.ports));
        signals::watch(&ambient);
        let (handle, filler) = FlowFuture::new(cancel);
        let work = async move {
            let result = match flow_run::begin(self.job, ambient).await {
                Ok(Begun::Live(mut live)) => {
                    match bond {
                        Bond::Bound => live.set_apart(),
                        Bond::Free => live.set_free(),
                    }
                    filler.begun(Arc::clone(live.run()));
                    live.finish().await
                }
                Ok(Begun::Replayed(run, value)) => {
                    filler.begun(run);
                    Ok(value)
                }
                Err(error) => Err(error),
            };
            if let Some(ports) = top {
                signals::stay(&ports).await;
            }
            filler.fill(result);
        };
        if let Err(error) = spawn(&waiters, refused, work) {
            handle.refuse(error);
        }
        handle
    }

    async fn run(self) -> Result<Finished<T>, Error> {
        let (ambient, refused) = runtime::ambient();
        if let Some(error) = refused {
            return Err(error);
        }
        let top = ambient.flow.is_none().then(|| Arc::clone(&ambient.ports));
        signals::watch(&ambient);
        Ok(match flow_run::begin(self.job, ambient).await? {
            Begun::Live(live) => {
                let run = Arc::clone(live.run());
                let result = live.finish().await;
                if let Some(ports) = top {
                    signals::stay(&ports).await;
                }
                Finished { state: run.state(), result }
            }
            Begun::Replayed(run, value) => Finished { state: run.state(), result: Ok(value) },
        })
    }
}

impl<T> fmt::Debug for FlowCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowCall").field("flow", &self.job.def.name).field("parameters", &self.job.parameters).finish()
    }
}

impl<T: Send + 'static> IntoFuture for FlowCall<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.run().await?.result })
    }
}

/// A call whose `.await` gives a [`Finished`] run, or the error that kept the run from being made.
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug)]
pub struct ReturnFlowState<T>(FlowCall<T>);

impl<T: Send + 'static> IntoFuture for ReturnFlowState<T> {
    type Output = Result<Finished<T>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.run())
    }
}
