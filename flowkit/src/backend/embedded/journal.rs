//! The calls of resumable flow runs: writing them, and reading them in a later process.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use uuid::Uuid;

use super::rows::{self, StateRow};
use super::statements::Rows;
use crate::backend::Existing;
use crate::background::{Background, Deployment};
use crate::clock::Timestamp;
use crate::codec::ResultCodec;
use crate::id::{FlowRunId, TaskRunId, id_of};
use crate::journals::{Asked, Recorded, Written};
use crate::state::{State, StateName, StateType};

/// What is noted of a call.
#[derive(Debug)]
pub(super) enum Note {
    Asked(Asked),
    Finished(u128, Written),
    Begun(u128, FlowRunId),
}

impl Rows<'_> {
    /// Writes a note.
    pub(super) fn note(&mut self, run: FlowRunId, note: &Note) -> rusqlite::Result<()> {
        let number = self.flow_run(run)?;
        if number == 0 {
            return Ok(());
        }
        match note {
            Note::Asked(asked) => self
                .connection
                .prepare_cached(
                    "INSERT INTO journal(flow_run, slot, within, position, label) VALUES(?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    number,
                    asked.slot.to_be_bytes(),
                    asked.within.to_be_bytes(),
                    asked.position,
                    asked.label
                ])?,
            Note::Finished(slot, value) => self
                .connection
                .prepare_cached("UPDATE journal SET codec = ?3, value = ?4 WHERE flow_run = ?1 AND slot = ?2")?
                .execute(params![number, slot.to_be_bytes(), value.codec.as_str(), value.text])?,
            Note::Begun(slot, subflow) => self
                .connection
                .prepare_cached("UPDATE journal SET subflow = ?3 WHERE flow_run = ?1 AND slot = ?2")?
                .execute(params![number, slot.to_be_bytes(), subflow.uuid().as_bytes()])?,
        };
        Ok(())
    }

    /// Forgets the calls of a run that has ended, and those of its subflows.
    pub(super) fn forget_journal(&self, run: FlowRunId, number: i64) -> rusqlite::Result<()> {
        let resumable: bool = self
            .connection
            .prepare_cached("SELECT resumable FROM flow_run WHERE number = ?")?
            .query_row([number], |row| row.get(0))
            .optional()?
            .unwrap_or(false);
        if resumable {
            self.connection
                .prepare_cached(
                    "DELETE FROM journal WHERE flow_run = ?1
                     OR flow_run IN (SELECT number FROM flow_run WHERE root_flow_run = ?2)",
                )?
                .execute(params![number, run.uuid().as_bytes()])?;
        }
        Ok(())
    }
}

/// Lists the calls of a run.
pub(super) fn read(connection: &Connection, run: FlowRunId) -> rusqlite::Result<Vec<Recorded>> {
    let mut statement = connection.prepare_cached(
        "SELECT slot, within, position, label, codec, value, subflow FROM journal
         WHERE flow_run = (SELECT number FROM flow_run WHERE id = ?) ORDER BY position",
    )?;
    statement
        .query_map([run.uuid().as_bytes()], |row| {
            let codec: Option<String> = row.get("codec")?;
            let value = codec.as_deref().and_then(ResultCodec::named).zip(row.get("value")?);
            Ok(Recorded {
                asked: Asked {
                    slot: u128::from_be_bytes(row.get("slot")?),
                    within: u128::from_be_bytes(row.get("within")?),
                    position: row.get("position")?,
                    label: row.get("label")?,
                },
                value: value.map(|(codec, text)| Written { codec, text }),
                subflow: row.get::<_, Option<[u8; 16]>>("subflow")?.map(|id| Uuid::from_bytes(id).into()),
            })
        })?
        .collect()
}

