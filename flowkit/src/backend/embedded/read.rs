//! Reading runs back, beside whoever writes.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::types::Value as Column;
use rusqlite::{Connection, Row, params, params_from_iter};
use serde_json::Value;
use uuid::Uuid;

use super::rows::{self, StateRow, states_of};
use super::{artifacts, open, slots, variables};
use crate::artifacts::Artifact;
use crate::clock::{self, Timestamp};
use crate::error::{Error, ErrorKind};
use crate::event::{Level, LogRecord};
use crate::id::{FlowRunId, TaskRunId};
use crate::run::{Effort, lock};
use crate::run_record::{FlowRunFilter, FlowRunRecord, TaskRunRecord};
use crate::schedule::ON_TIME;
use crate::slots::ConcurrencyLimit;
use crate::state::{State, StateName, StateType};
use crate::variables::Variable;

/// Reads a file that any process may be writing.
#[derive(Debug)]
pub(crate) struct Reader(Mutex<Connection>);

impl Reader {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        open::open_to_read(path).map(|connection| Self(Mutex::new(connection)))
    }

    pub(crate) fn flow_runs(&self, filter: &FlowRunFilter) -> Result<Vec<FlowRunRecord>, Error> {
        let mut conditions = vec!["1"];
        let mut values: Vec<Column> = Vec::new();
        if let Some(id) = filter.id {
            conditions.push("run.id = ?");
            values.push(id.uuid().as_bytes().to_vec().into());
        }
        if let Some(flow) = &filter.flow {
            conditions.push("flow.name = ?");
            values.push(flow.clone().into());
        }
        let types = vec!["?"; filter.states.len()].join(", ");
        let types = format!("run.state_type IN ({types})");
        if !filter.states.is_empty() {
            conditions.push(&types);
            values.extend(filter.states.iter().map(|state| Column::from(rows::number_of(*state))));
        }
        values.extend([filter.limit.into(), filter.offset.into()]);
        let query = format!(
            "SELECT run.id, flow.name AS flow_name, flow.version, run.name, parameters, tags, retries, parent_flow_run,
                parent_task_run, deployment, scheduled, created, started, ended, run_count,
                (SELECT state FROM flow_run_state WHERE flow_run = run.number ORDER BY nth DESC LIMIT 1) AS state
             FROM flow_run AS run JOIN flow ON flow.number = run.flow WHERE {} ORDER BY run.number DESC LIMIT ? OFFSET ?",
            conditions.join(" AND ")
        );
        self.list(&query, params_from_iter(values), flow_run)
    }

    pub(crate) fn flow_run_states(&self, run: FlowRunId) -> Result<Vec<State>, Error> {
        let query =
            "SELECT state FROM flow_run_state WHERE flow_run = (SELECT number FROM flow_run WHERE id = ?) ORDER BY nth";
        self.list(query, [run.uuid().as_bytes()], |row| state(row, "state"))
    }

    pub(crate) fn task_runs(&self, run: Option<FlowRunId>) -> Result<Vec<TaskRunRecord>, Error> {
        let query = format!(
            "SELECT task_run.id, task.key, task.name AS task_name, task_run.name, parent, tags, inputs, states, state_type,
                state_name, message, created, started, ended, run_count, spent
             FROM task_run JOIN task ON task.number = task_run.task WHERE flow_run = {NUMBER} ORDER BY task_run.id"
        );
        self.list(&query, params![run.map(|run| run.uuid().into_bytes())], |row| task_run(row, run))
    }

    pub(crate) fn logs(&self, run: Option<FlowRunId>) -> Result<Vec<LogRecord>, Error> {
        let query = format!("SELECT at, task_run, level, message FROM log WHERE flow_run = {NUMBER} ORDER BY at");
        self.list(&query, params![run.map(|run| run.uuid().into_bytes())], |row| {
            Ok(LogRecord {
                level: level(row.get("level")?),
                message: row.get("message")?,
                timestamp: Timestamp::from_unix_micros(row.get("at")?),
                flow_run_id: run,
                task_run_id: id(row, "task_run")?.map(TaskRunId::from),
            })
        })
    }

    pub(crate) fn variables(&self) -> Result<Vec<Variable>, Error> {
        variables::variables(&lock(&self.0)).map_err(unread)
    }

    pub(crate) fn limits(&self) -> Result<Vec<ConcurrencyLimit>, Error> {
        slots::limits(&lock(&self.0)).map_err(unread)
    }

    pub(crate) fn artifacts(&self, run: Option<FlowRunId>) -> Result<Vec<Artifact>, Error> {
        artifacts::artifacts(&lock(&self.0), run).map_err(unread)
    }

    pub(crate) fn artifact(&self, key: &str) -> Result<Option<Artifact>, Error> {
        artifacts::of_key(&lock(&self.0), key).map_err(unread)
    }

    fn list<T>(
        &self,
        query: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Error> {
        let connection = lock(&self.0);
        let listed = connection
            .prepare_cached(query)
            .and_then(|mut statement| statement.query_map(values, read)?.collect::<rusqlite::Result<Vec<T>>>());
        listed.map_err(unread)
    }
}

