//! Which runs somebody who serves deployments is to start, and to stop.

use flowkit_client::model::{FlowRunFilter, FlowRunQuery, MAX_LIMIT, StateType};
use uuid::Uuid;

use super::{asking, failed, late, patient};
use crate::backend::server::shared::Shared;
use crate::clock::{self, Timestamp};
use crate::deploy::DueRun;
use crate::error::Error;
use crate::id::FlowRunId;

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

/// Lists which of these runs somebody wants to be cancelled.
pub(super) async fn cancelling(shared: &Shared, runs: &[FlowRunId]) -> Result<Vec<FlowRunId>, Error> {
    let ids = runs.iter().map(|run| run.uuid());
    let filter = FlowRunFilter::default().ids(ids).state_types([StateType::Cancelling, StateType::Cancelled]);
    let found = patient(shared).filter_flow_runs(&FlowRunQuery::new(filter)).await;
    let found = found.map_err(|error| failed("cannot ask which runs are to be cancelled", error))?;
    Ok(found.into_iter().map(|run| run.id.into()).collect())
}
