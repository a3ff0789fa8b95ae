//! What an earlier process left under way: only one writes at a time, so it is gone.

use rusqlite::{Connection, params};

use super::kept::{self, WAITS};
use super::rows::{self, StateRow};
use crate::clock::Timestamp;
use crate::state::{State, StateName, StateType};

/// Says why, as the runner of deployments does.
const WHY: &str = "The process that ran it is gone, and has not told how it ended.";

/// The flow runs that an earlier process left under way, by their names.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Those that have ended by that.
    pub(super) crashed: Vec<String>,
    /// Those that can be resumed.
    pub(super) interrupted: Vec<String>,
}

/// Notes all runs of earlier processes that have not ended: as crashed, or as interrupted if they can be resumed.
pub(super) fn settle(connection: &Connection, epoch: i64, now: Timestamp) -> rusqlite::Result<Left> {
    let transaction = connection.unchecked_transaction()?;
    let mut open: Vec<(i64, String, bool)> = Vec::new();
    {
        // Of those that wait, none had begun.
        let query = format!(
            "SELECT number, name, resumable FROM flow_run WHERE ended IS NULL AND epoch < ? AND NOT {WAITS} ORDER BY number"
        );
        let mut statement = transaction.prepare(&query)?;
        for row in statement.query_map([epoch], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))? {
            open.push(row?);
        }
    }
    let why = |name| State::new(name, now).with_message(WHY);
    let (crashed, interrupted) = (why(StateName::Crashed), why(StateName::Interrupted));
    let at = now.unix_micros();
    for (run, _, resumable) in &open {
        let state = if *resumable { &interrupted } else { &crashed };
        let number = rows::number_of(state.state_type());
        transaction.execute(
            "UPDATE flow_run SET state_type = ?2, state_name = ?3, message = ?4, ended = ?5, epoch = ?6 WHERE number = ?1",
            params![run, number, state.name(), WHY, state.is_final().then_some(at), epoch],
        )?;
        transaction.execute(
            "INSERT INTO flow_run_state SELECT ?1, COALESCE(MAX(nth) + 1, 0), ?2 FROM flow_run_state WHERE flow_run = ?1",
            params![run, StateRow::text(state)],
        )?;
    }
    kept::put_back(&transaction, now)?;
    // Those that outlived their flow runs too, and those outside of flows.
    transaction.execute(
        "UPDATE task_run SET state_type = ?1, state_name = NULL, message = ?2, ended = ?3,
            states = json_insert(states, '$[#]', json(?4)) WHERE ended IS NULL",
        params![rows::number_of(StateType::Crashed), WHY, at, StateRow::text(&crashed)],
    )?;
    transaction.commit()?;
    let mut left = Left::default();
    for (_, name, resumable) in open {
        if resumable { left.interrupted.push(name) } else { left.crashed.push(name) }
    }
    Ok(left)
}
