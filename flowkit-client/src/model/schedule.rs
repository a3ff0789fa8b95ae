//! Schedules of deployments.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{JsonObject, or_default};

/// Says when runs are due, in the form of the API: `cron`, `interval` or `rrule` with its own fields.
pub type ScheduleRule = JsonObject;

/// Gives a deployment a schedule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeploymentScheduleCreate {
    /// When runs are due.
    pub schedule: ScheduleRule,
    /// Whether it makes runs.
    pub active: bool,
    /// How many runs are made ahead at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_scheduled_runs: Option<u32>,
    /// Parameters that replace the deployment's.
    pub parameters: JsonObject,
    /// Names the schedule within the deployment, so that it can be changed in place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// The slug the schedule had before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

impl DeploymentScheduleCreate {
    /// Starts from a rule; active, without parameters of its own.
    pub fn new(schedule: ScheduleRule) -> Self {
        Self {
            schedule,
            active: true,
            max_scheduled_runs: None,
            parameters: JsonObject::new(),
            slug: None,
            replaces: None,
        }
    }
}

/// Describes a schedule of a deployment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct DeploymentSchedule {
    /// The id.
    pub id: Uuid,
    /// When runs are due.
    pub schedule: ScheduleRule,
    /// Whether it makes runs.
    #[serde(default, deserialize_with = "or_default")]
    pub active: bool,
    /// How many runs are made ahead at most.
    #[serde(default)]
    pub max_scheduled_runs: Option<u32>,
    /// Parameters that replace the deployment's.
    #[serde(default, deserialize_with = "or_default")]
    pub parameters: JsonObject,
    /// What names the schedule within the deployment.
    #[serde(default)]
    pub slug: Option<String>,
}
