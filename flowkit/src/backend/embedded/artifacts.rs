//! Artifacts in the file: memory has the newest of this process, and the file follows.

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use uuid::Uuid;

use super::change::Change;
use super::queue::Item;
use super::statements::Rows;
use super::{Embedded, schema};
use crate::artifacts::{Artifact, ArtifactKind, Artifacts, NewArtifact};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{FlowRunId, TaskRunId};

impl Artifacts for Embedded {
    fn create_artifact(&self, new: NewArtifact) -> BoxFuture<'_, Result<Artifact, Error>> {
        let artifact = self.memory.show(new);
        self.queue.push(Item::Change(Change::Artifact(artifact.clone())));
        ready(Ok(artifact)).boxed()
    }

    fn update_artifact<'a>(&'a self, artifact: &'a Artifact, data: Value) -> BoxFuture<'a, Result<(), Error>> {
        let updated = self.memory.change_shown(artifact.id, data.clone());
        let change = Change::Holds { artifact: artifact.id, flow_run: artifact.flow_run_id, data, updated };
        self.queue.push(Item::Change(change));
        ready(Ok(())).boxed()
    }

    fn artifact(&self, key: String) -> BoxFuture<'_, Result<Option<Artifact>, Error>> {
        // Nobody else writes: what this process has made is newer than what is in the file.
        match self.memory.shown(&key) {
            Some(found) => ready(Ok(Some(found))).boxed(),
            None => self.query(move |file| of_key(file, &key)).boxed(),
        }
    }
}

impl Rows<'_> {
    pub(super) fn add_artifact(&mut self, artifact: &Artifact) -> rusqlite::Result<()> {
        let flow_run = artifact.flow_run_id.map_or(Ok(0), |id| self.flow_run(id))?;
        self.connection
            .prepare_cached("INSERT INTO artifact VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")?
            .execute(params![
                flow_run,
                artifact.id.as_bytes(),
                artifact.key,
                artifact.kind.as_str(),
                artifact.description,
                artifact.data.to_string(),
                artifact.task_run_id.map(|id| id.uuid()).as_ref().map(Uuid::as_bytes),
                artifact.created.unix_micros(),
                artifact.updated.unix_micros(),
            ])
            .map(drop)
    }

    pub(super) fn change_artifact(
        &mut self,
        id: Uuid,
        flow_run: Option<FlowRunId>,
        data: &Value,
        updated: Timestamp,
    ) -> rusqlite::Result<()> {
        let flow_run = flow_run.map_or(Ok(0), |id| self.flow_run(id))?;
        self.connection
            .prepare_cached("UPDATE artifact SET data = ?3, updated = ?4 WHERE flow_run = ?1 AND id = ?2")?
            .execute(params![flow_run, id.as_bytes(), data.to_string(), updated.unix_micros()])
            .map(drop)
    }
}

/// Lists the artifacts of a flow run, those of its task runs included, the oldest first; for `None` those outside of flows.
pub(super) fn artifacts(file: &Connection, run: Option<FlowRunId>) -> rusqlite::Result<Vec<Artifact>> {
    if schema::version(file)? < schema::WITH_VARIABLES {
        return Ok(Vec::new());
    }
    let number = "(CASE WHEN ?1 IS NULL THEN 0 ELSE (SELECT number FROM flow_run WHERE id = ?1) END)";
    let query = format!("{SELECT} WHERE artifact.flow_run = {number} ORDER BY artifact.id");
    let mut statement = file.prepare_cached(&query)?;
    statement.query_map(params![run.map(|run| run.uuid().into_bytes())], artifact)?.collect()
}

/// Reads the artifact of a key that was changed last.
pub(super) fn of_key(file: &Connection, key: &str) -> rusqlite::Result<Option<Artifact>> {
    if schema::version(file)? < schema::WITH_VARIABLES {
        return Ok(None);
    }
    let query = format!("{SELECT} WHERE key = ? ORDER BY updated DESC, artifact.id DESC LIMIT 1");
    file.prepare_cached(&query)?.query_row([key], artifact).optional()
}

const SELECT: &str = "SELECT artifact.id, key, type, description, data, task_run, artifact.created, updated,
    flow_run.id AS flow_run_id FROM artifact LEFT JOIN flow_run ON flow_run.number = artifact.flow_run";

fn artifact(row: &Row<'_>) -> rusqlite::Result<Artifact> {
    let moment = |column| row.get(column).map(Timestamp::from_unix_micros);
    let id = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<[u8; 16]>>(column)?.map(Uuid::from_bytes));
    let data: String = row.get("data")?;
    Ok(Artifact {
        id: id("id")?.unwrap_or_default(),
        key: row.get("key")?,
        kind: ArtifactKind::from(row.get::<_, String>("type")?),
        description: row.get("description")?,
        data: serde_json::from_str(&data).unwrap_or(Value::String(data)),
        flow_run_id: id("flow_run_id")?.map(FlowRunId::from),
        task_run_id: id("task_run")?.map(TaskRunId::from),
        created: moment("created")?,
        updated: moment("updated")?,
    })
}
