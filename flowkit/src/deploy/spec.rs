//! All that is known of a deployment before it is registered. Plain data.

use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::def::FlowDef;
use crate::error::Error;
use crate::id::id_of;
use crate::schedule::{Schedule, moment};
use crate::trigger::DeploymentTrigger;

/// A deployment as it is to be.
#[derive(Clone, Debug)]
pub(crate) struct DeploymentSpec {
    pub(crate) flow: &'static str,
    /// The flow itself, if it is one of this program's.
    pub(crate) own: Option<OwnFlow>,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) version: VersionInfo,
    pub(crate) tags: Vec<String>,
    pub(crate) parameters: Map<String, Value>,
    /// The JSON schema of the parameters.
    pub(crate) schema: Map<String, Value>,
    pub(crate) enforce_schema: bool,
    pub(crate) schedules: Vec<ScheduleSpec>,
    pub(crate) paused: bool,
    pub(crate) triggers: Vec<DeploymentTrigger>,
    pub(crate) concurrency: Option<Concurrency>,
    pub(crate) job_variables: Map<String, Value>,
    pub(crate) work_pool: Option<String>,
    pub(crate) work_queue: Option<String>,
    /// The program and the function of the flow: `etl:load`.
    pub(crate) entrypoint: String,
}

impl DeploymentSpec {
    /// The id, where no server gives one. It follows from the names.
    pub(crate) fn own_id(&self) -> Uuid {
        id_of("deployment", &self.full_name())
    }

    /// The names of the flow and of the deployment.
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.flow, self.name)
    }
}

/// A flow of this program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnFlow {
    pub(crate) def: &'static FlowDef,
    /// Checks parameters against the types of the flow; the flow's others need not be given.
    pub(crate) check: fn(&Map<String, Value>, &FlowDef) -> Result<(), Error>,
}

/// What Prefect calls the moment from which an interval is counted.
const ANCHOR: &str = "anchor_date";

/// When runs are made by themselves.
#[derive(Clone, Debug)]
pub(crate) struct ScheduleSpec {
    /// The schedule itself, which knows its dates and what becomes of those that are missed.
    pub(crate) schedule: Schedule,
    /// `cron`, `interval` or `rrule` with its own fields, in Prefect's form.
    pub(crate) rule: Map<String, Value>,
    pub(crate) active: bool,
    pub(crate) max_scheduled_runs: Option<u32>,
    pub(crate) parameters: Map<String, Value>,
    /// Names the schedule within the deployment.
    pub(crate) slug: Option<String>,
    /// The slug that it had before.
    pub(crate) replaces: Option<String>,
    /// Whether the program leaves it open from when on an interval is counted.
    pub(crate) is_unanchored: bool,
}

impl ScheduleSpec {
    /// Takes a schedule apart, with the help of its form in Prefect. An interval without an anchor is counted from `now`.
    pub(crate) fn new(schedule: &Schedule, mut json: Value, now: Timestamp) -> Self {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let text = |value: Value| value.as_str().map(ToOwned::to_owned);
        Self {
            schedule: schedule.clone().anchored(now),
            is_unanchored: schedule.is_unanchored(),
            rule: object(json["schedule"].take()),
            active: json["active"].as_bool().unwrap_or(true),
            max_scheduled_runs: json["max_scheduled_runs"].as_u64().and_then(|runs| u32::try_from(runs).ok()),
            parameters: object(json["parameters"].take()),
            slug: text(json["slug"].take()),
            replaces: text(json["replaces"].take()),
        }
    }

    /// Has an interval whose anchor the program leaves open be counted as it was before, if it is the same interval: else a
    /// program that starts more often than that would never come to run it.
    pub(crate) fn anchor_as(&mut self, before: &Map<String, Value>) {
        let every = |rule: &Map<String, Value>| rule.get("interval").and_then(Value::as_f64);
        if let Some(anchor) = before.get(ANCHOR)
            && self.is_unanchored
            && every(before) == every(&self.rule)
            && let Some(Ok(moment)) = anchor.as_str().map(moment)
        {
            self.schedule = self.schedule.clone().anchor(moment);
            self.rule.insert(ANCHOR.to_owned(), anchor.clone());
        }
    }
}

/// Where the version comes from.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct VersionInfo {
    /// `prefect:simple`, `vcs:git`, `vcs:github` and so on.
    pub(crate) kind: &'static str,
    pub(crate) version: String,
    /// What the kind adds, such as the commit.
    pub(crate) more: Map<String, Value>,
}

/// How many runs there may be at the same time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Concurrency {
    pub(crate) limit: u32,
    /// `None` leaves it to the server, which lets runs wait.
    pub(crate) collision: Option<Collision>,
    /// How long the infrastructure of a run may take to start before its slot is given to another.
    pub(crate) grace: Option<Duration>,
}

/// What happens to a run for which a deployment's concurrency limit has no room (Prefect's collision strategy).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Collision {
    /// It waits until there is room (Prefect's `ENQUEUE`).
    Wait,
    /// It is cancelled (Prefect's `CANCEL_NEW`).
    Cancel,
}
