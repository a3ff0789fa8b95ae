//! Deployments and the runs of them that have not begun: what is written of them, as plain data.

use std::fmt;
use std::sync::Arc;

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::queue::{Item, Queue};
use super::rows::{self, StateRow};
use super::statements::Rows;
use crate::clock::Timestamp;
use crate::deploy::{Cause, Keeper, KeptDeployment};
use crate::id::{FlowRunId, TaskRunId};
use crate::run::FlowRun;
use crate::state::{State, StateType};

/// What is kept of deployments.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Kept {
    /// A deployment is so from now on.
    Deployment(Box<KeptDeployment>),
    /// A run waits.
    Waits(Box<Waits>),
    /// A run that had not begun is not to be.
    Forgotten(FlowRunId),
}

/// A run that waits to begin.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Waits {
    id: FlowRunId,
    flow: String,
    flow_version: String,
    name: String,
    parameters: Value,
    tags: Vec<String>,
    parent_flow_run: Option<FlowRunId>,
    parent_task_run: Option<TaskRunId>,
    root_flow_run: Option<FlowRunId>,
    deployment: Uuid,
    deployment_name: String,
    deployment_version: Option<String>,
    schedule: Option<Uuid>,
    key: Option<String>,
    due: Timestamp,
    state: StateRow,
}

impl Waits {
    /// `None` for a run that is none of a deployment.
    fn of(run: &FlowRun, due: Timestamp, cause: Cause<'_>) -> Option<Self> {
        let deployment = run.background.deployment.as_ref()?;
        Some(Self {
            id: run.id,
            flow: run.def.name.to_owned(),
            flow_version: run.def.version.to_owned(),
            name: run.name.clone(),
            parameters: run.parameters.clone(),
            tags: run.tags.clone(),
            parent_flow_run: run.background.parent_flow_run,
            parent_task_run: run.parent_task_run,
            root_flow_run: run.background.root_flow_run,
            deployment: deployment.id,
            deployment_name: deployment.name.clone(),
            deployment_version: deployment.version.clone(),
            schedule: cause.schedule,
            key: cause.key.map(ToOwned::to_owned),
            due,
            state: StateRow::of(&run.state()),
        })
    }
}

/// Has what memory tells of deployments be written.
pub(super) struct Keeping(pub(super) Arc<Queue>);

impl fmt::Debug for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeping").finish_non_exhaustive()
    }
}

impl Keeper for Keeping {
    fn deployment(&self, deployment: KeptDeployment) {
        self.0.push(Item::Kept(Kept::Deployment(Box::new(deployment))));
    }

    fn waits(&self, run: &Arc<FlowRun>, due: Timestamp, cause: Cause<'_>) {
        if let Some(waits) = Waits::of(run, due, cause) {
            self.0.push(Item::Kept(Kept::Waits(Box::new(waits))));
        }
    }

    fn entered(&self, run: &Arc<FlowRun>, state: &State) {
        self.0.push(Item::FlowState(Arc::clone(run), state.clone()));
    }

    fn forgotten(&self, run: FlowRunId) {
        self.0.push(Item::Kept(Kept::Forgotten(run)));
    }
}