fn unread(error: rusqlite::Error) -> Error {
    Error::new(ErrorKind::Backend, "the database cannot be read").with_source(error)
}

/// What stands for the flow run with the id that is the only value; 0 for none.
const NUMBER: &str = "(CASE WHEN ?1 IS NULL THEN 0 ELSE (SELECT number FROM flow_run WHERE id = ?1) END)";

fn flow_run(row: &Row<'_>) -> rusqlite::Result<FlowRunRecord> {
    Ok(FlowRunRecord {
        id: id(row, "id")?.unwrap_or_default().into(),
        flow_name: row.get("flow_name")?,
        flow_version: row.get("version")?,
        name: row.get("name")?,
        parameters: json(row, "parameters")?,
        tags: tags(row)?,
        retries: row.get("retries")?,
        parent_flow_run_id: id(row, "parent_flow_run")?.map(FlowRunId::from),
        parent_task_run_id: id(row, "parent_task_run")?.map(TaskRunId::from),
        deployment_id: id(row, "deployment")?,
        scheduled_start_time: time(row, "scheduled")?,
        state: shown(state(row, "state")?, time(row, "scheduled")?),
        created: time(row, "created")?.unwrap_or(Timestamp::from_unix_micros(0)),
        start_time: time(row, "started")?,
        end_time: time(row, "ended")?,
        run_count: row.get("run_count")?,
    })
}

fn task_run(row: &Row<'_>, flow_run_id: Option<FlowRunId>) -> rusqlite::Result<TaskRunRecord> {
    let created = row.get("created")?;
    let (started, ended): (Option<i64>, Option<i64>) = (row.get("started")?, row.get("ended")?);
    let state_type = rows::type_of(row.get("state_type")?).unwrap_or(StateType::Pending);
    let name: Option<String> = row.get("state_name")?;
    let at = Timestamp::from_unix_micros(ended.or(started).unwrap_or(created));
    let mut last = State::named(state_type, name.as_deref().unwrap_or(plain_name(state_type)), at);
    if let Some(message) = row.get::<_, Option<String>>("message")? {
        last = last.with_message(message);
    }
    let written: Option<String> = row.get("states")?;
    let states =
        states_of(written.as_deref(), last, created, started).map_err(|error| damaged(row, "states", error))?;
    let run = TaskRunId::from(id(row, "id")?.unwrap_or_default());
    let (task_name, name): (String, Option<String>) = (row.get("task_name")?, row.get("name")?);
    let mut effort = Effort::of(&states);
    effort.run_count = row.get("run_count")?;
    effort.total_run_time = Duration::from_micros(u64::try_from(row.get::<_, i64>("spent")?).unwrap_or(0));
    Ok(TaskRunRecord {
        id: run,
        flow_run_id,
        name: name.unwrap_or_else(|| run.default_name(&task_name)),
        task_name,
        task_key: row.get("key")?,
        parent_task_run_id: id(row, "parent")?.map(TaskRunId::from),
        tags: tags(row)?,
        inputs: json(row, "inputs")?,
        states,
        effort,
    })
}

/// The name that a state of the type has if nobody gave it another one.
fn plain_name(state_type: StateType) -> &'static str {
    match state_type {
        StateType::Scheduled => "Scheduled",
        StateType::Pending => "Pending",
        StateType::Running => "Running",
        StateType::Completed => "Completed",
        StateType::Failed => "Failed",
        StateType::Cancelled => "Cancelled",
        StateType::Crashed => "Crashed",
        StateType::Paused => "Paused",
        StateType::Cancelling => "Cancelling",
    }
}

fn id(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Uuid>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(Uuid::from_bytes))
}

fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_unix_micros))
}

fn json(row: &Row<'_>, column: &str) -> rusqlite::Result<Value> {
    let text: Option<String> = row.get(column)?;
    text.map_or(Ok(Value::Null), |text| serde_json::from_str(&text).map_err(|error| damaged(row, column, error)))
}

fn tags(row: &Row<'_>) -> rusqlite::Result<Vec<String>> {
    let text: Option<String> = row.get("tags")?;
    text.map_or(Ok(Vec::new()), |text| serde_json::from_str(&text).map_err(|error| damaged(row, "tags", error)))
}

fn state(row: &Row<'_>, column: &str) -> rusqlite::Result<State> {
    let text: String = row.get(column)?;
    let state: StateRow = serde_json::from_str(&text).map_err(|error| damaged(row, column, error))?;
    Ok(state.state())
}

/// A scheduled run that is late is shown so, as a Prefect server calls it.
fn shown(state: State, due: Option<Timestamp>) -> State {
    match due.filter(|due| state.is(StateName::Scheduled) && clock::now().since(*due) > ON_TIME) {
        Some(due) => State::new(StateName::Late, state.timestamp()).with_scheduled_time(due),
        None => state,
    }
}

fn damaged(row: &Row<'_>, column: &str, error: serde_json::Error) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or(0);
    rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error))
}

pub(super) fn level(number: i64) -> Level {
    match number {
        ..=5 => Level::Trace,
        6..=10 => Level::Debug,
        11..=20 => Level::Info,
        21..=30 => Level::Warning,
        _ => Level::Error,
    }
}
