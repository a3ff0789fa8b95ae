//! Reporting how a run ended whose process cannot.

use flowkit_client::api::flow_runs::Orchestrate;
use flowkit_client::model::{FlowRun, OrchestrationStatus, StateCreate, StateType};
use flowkit_client::{Client, Error as ClientError};
use uuid::Uuid;

use super::{failed, lock, persistent};
use crate::backend::server::mark;
use crate::backend::server::shared::Shared;
use crate::deploy::Verdict;
use crate::error::Error;
use crate::id::FlowRunId;

/// Reports the end of a run, unless it has ended or is another's now; returns whether that changed anything.
pub(super) async fn conclude(shared: &Shared, run: FlowRunId, verdict: Verdict) -> Result<bool, Error> {
    let ended = concluded(&persistent(shared), run.uuid(), verdict).await;
    ended.map_err(|error| failed(format!("cannot report how flow run {run} ended"), error))
}

async fn concluded(client: &Client, id: Uuid, verdict: Verdict) -> Result<bool, ClientError> {
    if is_anothers(client, &client.read_flow_run(id).await?).await? {
        return Ok(false);
    }
    let answer = match &verdict {
        Verdict::Crashed(message) => {
            let answer = client.set_flow_run_state(id, &crashed(message), Orchestrate::Rules).await?;
            // A run that is being cancelled can only become Cancelled.
            let cancelling = answer.state.as_ref().is_some_and(|state| state.kind == StateType::Cancelling);
            if answer.status == OrchestrationStatus::Reject && cancelling {
                client.set_flow_run_state(id, &cancelled("Flow run was cancelled."), Orchestrate::Force).await?
            } else {
                answer
            }
        }
        Verdict::Cancelled(message) => client.set_flow_run_state(id, &cancelled(message), Orchestrate::Force).await?,
    };
    Ok(answer.status == OrchestrationStatus::Accept)
}

fn crashed(message: &str) -> StateCreate {
    ended(StateType::Crashed, "Crashed", message)
}

fn cancelled(message: &str) -> StateCreate {
    ended(StateType::Cancelled, "Cancelled", message)
}

fn ended(kind: StateType, name: &str, message: &str) -> StateCreate {
    let mut state = StateCreate::new(kind).name(name).transition_id(Uuid::new_v4());
    state.message = Some(message.to_owned());
    state
}

/// Tells whether there is nothing to report of a run by this process: it has ended, or somebody else has it.
async fn is_anothers(client: &Client, run: &FlowRun) -> Result<bool, ClientError> {
    let Some(state) = &run.state else { return Ok(false) };
    // The process of the run is one that this one has started, and gone, or this one itself.
    let process = run.infrastructure_pid.as_deref().filter(|mark| mark::is_ours(mark));
    let goes_on = process.is_some_and(|mark| Some(mark) != mark::own() && !mark::is_gone(mark));
    Ok(match state.kind {
        StateType::Completed | StateType::Failed | StateType::Cancelled | StateType::Crashed => true,
        StateType::Running | StateType::Cancelling => goes_on,
        StateType::Pending => {
            let claimed = lock::maker(client, run.id, state).await?;
            goes_on || !claimed.is_some_and(|ticket| ticket.is_own())
        }
        StateType::Scheduled => goes_on || state.name != "AwaitingRetry",
        // A suspended run waits for its resumption, not for a process.
        StateType::Paused => goes_on || state.state_details.pause_reschedule,
        _ => goes_on,
    })
}
