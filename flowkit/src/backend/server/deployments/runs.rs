//! The runs that somebody who serves deployments starts: which are due, who gets them, and how they end.

use flowkit_client::api::flow_runs::{self, Orchestrate};
use flowkit_client::model::{
    FlowRun, FlowRunFilter, FlowRunQuery, MAX_LIMIT, OrchestrationStatus, StateCreate, StateType,
};
use uuid::Uuid;

use super::{asking, failed, late, lock, patient};
use crate::backend::Answer;
use crate::backend::server::mark;
use crate::backend::server::orders;
use crate::backend::server::shared::Shared;
use crate::clock::{self, Timestamp};
use crate::deploy::{Claim, DueRun, Verdict};
use crate::error::Error;
use crate::id::FlowRunId;
use crate::state::StateType as OurType;

/// Lists the runs that are due before a time, but for late ones that their schedules leave out.
pub(super) async fn due(shared: &Shared, deployments: &[Uuid], before: Timestamp) -> Result<Vec<DueRun>, Error> {
    let begun = clock::instant();
    let (found, left_out) = loop {
        let found = asking(shared).get_scheduled_flow_runs(deployments, before.to_utc(), MAX_LIMIT).await;
        let found = found.map_err(|error| failed("cannot ask for the runs that are due", error))?;
        let left_out = late::leave_out(shared, &found).await;
        // There may be more than one answer holds, the newest behind those that were left out.
        let more = found.len() >= MAX_LIMIT as usize && !left_out.is_empty();
        if !more || begun.elapsed() > late::PATIENCE {
            break (found, left_out);
        }
    };
    let mut due: Vec<DueRun> = found
        .into_iter()
        .filter(|run| !left_out.contains(&run.id))
        .filter_map(|run| {
            let due = run.next_scheduled_start_time.or(run.expected_start_time).map(Timestamp::from);
            Some(DueRun { id: run.id.into(), name: run.name, deployment: run.deployment_id?, due })
        })
        .collect();
    due.sort_by_key(|run| run.due);
    Ok(due)
}

/// Claims a run as Prefect's runner does: the first who brings it to Pending has it, and says so with Submitting.
///
/// The server lets a run that has ended become Pending again, and may let two runners have it that ask at the same
/// moment. So it is looked first whether the run still waits, and among runners of this crate [one](super::lock) goes on.
pub(super) async fn claim(shared: &Shared, run: FlowRunId) -> Result<Claim, Error> {
    let failed = |error| failed(format!("cannot claim flow run {run}"), error);
    let client = patient(shared);
    let Some(waiting) = client.send_opt(flow_runs::read(run.uuid())).await.map_err(failed)? else {
        return Ok(Claim::NotOurs("it does not exist any more".to_owned()));
    };
    if waiting.state_type != Some(StateType::Scheduled) {
        return Ok(Claim::NotOurs(format!("it is in state {}", waiting.state_name.unwrap_or_default())));
    }
    if let Some(state) = &waiting.state
        && !lock::take(&client, run.uuid(), state.id).await.map_err(failed)?
    {
        return Ok(Claim::NotOurs("another runner has it".to_owned()));
    }
    for name in ["Pending", "Submitting"] {
        let answer = orders::propose(&client, run.uuid(), &pending(name), false).await.map_err(failed)?;
        if let Some(why) = lost(answer) {
            return Ok(Claim::NotOurs(why));
        }
    }
    Ok(Claim::Ours)
}

fn pending(name: &str) -> StateCreate {
    let mut state = StateCreate::new(StateType::Pending).name(name);
    state.state_details.transition_id = Some(Uuid::new_v4());
    state
}

/// Why a run is not ours after the server's answer, if it is not.
fn lost(answer: Answer) -> Option<String> {
    match answer {
        Answer::Accept(_) => None,
        Answer::Reject(state) if state.state_type() == OurType::Pending => None,
        Answer::Reject(state) => Some(format!("the server put it into state {state}")),
        Answer::Abort(why) => Some(why),
        Answer::Wait(_) => Some("the server lets it wait".to_owned()),
    }
}

/// Lists which of these runs somebody wants to be cancelled.
pub(super) async fn cancelling(shared: &Shared, runs: &[FlowRunId]) -> Result<Vec<FlowRunId>, Error> {
    let ids = runs.iter().map(|run| run.uuid());
    let filter = FlowRunFilter::default().ids(ids).state_types([StateType::Cancelling, StateType::Cancelled]);
    let found = patient(shared).filter_flow_runs(&FlowRunQuery::new(filter)).await;
    let found = found.map_err(|error| failed("cannot ask which runs are to be cancelled", error))?;
    Ok(found.into_iter().map(|run| run.id.into()).collect())
}

/// Lists the runs under way whose process is certainly gone.
pub(super) async fn left_behind(shared: &Shared, deployments: &[Uuid]) -> Result<Vec<FlowRunId>, Error> {
    let filter = FlowRunFilter::default().deployment_ids(deployments.iter().copied()).state_types([
        StateType::Pending,
        StateType::Running,
        StateType::Cancelling,
    ]);
    let found = patient(shared).filter_flow_runs(&FlowRunQuery::new(filter)).await;
    let found = found.map_err(|error| failed("cannot ask for runs that were left behind", error))?;
    let gone = |run: &FlowRun| run.infrastructure_pid.as_deref().is_some_and(mark::is_gone);
    Ok(found.into_iter().filter(gone).map(|run| run.id.into()).collect())
}

/// Reports the end of a run whose process cannot.
pub(super) async fn conclude(shared: &Shared, run: FlowRunId, verdict: Verdict) -> Result<bool, Error> {
    let (kind, name, message, how) = match verdict {
        Verdict::Crashed(message) => (StateType::Crashed, "Crashed", message, Orchestrate::Rules),
        Verdict::Cancelled(message) => (StateType::Cancelled, "Cancelled", message, Orchestrate::Force),
    };
    let mut state = StateCreate::new(kind).name(name);
    state.message = Some(message);
    state.state_details.transition_id = Some(Uuid::new_v4());
    let answer = patient(shared).set_flow_run_state(run.uuid(), &state, how).await;
    let answer = answer.map_err(|error| failed(format!("cannot report that flow run {run} is {name}"), error))?;
    // A run that is being cancelled can only become Cancelled.
    let cancelling = answer.state.as_ref().is_some_and(|state| state.kind == StateType::Cancelling);
    if answer.status == OrchestrationStatus::Reject && cancelling {
        let verdict = Verdict::Cancelled("Flow run was cancelled; its process ended without saying so.".to_owned());
        return Box::pin(conclude(shared, run, verdict)).await;
    }
    Ok(answer.status == OrchestrationStatus::Accept)
}
