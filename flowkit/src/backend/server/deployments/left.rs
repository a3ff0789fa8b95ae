//! Runs whose process is certainly gone: those that have not begun are put back, the others are to be reported.

use std::time::Duration;

use flowkit_client::api::flow_runs::Orchestrate;
use flowkit_client::model::{
    FlowRun, FlowRunFilter, FlowRunQuery, FlowRunSort, MAX_LIMIT, OrchestrationStatus, State, StateCreate, StateType,
};
use flowkit_client::{Client, Error as ClientError};
use uuid::Uuid;

use super::lock::{self, Unused};
use super::{failed, patient};
use crate::backend::server::mark;
use crate::backend::server::shared::Shared;
use crate::clock::{self, Timestamp};
use crate::error::Error;
use crate::id::FlowRunId;

/// How long a run has been claimed at least before its runner is looked for: a process that the runner has started may be
/// about to take it over. One that does so later still sees that the claim is not its own any more.
const BEGINNING: Duration = Duration::from_secs(10);

/// Lists the runs of some deployments that are under way and whose process is certainly gone; puts those back that were
/// claimed and never begun.
pub(super) async fn behind(shared: &Shared, deployments: &[Uuid]) -> Result<Vec<FlowRunId>, Error> {
    let refused = |error| failed("cannot ask for runs that were left behind", error);
    let client = patient(shared);
    let mut left = Vec::new();
    for run in under_way(&client, deployments).await.map_err(refused)? {
        let Some(state) = &run.state else { continue };
        let taken_over = run.infrastructure_pid.as_deref().filter(|mark| mark::is_ours(mark));
        match state.kind {
            StateType::Running if taken_over.is_some_and(mark::is_gone) => left.push(run.id.into()),
            StateType::Cancelling if is_forsaken(&client, &run).await.map_err(refused)? => left.push(run.id.into()),
            StateType::Pending if clock::now().since(Timestamp::from(state.timestamp)) >= BEGINNING => {
                put_back(&client, &shared.unused_tickets, &run, state).await.map_err(refused)?;
            }
            _ => {}
        }
    }
    Ok(left)
}

async fn under_way(client: &Client, deployments: &[Uuid]) -> Result<Vec<FlowRun>, ClientError> {
    let states = [StateType::Pending, StateType::Running, StateType::Cancelling];
    let mut found = Vec::new();
    loop {
        let filter = FlowRunFilter::default().deployment_ids(deployments.iter().copied()).state_types(states);
        let offset = u32::try_from(found.len()).unwrap_or(u32::MAX);
        let query = FlowRunQuery::new(filter).sort(FlowRunSort::IdDesc).limit(MAX_LIMIT).offset(offset);
        let page = client.filter_flow_runs(&query).await?;
        let is_last = page.len() < MAX_LIMIT as usize;
        found.extend(page);
        if is_last {
            return Ok(found);
        }
    }
}

/// Tells whether nobody is there to cancel a run: not the process that ran it, and not the one that claimed it last.
async fn is_forsaken(client: &Client, run: &FlowRun) -> Result<bool, ClientError> {
    let process = run.infrastructure_pid.as_deref().filter(|pid| !pid.is_empty());
    if process.is_some_and(|mark| !mark::is_gone(mark)) {
        return Ok(false);
    }
    let claimed = lock::newest(client, run.id).await?;
    Ok(claimed.map_or(process.is_some(), |ticket| ticket.is_gone()))
}

/// Has a run wait again that was claimed by a process that is gone, or by this one in vain. One of several that want to do
/// so does.
async fn put_back(client: &Client, unused: &Unused, run: &FlowRun, state: &State) -> Result<(), ClientError> {
    // An empty mark is none.
    let taken_over =
        |run: &FlowRun| run.infrastructure_pid.as_deref().is_some_and(|mark| !mark.is_empty() && !mark::is_gone(mark));
    if taken_over(run) {
        return Ok(());
    }
    let Some(ticket) = lock::maker(client, run.id, state).await? else { return Ok(()) };
    if !ticket.is_gone() && !unused.forget(&ticket) {
        return Ok(());
    }
    let Some(again) = lock::take(client, unused, run.id, state.id).await? else { return Ok(()) };
    let now = client.read_flow_run(run.id).await?;
    if taken_over(&now) || now.state.as_ref().map(|now| now.id) != Some(state.id) {
        return Ok(());
    }
    let mut waiting = StateCreate::new(StateType::Scheduled).name("Scheduled").transition_id(again.pending);
    waiting.message = Some("The process that had claimed it is gone, and it had not begun.".to_owned());
    waiting.state_details.scheduled_time = Some(clock::now().to_utc());
    let answer = client.set_flow_run_state(run.id, &waiting, Orchestrate::Rules).await?;
    if answer.status == OrchestrationStatus::Accept {
        tracing::warn!(target: "flowkit::serve", "Flow run '{}' was claimed by a process that is gone: it waits again", run.name);
    }
    Ok(())
}