impl Rows<'_> {
    pub(super) fn keep(&mut self, kept: &Kept) -> rusqlite::Result<()> {
        match kept {
            Kept::Deployment(deployment) => self.put_deployment(deployment),
            Kept::Waits(waits) => self.put_waiting(waits),
            Kept::Forgotten(run) => self.forget_waiting(*run),
        }
    }

    fn put_deployment(&self, deployment: &KeptDeployment) -> rusqlite::Result<()> {
        let facts = serde_json::to_string(deployment).unwrap_or_default();
        self.connection
            .prepare_cached(
                "INSERT INTO deployment(id, flow, name, facts) VALUES(?, ?, ?, ?)
                 ON CONFLICT(id) DO UPDATE SET facts = excluded.facts",
            )?
            .execute(params![deployment.id.as_bytes(), deployment.flow, deployment.name, facts])?;
        Ok(())
    }

    /// Adds a run that waits, or has this process be the one that knows of it.
    fn put_waiting(&mut self, waits: &Waits) -> rusqlite::Result<()> {
        let flow = self.flow(&waits.flow, &waits.flow_version)?;
        // One whose root is not in the file is its own, for what goes with the root.
        let root = match waits.root_flow_run {
            Some(root) if self.flow_run(root)? != 0 => Some(root.uuid().into_bytes()),
            _ => None,
        };
        let state = waits.state.clone().state();
        self.connection
            .prepare_cached(
                "INSERT INTO flow_run(id, flow, name, parameters, tags, retries, parent_flow_run, parent_task_run, root_flow_run,
                    deployment, epoch, resumable, state_type, state_name, message, created, scheduled, run_count)
                 VALUES(?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, 0)
                 ON CONFLICT(id) DO UPDATE SET epoch = excluded.epoch",
            )?
            .execute(params![
                waits.id.uuid().as_bytes(),
                flow,
                waits.name,
                waits.parameters.to_string(),
                rows::tags(&waits.tags),
                waits.parent_flow_run.map(|id| id.uuid().into_bytes()),
                waits.parent_task_run.map(|id| id.uuid().into_bytes()),
                root,
                waits.deployment.as_bytes(),
                self.epoch,
                rows::number_of(state.state_type()),
                state.name(),
                state.message(),
                state.timestamp().unix_micros(),
                waits.due.unix_micros(),
            ])?;
        let number = self.flow_run(waits.id)?;
        self.add_state(number, &state)?;
        self.connection
            .prepare_cached(
                "INSERT INTO deployment_run(flow_run, deployment, name, version, schedule, due, waits, key)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, (SELECT ended IS NULL FROM flow_run WHERE number = ?1), ?7)
                 ON CONFLICT(flow_run) DO UPDATE SET schedule = excluded.schedule, key = COALESCE(key, excluded.key)
                 ON CONFLICT(deployment, key) WHERE key IS NOT NULL DO UPDATE SET flow_run = excluded.flow_run,
                    schedule = excluded.schedule, due = excluded.due, waits = excluded.waits",
            )?
            .execute(params![
                number,
                waits.deployment.as_bytes(),
                waits.deployment_name,
                waits.deployment_version,
                waits.schedule.map(Uuid::into_bytes),
                waits.due.unix_micros(),
                waits.key,
            ])?;
        Ok(())
    }

    /// Removes a run, unless it has begun.
    fn forget_waiting(&mut self, run: FlowRunId) -> rusqlite::Result<()> {
        let number = self.flow_run(run)?;
        let waits = "DELETE FROM deployment_run WHERE flow_run = ? AND waits";
        if self.connection.prepare_cached(waits)?.execute([number])? > 0 {
            for rows in ["DELETE FROM flow_run_state WHERE flow_run = ?", "DELETE FROM flow_run WHERE number = ?"] {
                self.connection.prepare_cached(rows)?.execute([number])?;
            }
            self.numbers.remove(run);
        }
        Ok(())
    }

    /// From when a run of a deployment has begun it is what the program has made of it: what it was started with is not
    /// needed again.
    pub(super) fn begun(&mut self, number: i64, run: &FlowRun, state: &State) -> rusqlite::Result<()> {
        if run.background.deployment.is_none() || !self.waits_no_longer(number, state)? {
            return Ok(());
        }
        let flow = self.flow(run.def.name, run.def.version)?;
        self.connection
            .prepare_cached(
                "UPDATE flow_run SET flow = ?2, name = ?3, parameters = ?4, retries = ?5 WHERE number = ?1",
            )?
            .execute(params![number, flow, run.name, run.parameters.to_string(), run.retries])?;
        Ok(())
    }

    /// Takes note that a run does not wait if it runs or is not to be; tells whether it did until now.
    pub(super) fn waits_no_longer(&mut self, number: i64, state: &State) -> rusqlite::Result<bool> {
        let is_over = state.is_final() || matches!(state.state_type(), StateType::Running | StateType::Cancelling);
        let waits = "UPDATE deployment_run SET waits = 0 WHERE flow_run = ? AND waits";
        Ok(is_over && self.connection.prepare_cached(waits)?.execute([number])? > 0)
    }
}

/// Has the runs wait again that an earlier process had claimed and not begun.
pub(super) fn put_back(file: &rusqlite::Connection, now: Timestamp) -> rusqlite::Result<()> {
    let claimed = "SELECT number, due FROM deployment_run JOIN flow_run ON number = flow_run
        WHERE waits AND ended IS NULL AND state_type = ? LIMIT 1";
    let pending = rows::number_of(StateType::Pending);
    while let Some((run, due)) =
        file.prepare_cached(claimed)?.query_row([pending], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).optional()?
    {
        let why = "The process that had claimed it is gone, and it had not begun.";
        let state = State::new(crate::state::StateName::Scheduled, now)
            .with_message(why)
            .with_scheduled_time(Timestamp::from_unix_micros(due));
        file.execute(
            "UPDATE flow_run SET state_type = ?2, state_name = ?3, message = ?4 WHERE number = ?1",
            params![run, rows::number_of(state.state_type()), state.name(), why],
        )?;
        file.execute(
            "INSERT INTO flow_run_state SELECT ?1, COALESCE(MAX(nth) + 1, 0), ?2 FROM flow_run_state WHERE flow_run = ?1",
            params![run, serde_json::to_string(&StateRow::of(&state)).unwrap_or_default()],
        )?;
        // That it runs was decided when it was claimed, as if somebody had started it.
        file.execute("UPDATE deployment_run SET schedule = NULL WHERE flow_run = ?", [run])?;
    }
    Ok(())
}

/// What tells the runs that wait from those that an earlier process has left under way.
pub(super) const WAITS: &str =
    "EXISTS (SELECT 1 FROM deployment_run WHERE deployment_run.flow_run = flow_run.number AND waits)";
