//! Leaving out the late runs that their schedules do not make up for.

use std::collections::HashSet;
use std::future::ready;
use std::time::Duration;

use flowkit_client::api::flow_runs::Orchestrate;
use flowkit_client::model::{FlowRun, FlowRunFilter, FlowRunQuery, FlowRunSort, StateCreate, StateType};
use flowkit_client::{Client, Error};
use futures::{StreamExt, stream};
use uuid::Uuid;

use super::{lock, patient};
use crate::backend::server::shared::Shared;
use crate::clock::{self, Timestamp};

/// How long runs may be reported as left out before those that are to run are listed. The others follow next time.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How many are reported at a time. A server on sqlite that has just come back has enough to do.
const AT_A_TIME: usize = 2;

/// Reports which of these runs are left out, each once whoever serves the deployment as well, and returns them.
pub(super) async fn leave_out(shared: &Shared, runs: &[FlowRun]) -> HashSet<Uuid> {
    let now = clock::now();
    let client = patient(shared);
    let (mut ids, mut reports) = (HashSet::new(), Vec::new());
    for schedule in shared.misfires.late(runs, now) {
        // Whoever serves the deployment as well may have begun the newest already.
        let newest = newest(&client, &schedule.schedules, now).await;
        for (run, due) in schedule.left_out(newest, now) {
            ids.insert(run);
            let waits_in = runs.iter().find(|other| other.id == run).and_then(|run| Some(run.state.as_ref()?.id));
            let why = schedule.misfire.reason(due, now);
            reports.extend(waits_in.map(|waits_in| skip(shared, client.clone(), run, waits_in, why)));
        }
    }
    if reports.is_empty() {
        return ids;
    }
    let begun = reports.len();
    let done = stream::iter(reports).buffer_unordered(AT_A_TIME).filter(|done| ready(matches!(done, Ok(true)))).count();
    if clock::within(PATIENCE, done).await != Some(0) {
        tracing::info!(target: "flowkit::serve", "Left out {begun} late run(s), as the misfire policies of schedules say");
    }
    ids
}

/// The newest date of a schedule that has come, whatever has become of its run.
async fn newest(client: &Client, schedules: &[Uuid], now: Timestamp) -> Option<Timestamp> {
    let filter = FlowRunFilter::default().creators(schedules.iter().copied()).expected_before(now.to_utc());
    let query = FlowRunQuery::new(filter).sort(FlowRunSort::ExpectedStartTimeDesc).limit(1);
    let found = client.filter_flow_runs(&query).await.ok()?;
    found.first()?.expected_start_time.map(Timestamp::from)
}

/// Ends a run before it has begun, unless somebody has claimed it; tells whether that was done here.
async fn skip(shared: &Shared, client: Client, run: Uuid, waits_in: Uuid, why: String) -> Result<bool, Error> {
    if lock::take(&client, &shared.unused_tickets, run, waits_in).await?.is_none() {
        return Ok(false);
    }
    // Other runners than this crate's do not ask for the right to.
    let now = client.read_flow_run(run).await?;
    if now.state.is_none_or(|state| state.id != waits_in) {
        return Ok(false);
    }
    let mut state = StateCreate::new(StateType::Cancelled).name("Skipped");
    state.message = Some(why);
    state.state_details.transition_id = Some(Uuid::new_v4());
    client.set_flow_run_state(run, &state, Orchestrate::Rules).await?;
    Ok(true)
}
