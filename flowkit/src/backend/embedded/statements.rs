//! Writing rows: one method for each kind of thing that is reported.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::rows::{self, FlowRow, StateRow, TaskRow};
use crate::clock::Timestamp;
use crate::event::LogRecord;
use crate::id::FlowRunId;
use crate::run::{Effort, FlowRun, TaskRun};
use crate::state::State;

/// How many numbers of flow runs are remembered before they are looked up again.
const REMEMBERED: usize = 20_000;

/// The numbers that stand for things in the file, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    flow_runs: HashMap<FlowRunId, i64>,
    last: Option<(FlowRunId, i64)>,
    tasks: HashMap<usize, i64>,
    /// The place of the last log line: they are told apart by their time.
    last_log: i64,
}

/// What writes within one transaction.
pub(super) struct Rows<'a> {
    pub(super) connection: &'a Connection,
    pub(super) numbers: &'a mut Numbers,
    pub(super) epoch: i64,
}

impl Rows<'_> {
    /// Adds a flow run, which has gone on perhaps since it was in this state.
    pub(super) fn add_flow_run(&mut self, run: &FlowRow<'_>, state: &State) -> rusqlite::Result<()> {
        let flow = self.flow(&run.flow, &run.version)?;
        // One whose root is not in the file is its own, for what goes with the root.
        let root = match run.root_flow_run {
            Some(root) if self.flow_run(root.into())? != 0 => Some(root),
            _ => None,
        };
        self.connection
            .prepare_cached(
                "INSERT INTO flow_run(id, flow, name, parameters, tags, retries, parent_flow_run, parent_task_run, root_flow_run,
                    deployment, epoch, resumable, state_type, state_name, message, created, scheduled, run_count)
                 VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
                 ON CONFLICT(id) DO UPDATE SET epoch = excluded.epoch, resumable = excluded.resumable",
            )?
            .execute(params![
                run.id.as_bytes(),
                flow,
                run.name,
                run.parameters,
                run.tags,
                run.retries,
                run.parent_flow_run.as_ref().map(Uuid::as_bytes),
                run.parent_task_run.as_ref().map(Uuid::as_bytes),
                root.as_ref().map(Uuid::as_bytes),
                run.deployment.as_ref().map(Uuid::as_bytes),
                self.epoch,
                run.is_resumable,
                rows::number_of(state.state_type()),
                state.name(),
                state.message(),
                state.timestamp().unix_micros(),
                run.scheduled,
            ])?;
        let number = self.flow_run(run.id.into())?;
        self.add_state(number, state).map(drop)
    }

    /// The number of a flow run; one that was lost with a transaction that came to nothing is added now, and so is one
    /// that was removed since it had ended, and that work has outlived.
    fn known_flow_run(&mut self, run: &FlowRun) -> rusqlite::Result<i64> {
        match self.flow_run(run.id)? {
            0 => {
                let states = run.states();
                let Some(first) = states.first() else { return Ok(0) };
                self.add_flow_run(&FlowRow::of(run, false), first)?;
                if let Some(end) = states.last().filter(|state| state.is_final()) {
                    self.enter(run, end)?;
                }
                self.flow_run(run.id)
            }
            number => Ok(number),
        }
    }

    /// Notes a state that a flow run has entered.
    pub(super) fn enter(&mut self, run: &FlowRun, state: &State) -> rusqlite::Result<()> {
        match self.known_flow_run(run)? {
            0 => Ok(()),
            number => {
                self.begun(number, run, state)?;
                self.note_states(number, &Entered::of(run, state))
            }
        }
    }

    /// Notes the last of the states. Nothing follows a final one, whoever tells so too late.
    pub(super) fn note_states(&mut self, number: i64, entered: &Entered) -> rusqlite::Result<()> {
        let Entered { run, states, run_count, is_top } = entered;
        let Some(state) = states.last() else { return Ok(()) };
        let is_news = if state.is_final() { self.complete(number, states)? } else { self.add_state(number, state)? };
        if !is_news {
            return Ok(());
        }
        let effort = Effort::of(states);
        let ended = state.is_final().then(|| state.timestamp().unix_micros());
        self.connection
            .prepare_cached(
                "UPDATE flow_run SET state_type = ?2, state_name = ?3, message = ?4, started = ?5, ended = ?6, run_count = ?7
                 WHERE number = ?1",
            )?
            .execute(params![
                number,
                rows::number_of(state.state_type()),
                state.name(),
                state.message(),
                effort.start_time.map(Timestamp::unix_micros),
                ended,
                effort.run_count + run_count,
            ])?;
        self.waits_no_longer(number, state)?;
        if ended.is_some() && *is_top {
            self.forget_journal(*run, number)?;
        }
        Ok(())
    }

    /// Makes the states of a run that has ended those that it had in the end: some were told by others, perhaps late.
    /// Tells whether it has ended just now. A run that has been resumed knows only of its states since then.
    fn complete(&self, flow_run: i64, states: &[State]) -> rusqlite::Result<bool> {
        if self.has_ended(flow_run)? {
            return Ok(false);
        }
        let states = states.iter().map(StateRow::text);
        let states: Vec<String> = states.collect();
        let known: Vec<String> = self
            .connection
            .prepare_cached("SELECT state FROM flow_run_state WHERE flow_run = ? ORDER BY nth")?
            .query_map([flow_run], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let before = known.iter().position(|state| states.first() == Some(state)).unwrap_or(known.len());
        let same = known[before..].iter().zip(&states).take_while(|(known, state)| known == state).count();
        self.connection
            .prepare_cached("DELETE FROM flow_run_state WHERE flow_run = ? AND nth >= ?")?
            .execute(params![flow_run, before as i64 + same as i64])?;
        let mut add = self.connection.prepare_cached("INSERT INTO flow_run_state VALUES(?, ?, ?)")?;
        for (nth, state) in states.iter().enumerate().skip(same) {
            add.execute(params![flow_run, before as i64 + nth as i64, state])?;
        }
        Ok(true)
    }

    fn has_ended(&self, flow_run: i64) -> rusqlite::Result<bool> {
        let ended = self
            .connection
            .prepare_cached("SELECT ended IS NOT NULL FROM flow_run WHERE number = ?")?
            .query_row([flow_run], |row| row.get(0))
            .optional()?;
        Ok(ended.unwrap_or(false))
    }

    /// Appends a state unless it is the last one already, or that is a final one; tells whether it has.
    pub(super) fn add_state(&mut self, flow_run: i64, state: &State) -> rusqlite::Result<bool> {
        let text = StateRow::text(state);
        let last: Option<(i64, String)> = self
            .connection
            .prepare_cached("SELECT nth, state FROM flow_run_state WHERE flow_run = ? ORDER BY nth DESC LIMIT 1")?
            .query_row([flow_run], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if last.as_ref().is_some_and(|(_, known)| *known == text) || self.has_ended(flow_run)? {
            return Ok(false);
        }
        let nth = last.map_or(0, |(nth, _)| nth + 1);
        self.connection
            .prepare_cached("INSERT INTO flow_run_state VALUES(?, ?, ?)")?
            .execute(params![flow_run, nth, text])?;
        Ok(true)
    }

    /// Writes a task run as it is now, unless it has gone on since; tells whether it has written it.
    pub(super) fn put_task_run(&mut self, run: &TaskRun, index: usize) -> rusqlite::Result<bool> {
        TaskRow::now(run, index).map_or(Ok(false), |row| self.put_row_of(run, &row).map(|()| true))
    }

    /// Writes a task run that has gone on, and does not tell so in the same transaction.
    pub(super) fn put_task_run_ahead(&mut self, run: &TaskRun) -> rusqlite::Result<()> {
        TaskRow::last(run).map_or(Ok(()), |row| self.put_row_of(run, &row))
    }

    fn put_row_of(&mut self, run: &TaskRun, row: &TaskRow<'_>) -> rusqlite::Result<()> {
        let flow_run = run.flow_run.as_ref().map_or(Ok(0), |flow_run| self.known_flow_run(flow_run))?;
        let address = std::ptr::from_ref(run.def).addr();
        let task = match self.numbers.tasks.get(&address) {
            Some(number) => *number,
            None => {
                let number = self.task(run.def.key, run.def.name)?;
                self.numbers.tasks.insert(address, number);
                number
            }
        };
        self.put_task_row(flow_run, task, row)
    }

    /// Writes the row of a task run.
    pub(super) fn put_task_row(&self, flow_run: i64, task: i64, row: &TaskRow<'_>) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO task_run(flow_run, id, task, state_type, state_name, message, created, started, ended, run_count,
                    spent, name, parent, tags, inputs, states)
                 VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT(flow_run, id) DO UPDATE SET state_type = excluded.state_type, state_name = excluded.state_name,
                    message = excluded.message, started = excluded.started, ended = excluded.ended,
                    run_count = excluded.run_count, spent = excluded.spent, name = excluded.name, inputs = excluded.inputs,
                    states = excluded.states",
            )?
            .execute(params![
                flow_run,
                row.id.as_bytes(),
                task,
                row.state_type,
                row.state_name,
                row.message,
                row.created,
                row.started,
                row.ended,
                row.run_count,
                row.spent,
                row.name,
                row.parent.as_ref().map(Uuid::as_bytes),
                row.tags,
                row.inputs,
                row.states,
            ])?;
        Ok(())
    }

    /// Adds a log line. Two of one moment get places one after the other.
    pub(super) fn add_log(&mut self, record: &LogRecord) -> rusqlite::Result<()> {
        let flow_run = record.flow_run_id.map_or(Ok(0), |id| self.flow_run(id))?;
        let at = record.timestamp.unix_micros().max(self.numbers.last_log + 1);
        self.numbers.last_log = at;
        let task_run = record.task_run_id.map(|id| id.uuid());
        let task_run = task_run.as_ref().map(uuid::Uuid::as_bytes);
        let line = params![flow_run, at, task_run, record.level as i64, record.message];
        let added = self
            .connection
            .prepare_cached("INSERT INTO log VALUES(?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")?
            .execute(line)?;
        if added == 0 {
            // The clock was set back since an earlier process wrote: after all that there is.
            self.numbers.last_log = self
                .connection
                .prepare_cached("SELECT MAX(at) + 1 FROM log WHERE flow_run = ?")?
                .query_row([flow_run], |row| row.get(0))?;
            let line = params![flow_run, self.numbers.last_log, task_run, record.level as i64, record.message];
            self.connection.prepare_cached("INSERT INTO log VALUES(?, ?, ?, ?, ?)")?.execute(line)?;
        }
        Ok(())
    }

    pub(super) fn flow(&self, name: &str, version: &str) -> rusqlite::Result<i64> {
        self.connection
            .prepare_cached(
                "INSERT INTO flow(name, version) VALUES(?, ?) ON CONFLICT DO UPDATE SET name = name RETURNING number",
            )?
            .query_row([name, version], |row| row.get(0))
    }

    pub(super) fn task(&self, key: &str, name: &str) -> rusqlite::Result<i64> {
        self.connection
            .prepare_cached("INSERT INTO task(key, name) VALUES(?, ?) ON CONFLICT DO UPDATE SET name = excluded.name RETURNING number")?
            .query_row([key, name], |row| row.get(0))
    }

    /// The number of a flow run; 0 stands for none, and for one that the file does not know.
    pub(super) fn flow_run(&mut self, id: FlowRunId) -> rusqlite::Result<i64> {
        if let Some((known, number)) = self.numbers.last
            && known == id
        {
            return Ok(number);
        }
        let number = match self.numbers.flow_runs.get(&id) {
            Some(number) => *number,
            None => {
                let found = self
                    .connection
                    .prepare_cached("SELECT number FROM flow_run WHERE id = ?")?
                    .query_row([id.uuid().as_bytes()], |row| row.get(0))
                    .optional()?;
                let Some(number) = found else { return Ok(0) };
                if self.numbers.flow_runs.len() >= REMEMBERED {
                    self.numbers.flow_runs.clear();
                }
                self.numbers.flow_runs.insert(id, number);
                number
            }
        };
        self.numbers.last = Some((id, number));
        Ok(number)
    }
}

