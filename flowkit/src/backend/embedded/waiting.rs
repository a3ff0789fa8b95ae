//! Reading back what an earlier process has left of a deployment.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::journal;
use super::rows::StateRow;
use crate::clock::Timestamp;
use crate::deploy::{Before, KeptDeployment, KeptRun};
use crate::state::State;

/// Reads a deployment with its runs that have not begun, the first due first; `None` if the file does not know it.
pub(super) fn before(file: &Connection, deployment: Uuid, now: Timestamp) -> rusqlite::Result<Option<Before>> {
    let facts = "SELECT facts FROM deployment WHERE id = ?";
    let facts =
        file.prepare_cached(facts)?.query_row([deployment.as_bytes()], |row| row.get::<_, String>(0)).optional()?;
    let Some(deployment) = facts.and_then(|facts| serde_json::from_str::<KeptDeployment>(&facts).ok()) else {
        return Ok(None);
    };
    let runs =
        format!("{} WHERE dep.deployment = ? AND dep.waits AND run.ended IS NULL ORDER BY dep.due", journal::SELECT);
    let waiting = file
        .prepare_cached(&runs)?
        .query_map([deployment.id.as_bytes()], |row| kept(file, row))?
        .collect::<rusqlite::Result<_>>()?;
    let gone = "SELECT schedule, due FROM deployment_run WHERE deployment = ? AND NOT waits AND schedule IS NOT NULL AND due > ?";
    let gone = file
        .prepare_cached(gone)?
        .query_map(params![deployment.id.as_bytes(), now.unix_micros()], |row| {
            Ok((Uuid::from_bytes(row.get(0)?), Timestamp::from_unix_micros(row.get(1)?)))
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some(Before { deployment, waiting, gone }))
}

/// Reads the run that was started with an idempotency key.
pub(super) fn started_with(file: &Connection, deployment: Uuid, key: &str) -> rusqlite::Result<Option<KeptRun>> {
    let run = format!("{} WHERE dep.deployment = ? AND dep.key = ?", journal::SELECT);
    file.prepare_cached(&run)?.query_row(params![deployment.as_bytes(), key], |row| kept(file, row)).optional()
}

fn kept(file: &Connection, row: &Row<'_>) -> rusqlite::Result<KeptRun> {
    let run = journal::existing(row)?;
    let states =
        "SELECT state FROM flow_run_state WHERE flow_run = (SELECT number FROM flow_run WHERE id = ?) ORDER BY nth";
    let texts: Vec<String> = file
        .prepare_cached(states)?
        .query_map([run.id.uuid().as_bytes()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let states = texts.iter().filter_map(|text| serde_json::from_str::<StateRow>(text).ok()).map(StateRow::state);
    let mut states: Vec<State> = states.collect();
    if states.is_empty() {
        states.push(run.state.clone());
    }
    Ok(KeptRun {
        states,
        schedule: row.get::<_, Option<[u8; 16]>>("of_schedule")?.map(Uuid::from_bytes),
        due: Timestamp::from_unix_micros(row.get("of_due")?),
        run,
    })
}
