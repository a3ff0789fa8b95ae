//! Letting a paused flow run go on.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::engine::context::Ports;
use crate::error::Error;
use crate::id::FlowRunId;
use crate::input_form;
use crate::runtime;

/// Resumes a paused or suspended flow run, from anywhere: another flow, a web service, a test.
///
/// A paused run goes on where it is; a suspended one is scheduled, to be run again by whoever serves its deployment.
/// With a server the run may be that of another process or of another language. Without one it is a run of this process.
pub fn resume_flow_run(run: impl Into<FlowRunId>) -> ResumeCall {
    ResumeCall { run: run.into(), input: Ok(None), ports: None }
}

/// A resumption that has not been asked for yet.
///
/// # Errors
/// Awaiting it gives an error of kind [`Refused`](crate::ErrorKind::Refused) if there is no such run, it is not paused,
/// or the input is not what it waits for; the run stays paused then.
#[must_use = "a run is not resumed until this is awaited"]
pub struct ResumeCall {
    run: FlowRunId,
    input: Result<Option<Map<String, Value>>, Error>,
    ports: Option<Arc<Ports>>,
}

impl ResumeCall {
    pub(crate) fn through(mut self, ports: &Arc<Ports>) -> Self {
        self.ports = Some(Arc::clone(ports));
        self
    }

    /// Gives the input that the pause waits for. What is not an object is given as the field `value` of one.
    pub fn input<T: Serialize + JsonSchema>(mut self, input: &T) -> Self {
        self.input = input_form::write(input).map(Some);
        self
    }
}

impl IntoFuture for ResumeCall {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let input = self.input?;
            let ports = self.ports.map_or_else(runtime::ports, Ok)?;
            ports.backend.interact().resume(self.run, input).await
        })
    }
}

impl fmt::Debug for ResumeCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeCall").field("run", &self.run).finish_non_exhaustive()
    }
}