/// The states that a flow run has been through so far.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) run: FlowRunId,
    pub(super) states: Vec<State>,
    /// How often it was begun by earlier processes.
    pub(super) run_count: u32,
    /// Whether it is no subflow.
    pub(super) is_top: bool,
}

impl Entered {
    pub(super) fn of(run: &FlowRun, state: &State) -> Self {
        let background = &run.background;
        let is_top = background.root_flow_run.is_none();
        Self { run: run.id, states: states_at(run, state), run_count: background.run_count, is_top }
    }
}

/// The states of the run up to this one: it may have gone on, or not have taken note of it yet.
fn states_at(run: &FlowRun, state: &State) -> Vec<State> {
    let mut states = run.states();
    match states.iter().position(|known| known == state) {
        Some(position) => states.truncate(position + 1),
        None => states.push(state.clone()),
    }
    states
}

impl Numbers {
    /// Forgets a flow run that is not in the file any longer: another one may get its number.
    pub(super) fn remove(&mut self, flow_run: FlowRunId) {
        self.flow_runs.remove(&flow_run);
        self.last = self.last.filter(|(known, _)| *known != flow_run);
    }

    /// Forgets what was learnt in a transaction that came to nothing.
    pub(super) fn forget(&mut self) {
        *self = Self { last_log: self.last_log, ..Self::default() };
    }
}