/// Lists the runs of a flow with these parameters that were left under way, the newest first; no subflow runs.
pub(super) fn interrupted(connection: &Connection, flow: &str, parameters: &Value) -> rusqlite::Result<Vec<Existing>> {
    let query = format!(
        "{SELECT} WHERE ended IS NULL AND state_type = ? AND state_name = ? AND flow.name = ? AND parameters = ?
         AND parent_flow_run IS NULL ORDER BY run.number DESC"
    );
    let of = params![PAUSED, StateName::Interrupted.as_str(), flow, parameters.to_string()];
    connection.prepare_cached(&query)?.query_map(of, existing)?.collect()
}

/// Lists all runs that were left under way, the oldest first; no subflow runs.
pub(super) fn all_interrupted(connection: &Connection) -> rusqlite::Result<Vec<FlowRunId>> {
    let query = "SELECT id FROM flow_run WHERE ended IS NULL AND state_type = ? AND state_name = ?
        AND parent_flow_run IS NULL ORDER BY number";
    let of = params![PAUSED, StateName::Interrupted.as_str()];
    connection.prepare_cached(query)?.query_map(of, |row| Ok(Uuid::from_bytes(row.get(0)?).into()))?.collect()
}

/// Reads a run.
pub(super) fn find(connection: &Connection, run: FlowRunId) -> rusqlite::Result<Option<Existing>> {
    let query = format!("{SELECT} WHERE run.id = ?");
    connection.prepare_cached(&query)?.query_row([run.uuid().as_bytes()], existing).optional()
}

/// What [`existing`] reads, of runs and of the deployments that they may be runs of.
pub(super) const SELECT: &str =
    "SELECT run.id, run.name, flow.name AS flow_name, parameters, tags, parent_flow_run, parent_task_run,
    root_flow_run, scheduled, run_count, dep.deployment AS of_deployment, dep.name AS of_name, dep.version AS of_version,
    dep.schedule AS of_schedule, dep.due AS of_due,
    (SELECT state FROM flow_run_state WHERE flow_run = run.number ORDER BY nth DESC LIMIT 1) AS state
    FROM flow_run AS run JOIN flow ON flow.number = run.flow LEFT JOIN deployment_run AS dep ON dep.flow_run = run.number";

const PAUSED: i64 = rows::number_of(StateType::Paused);

pub(super) fn existing(row: &Row<'_>) -> rusqlite::Result<Existing> {
    let id = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<[u8; 16]>>(column)?.map(Uuid::from_bytes));
    let text = |column| row.get::<_, Option<String>>(column);
    let parse = |column| Ok::<_, rusqlite::Error>(text(column)?.and_then(|text| serde_json::from_str(&text).ok()));
    let flow: String = row.get("flow_name")?;
    let state = text("state")?.and_then(|text| serde_json::from_str::<StateRow>(&text).ok()).map(StateRow::state);
    let tags: Option<Value> = parse("tags")?;
    let parameters: Value = parse("parameters")?.unwrap_or_default();
    let deployment = match (id("of_deployment")?, text("of_name")?) {
        (Some(id), Some(name)) => {
            let version = text("of_version")?;
            Some(Arc::new(Deployment { id, name, version, parameters: parameters.clone() }))
        }
        _ => None,
    };
    Ok(Existing {
        id: id("id")?.unwrap_or_default().into(),
        flow_id: id_of("flow", &flow),
        flow,
        name: row.get("name")?,
        parameters,
        tags: tags.and_then(|tags| serde_json::from_value(tags).ok()).unwrap_or_default(),
        parent_task_run: id("parent_task_run")?.map(TaskRunId::from),
        state: state.unwrap_or_else(|| State::new(StateName::Pending, Timestamp::from_unix_micros(0))),
        step: None,
        background: Background {
            parent_flow_run: id("parent_flow_run")?.map(FlowRunId::from),
            root_flow_run: id("root_flow_run")?.map(FlowRunId::from),
            scheduled: row.get::<_, Option<i64>>("scheduled")?.map(Timestamp::from_unix_micros),
            run_count: row.get("run_count")?,
            deployment,
            ..Background::default()
        },
    })
}
