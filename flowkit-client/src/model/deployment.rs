//! Deployments, as far as running and reading them goes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ConcurrencyOptions, DeploymentSchedule, JsonObject, Labels, StateCreate, or_default};

/// Describes a deployment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Deployment {
    /// The id.
    pub id: Uuid,
    /// The name, unique within the flow.
    pub name: String,
    /// The flow.
    pub flow_id: Uuid,
    /// When it was created.
    #[serde(default)]
    pub created: Option<DateTime<Utc>>,
    /// When it was last changed.
    #[serde(default)]
    pub updated: Option<DateTime<Utc>>,
    /// The version.
    #[serde(default)]
    pub version: Option<String>,
    /// The description.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether its schedules are paused.
    #[serde(default, deserialize_with = "or_default")]
    pub paused: bool,
    /// The schedules.
    #[serde(default, deserialize_with = "or_default")]
    pub schedules: Vec<DeploymentSchedule>,
    /// The limit on runs at the same time, under the name and with the slots that the server gave it.
    #[serde(default)]
    pub global_concurrency_limit: Option<DeploymentConcurrencyLimit>,
    /// What happens to runs beyond that limit.
    #[serde(default)]
    pub concurrency_options: Option<ConcurrencyOptions>,
    /// `READY` if somebody has asked for its runs a short while ago, else `NOT_READY`.
    #[serde(default)]
    pub status: Option<String>,
    /// The default parameters.
    #[serde(default, deserialize_with = "or_default")]
    pub parameters: JsonObject,
    /// The schema of the parameters.
    #[serde(default)]
    pub parameter_openapi_schema: Option<JsonObject>,
    /// Whether the server checks parameters against the schema.
    #[serde(default, deserialize_with = "or_default")]
    pub enforce_parameter_schema: bool,
    /// Variables of the infrastructure's template.
    #[serde(default, deserialize_with = "or_default")]
    pub job_variables: JsonObject,
    /// Tags.
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// Labels.
    #[serde(default, deserialize_with = "or_default")]
    pub labels: Labels,
    /// The work pool.
    #[serde(default)]
    pub work_pool_name: Option<String>,
    /// The work queue.
    #[serde(default)]
    pub work_queue_name: Option<String>,
    /// Where the flow is found.
    #[serde(default)]
    pub entrypoint: Option<String>,
    /// The directory the entrypoint is relative to.
    #[serde(default)]
    pub path: Option<String>,
    /// The steps that fetch the code.
    #[serde(default)]
    pub pull_steps: Option<Vec<JsonObject>>,
}

/// Describes the limit on how many runs of a deployment there may be at the same time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct DeploymentConcurrencyLimit {
    /// The id.
    pub id: Uuid,
    /// How many there may be.
    pub limit: u32,
    /// How many there are.
    #[serde(default, deserialize_with = "or_default")]
    pub active_slots: u32,
}

/// Creates a flow run from a deployment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DeploymentFlowRunCreate {
    /// The first state, usually SCHEDULED with a time; left out, it is scheduled at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateCreate>,
    /// The name; left out, the server makes one up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Parameters that replace the deployment's.
    #[serde(skip_serializing_if = "JsonObject::is_empty")]
    pub parameters: JsonObject,
    /// Further context.
    #[serde(skip_serializing_if = "JsonObject::is_empty")]
    pub context: JsonObject,
    /// Tags besides the deployment's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Labels.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Makes creating twice harmless: the second time returns the first run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The task run that stands for this run in its parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_task_run_id: Option<Uuid>,
    /// The work queue, if not the deployment's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_queue_name: Option<String>,
    /// Variables of the infrastructure's template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_variables: Option<JsonObject>,
    /// Whether the server checks the parameters; left out, the deployment decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce_parameter_schema: Option<bool>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::CollisionStrategy;

    #[test]
    fn reads_a_recorded_deployment() {
        let recorded = json!({
            "id": "620f6264-53d3-4cb7-8b73-0bbe4a9f4003", "created": "2026-11-21T01:45:26.940496Z", "name": "dep-a",
            "version": "1.2.3", "description": "my dep", "flow_id": "1461d8fd-8601-4ee7-9493-be156b3e53cc",
            "paused": false, "concurrency_limit": null, "concurrency_options": {"collision_strategy": "CANCEL_NEW"},
            "schedules": [{"id": "a8f32be7-2960-4f60-b4f4-76eb025dc7a0", "active": false, "max_scheduled_runs": null,
                "schedule": {"interval": 21600.0, "anchor_date": "2024-01-01T00:00:00Z", "timezone": "UTC"},
                "parameters": {"x": 7}, "slug": null, "deployment_id": "620f6264-53d3-4cb7-8b73-0bbe4a9f4003"}],
            "global_concurrency_limit": {"id": "0fffde7f-266e-421f-b32c-4280d292b729", "active": true,
                "name": "deployment:620f6264-53d3-4cb7-8b73-0bbe4a9f4003", "limit": 2, "active_slots": 0},
            "parameters": {"x": 3}, "tags": ["dep-tag"], "path": ".", "pull_steps": [], "entrypoint": "f12.py:served",
            "work_pool_name": null, "status": "NOT_READY", "enforce_parameter_schema": true
        });
        let deployment: Deployment = serde_json::from_value(recorded).expect("valid");
        assert_eq!((deployment.name.as_str(), deployment.enforce_parameter_schema), ("dep-a", true));
        assert_eq!(deployment.schedules[0].schedule["interval"], 21600.0);
        assert!(!deployment.schedules[0].active);
        assert_eq!(deployment.global_concurrency_limit.map(|limit| limit.limit), Some(2));
        let options = deployment.concurrency_options.expect("there are some");
        assert_eq!(options.collision_strategy, CollisionStrategy::CancelNew);
    }
}
