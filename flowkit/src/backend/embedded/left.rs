//! What an earlier process left under way: only one writes at a time, so it is gone.

use rusqlite::{Connection, params};

use super::rows::{self, StateRow};
use crate::clock::Timestamp;
use crate::state::{State, StateName, StateType};

/// Says why, as the runner of deployments does.
const WHY: &str = "The process that ran it is gone, and has not told how it ended.";

/// Notes all runs of earlier processes that have not ended as crashed; returns the names of the flow runs.
pub(super) fn crash(connection: &Connection, epoch: i64, now: Timestamp) -> rusqlite::Result<Vec<String>> {
    let transaction = connection.unchecked_transaction()?;
    let mut open: Vec<(i64, String)> = Vec::new();
    {
        let query = "SELECT number, name FROM flow_run WHERE ended IS NULL AND epoch < ? ORDER BY number";
        let mut statement = transaction.prepare(query)?;
        for row in statement.query_map([epoch], |row| Ok((row.get(0)?, row.get(1)?)))? {
            open.push(row?);
        }
    }
    let crashed = State::new(StateName::Crashed, now).with_message(WHY);
    let text = serde_json::to_string(&StateRow::of(&crashed)).unwrap_or_default();
    let (number, at) = (rows::number_of(StateType::Crashed), now.unix_micros());
    for (run, _) in &open {
        transaction.execute(
            "UPDATE flow_run SET state_type = ?2, state_name = ?3, message = ?4, ended = ?5, epoch = ?6 WHERE number = ?1",
            params![run, number, crashed.name(), WHY, at, epoch],
        )?;
        transaction.execute(
            "INSERT INTO flow_run_state SELECT ?1, COALESCE(MAX(nth) + 1, 0), ?2 FROM flow_run_state WHERE flow_run = ?1",
            params![run, text],
        )?;
        transaction.execute(
            "UPDATE task_run SET state_type = ?2, state_name = NULL, message = ?3, ended = ?4,
                states = json_insert(states, '$[#]', json(?5)) WHERE flow_run = ?1 AND ended IS NULL",
            params![run, number, WHY, at, text],
        )?;
    }
    transaction.commit()?;
    Ok(open.into_iter().map(|(_, name)| name).collect())
}
