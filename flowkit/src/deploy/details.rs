//! A deployment as it is kept in this process.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::{self, Timestamp};
use crate::error::Error;
use crate::schedule::Schedule;

/// A deployment that is registered in this process (Prefect's deployment): what [`History::deployments`](crate::History::deployments)
/// returns.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeploymentDetails {
    /// The id. It follows from the names, so that it is the same whenever the program runs.
    pub id: Uuid,
    /// The name of the flow.
    pub flow_name: String,
    /// The id of the flow, which follows from its name.
    pub flow_id: Uuid,
    /// The name, without that of the flow.
    pub name: String,
    /// The description, Markdown.
    pub description: Option<String>,
    /// The version.
    pub version: String,
    /// Tags, which its runs get as well.
    pub tags: Vec<String>,
    /// The parameters that its runs have if nothing else is said.
    pub parameters: Map<String, Value>,
    /// The JSON schema of the parameters.
    pub parameter_schema: Map<String, Value>,
    /// Whether runs are refused whose parameters do not fit the flow.
    pub enforce_parameter_schema: bool,
    /// The schedules.
    pub schedules: Vec<ScheduleDetails>,
    /// Whether the schedules are paused.
    pub paused: bool,
    /// How many of its runs there may be at the same time.
    pub concurrency_limit: Option<u32>,
    /// How many of its runs have a place below the concurrency limit now.
    pub active_runs: usize,
    /// The program and the function of the flow: `etl:load`.
    pub entrypoint: String,
    /// When it was first registered.
    pub created: Timestamp,
    /// When it was last registered, paused or resumed.
    pub updated: Timestamp,
}

impl DeploymentDetails {
    /// Returns the names of the flow and of the deployment: `flow/deployment`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.flow_name, self.name)
    }

    /// Returns the next `n` dates of all schedules together, from now on; none while it is paused.
    #[must_use]
    pub fn next_dates(&self, n: usize) -> Vec<Timestamp> {
        if self.paused {
            return Vec::new();
        }
        let mut dates: Vec<Timestamp> =
            self.schedules.iter().flat_map(|schedule| schedule.next_dates(n).unwrap_or_default()).collect();
        dates.sort_unstable();
        dates.dedup();
        dates.truncate(n);
        dates
    }
}

/// A schedule of a deployment that is registered in this process.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScheduleDetails {
    /// The id.
    pub id: Uuid,
    /// Names the schedule within the deployment.
    pub slug: Option<String>,
    /// Whether it starts runs.
    pub active: bool,
    /// `cron`, `interval` or `rrule` with its own fields, as in Prefect's API.
    pub rule: Map<String, Value>,
    /// The parameters of its runs, over those of the deployment.
    pub parameters: Map<String, Value>,
    /// The schedule.
    pub schedule: Schedule,
}

impl ScheduleDetails {
    /// Returns the next `n` dates from now on; none if it is not active.
    ///
    /// # Errors
    /// Those of [`Schedule::dates_from`].
    pub fn next_dates(&self, n: usize) -> Result<Vec<Timestamp>, Error> {
        if self.active { self.schedule.next_dates(clock::now(), n) } else { Ok(Vec::new()) }
    }
}
