//! Going on with flow runs that a process has left under way when it died.

use crate::engine::context::Context;
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::registry::{FlowStart, start_flow};
use crate::runtime;
use crate::state::StateName;

/// Goes on with a flow run that an earlier process has left under way, and waits for its end.
///
/// For flows that are `resumable` and kept in a file. The flow is found by its name among those of this program, and the
/// parameters are those of the run; to get the value, call the flow itself with the same parameters, which goes on too.
///
/// # Errors
///
/// An error of kind [`Refused`](ErrorKind::Refused) if there is no such run, if it was not interrupted, or if the program
/// asks for something else than before, which leaves the run as it was; of kind [`Definition`](ErrorKind::Definition) if
/// this program has no such flow; else what the run ends with.
///
/// ```no_run
/// # async fn example(run: flowkit::FlowRunId) -> flowkit::Result<()> {
/// flowkit::resume(run).await?;
/// # Ok(())
/// # }
/// ```
pub async fn resume(run: impl Into<FlowRunId>) -> Result<(), Error> {
    let context = Context::outside(runtime::ports()?);
    resume_in(context, run.into()).await
}

/// Goes on with all flow runs that earlier processes have left under way, side by side, and tells how each ended.
///
/// See [`resume`].
///
/// # Errors
///
/// Fails if it cannot be told which runs there are. A run that fails is part of the list.
pub async fn resume_all() -> Result<Vec<(FlowRunId, Result<(), Error>)>, Error> {
    let context = Context::outside(runtime::ports()?);
    let Some(journals) = context.ports.backend.journals() else { return Ok(Vec::new()) };
    let runs = journals.all_interrupted().await?;
    let resumed = runs.into_iter().map(|run| {
        let context = context.clone();
        async move { (run, resume_in(context, run).await) }
    });
    Ok(futures::future::join_all(resumed).await)
}

async fn resume_in(context: Context, run: FlowRunId) -> Result<(), Error> {
    let Some(journals) = context.ports.backend.journals() else {
        let why = "no runs are kept in a file: set FLOWKIT_DB, or build the runtime with `.embedded(path)`";
        return Err(Error::new(ErrorKind::Refused, why));
    };
    let existing = journals.find(run).await?;
    if !existing.state.is(StateName::Interrupted) {
        let why = format!(
            "flow run '{}' cannot be resumed: it is in state {}, and only one that was interrupted can be",
            existing.name,
            existing.state.name()
        );
        return Err(Error::new(ErrorKind::Refused, why));
    }
    let flow = existing.flow.clone();
    let start = FlowStart { parameters: existing.parameters.clone(), existing: Some(Box::new(existing)) };
    context.clone().scope(start_flow(&flow, start)).await
}
