//! Running flow runs that somebody else has created, as a worker does.

use crate::backend::Existing;
use crate::engine::context::Context;
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::registry::{FlowStart, start_flow};
use crate::runtime;
use crate::settings;
use crate::state::StateType;

/// Runs a flow run that exists at the server, such as one that was scheduled from a deployment, in this process.
///
/// The flow is found by its name among those of this program, and the parameters are those of the run. A run that is
/// suspended, or that the server wants to be left alone, counts as a good end: it is somebody else's then.
///
/// # Errors
/// An error of kind [`Refused`](ErrorKind::Refused) if there is no such run, or it has ended, runs or is paused; of kind
/// [`Definition`](ErrorKind::Definition) if this program has no such flow; else what the run ends with.
pub async fn run_existing(run: impl Into<FlowRunId>) -> Result<(), Error> {
    run_in(Context::outside(runtime::ports()?), run.into()).await
}

/// Runs a flow run that exists, as code of a context.
pub(crate) async fn run_in(context: Context, run: FlowRunId) -> Result<(), Error> {
    let existing = context.ports.backend.find_flow_run(run).await?;
    let state = existing.state.state_type();
    if state != StateType::Cancelling && assigned_flow_run()? == Some(run) && !is_claimed_for_us(&existing)? {
        tracing::warn!(target: "flowkit::serve", "Flow run '{}' is another process's by now", existing.name);
        return Ok(());
    }
    // One that is being cancelled ends as it should, with its hooks.
    if !matches!(state, StateType::Scheduled | StateType::Pending | StateType::Cancelling) {
        let why = format!("flow run '{}' cannot be run: it is in state {}", existing.name, existing.state.name());
        return Err(Error::new(ErrorKind::Refused, why));
    }
    let flow = existing.flow.clone();
    let start = FlowStart { parameters: existing.parameters.clone(), existing: Some(Box::new(existing)) };
    match context.scope(start_flow(&flow, start)).await {
        Err(error) if matches!(error.kind(), ErrorKind::Suspended | ErrorKind::Aborted) => Ok(()),
        ended => ended,
    }
}

/// Tells whether the runner that has started this process for a run still has it, if it was one of this crate: it may have
/// been taken for gone meanwhile.
fn is_claimed_for_us(existing: &Existing) -> Result<bool, Error> {
    Ok(settings::assigned_claim()?.is_none_or(|claim| existing.step == Some(claim)))
}

/// Returns the flow run that this process was started for by a Prefect worker, which says so in the variable
/// `PREFECT__FLOW_RUN_ID`; `None` if it was not. To be given to [`run_existing`].
///
/// # Errors
/// An error of kind [`Settings`](ErrorKind::Settings) if the variable is no id.
pub fn assigned_flow_run() -> Result<Option<FlowRunId>, Error> {
    settings::assigned_flow_run()
}
