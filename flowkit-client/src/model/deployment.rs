//! Deployments, as far as running and reading them goes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{JsonObject, Labels, StateCreate, or_default};

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
    /// The schedules, as the server sent them.
    #[serde(default, deserialize_with = "or_default")]
    pub schedules: Vec<Value>,
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
}
