//! Getting a run for this process, as Prefect's runner does: the first who brings it to Pending has it, and says so with
//! Submitting.

use std::time::Duration;

use flowkit_client::Client;
use flowkit_client::api::flow_runs;
use flowkit_client::model::{FlowRun, FlowRunUpdate, State, StateCreate, StateType};
use uuid::Uuid;

use super::lock::{self, Ticket};
use super::{failed, persistent};
use crate::backend::Answer;
use crate::backend::server::mark;
use crate::backend::server::orders;
use crate::backend::server::shared::Shared;
use crate::clock::{self, Timestamp};
use crate::deploy::Claim;
use crate::error::Error;
use crate::id::FlowRunId;
use crate::state::StateType as OurType;

/// A process that waits for a retry and has not begun it this long after it was due is taken for gone.
const OVERDUE: Duration = Duration::from_secs(300);

type Answered<T> = Result<T, flowkit_client::Error>;

/// Claims a run.
///
/// The server lets a run that has ended become Pending again, and may let two runners have it that ask at the same
/// moment. So it is looked first whether the run still waits, and among runners of this crate [one](super::lock) goes on.
pub(super) async fn claim(shared: &Shared, run: FlowRunId) -> Result<Claim, Error> {
    claimed(shared, run.uuid()).await.map_err(|error| failed(format!("cannot claim flow run {run}"), error))
}

async fn claimed(shared: &Shared, run: Uuid) -> Answered<Claim> {
    let client = persistent(shared);
    let not_ours = |why: &str| Ok(Claim::NotOurs(why.to_owned()));
    let Some(waiting) = client.send_opt(flow_runs::read(run)).await? else {
        return not_ours("it does not exist any more");
    };
    let Some(state) = waiting.state.as_ref().filter(|state| state.kind == StateType::Scheduled) else {
        return Ok(Claim::NotOurs(format!("it is in state {}", waiting.state_name.unwrap_or_default())));
    };
    if waits_in_its_process(&waiting, state, clock::now(), &mark::is_gone) {
        return not_ours("the process that runs it waits for its retry");
    }
    let Some(ticket) = lock::take(&client, &shared.unused_tickets, run, state.id).await? else {
        return not_ours("another runner has it");
    };
    let used = use_up(&client, &waiting, &ticket).await;
    if used.is_err() {
        // Else the run would have to wait until the ticket is old.
        shared.unused_tickets.keep(state.id, ticket);
    }
    used
}

async fn use_up(client: &Client, run: &FlowRun, ticket: &Ticket) -> Answered<Claim> {
    if run.infrastructure_pid.as_deref().is_some_and(mark::is_ours) {
        // It was left by a process that had it before, and is nobody's who could be told to cancel it.
        let update = FlowRunUpdate { infrastructure_pid: Some(String::new()), ..FlowRunUpdate::default() };
        client.update_flow_run(run.id, &update).await?;
    }
    for (name, transition) in [("Pending", ticket.pending), ("Submitting", ticket.submitting)] {
        let state = StateCreate::new(StateType::Pending).name(name).transition_id(transition);
        if let Some(why) = lost(orders::propose(client, run.id, &state, false).await?) {
            return Ok(Claim::NotOurs(why));
        }
    }
    Ok(Claim::Ours)
}

/// Tells whether a run waits for its retry in a process that may still be there: it is not to be begun anew by others.
fn waits_in_its_process(run: &FlowRun, state: &State, now: Timestamp, is_gone: &dyn Fn(&str) -> bool) -> bool {
    let in_process = run.empirical_policy.retry_type.as_deref() == Some("in_process");
    let awaits = state.name == "AwaitingRetry" && in_process;
    let due = state.state_details.scheduled_time.map(Timestamp::from);
    let overdue = due.is_some_and(|due| now.since(due) >= OVERDUE);
    let process = run.infrastructure_pid.as_deref().filter(|mark| mark::is_ours(mark));
    awaits && !overdue && process.is_some_and(|mark| !is_gone(mark))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn waiting(state: &str, retry_type: Option<&str>, process: Option<&str>) -> bool {
        let run = json!({
            "id": Uuid::nil(), "flow_id": Uuid::nil(), "infrastructure_pid": process,
            "empirical_policy": {"retry_type": retry_type},
            "state": {
                "id": Uuid::nil(), "type": "SCHEDULED", "name": state, "timestamp": "2026-11-21T01:00:00Z",
                "state_details": {"scheduled_time": "2026-11-21T01:00:00Z"},
            },
        });
        let run: FlowRun = serde_json::from_value(run).expect("a flow run");
        let state = run.state.clone().expect("a state");
        let due = Timestamp::from(state.state_details.scheduled_time.expect("a time"));
        let gone = |mark: &str| mark.ends_with("gone");
        assert!(!waits_in_its_process(&run, &state, due.after(OVERDUE), &gone), "nobody waits that long");
        waits_in_its_process(&run, &state, due, &gone)
    }

    #[test]
    fn a_run_that_waits_for_its_retry_in_a_process_is_not_begun_by_others() {
        assert!(waiting("AwaitingRetry", Some("in_process"), Some("flowkit:there")));
        assert!(!waiting("AwaitingRetry", Some("in_process"), Some("flowkit:gone")));
        assert!(!waiting("AwaitingRetry", Some("in_process"), Some("1234")), "a worker's is not waited for");
        assert!(!waiting("AwaitingRetry", Some("reschedule"), Some("flowkit:there")));
        assert!(!waiting("Scheduled", None, Some("flowkit:there")));
    }
}
