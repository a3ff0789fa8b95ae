//! Flow runs.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{FlowRunPolicy, JsonObject, Labels, State, StateCreate, StateType, or_default};

/// Creates a flow run. The server chooses the id, and the name if none is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowRunCreate {
    /// The flow.
    pub flow_id: Uuid,
    /// The first state; left out, the server uses PENDING.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateCreate>,
    /// The name; left out, the server makes one up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The version of the flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_version: Option<String>,
    /// The parameters.
    pub parameters: JsonObject,
    /// Further context.
    #[serde(default, skip_serializing_if = "JsonObject::is_empty")]
    pub context: JsonObject,
    /// The task run that stands for this subflow run in its parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_task_run_id: Option<Uuid>,
    /// The retry policy.
    pub empirical_policy: FlowRunPolicy,
    /// Tags.
    pub tags: Vec<String>,
    /// Labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Makes creating twice harmless: the second time returns the first run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl FlowRunCreate {
    /// Starts from a flow, with nothing else set.
    pub fn new(flow_id: Uuid) -> Self {
        Self {
            flow_id,
            state: None,
            name: None,
            flow_version: None,
            parameters: JsonObject::new(),
            context: JsonObject::new(),
            parent_task_run_id: None,
            empirical_policy: FlowRunPolicy::default(),
            tags: Vec::new(),
            labels: Labels::new(),
            idempotency_key: None,
        }
    }
}

/// Changes fields of a flow run; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FlowRunUpdate {
    /// The name. Set it before RUNNING to name a run after its parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The version of the flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_version: Option<String>,
    /// The parameters, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<JsonObject>,
    /// The retry policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empirical_policy: Option<FlowRunPolicy>,
    /// Tags, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// What identifies the process or container that runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub infrastructure_pid: Option<String>,
    /// Variables of the infrastructure's template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_variables: Option<JsonObject>,
}

/// Describes a flow run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct FlowRun {
    /// The id.
    pub id: Uuid,
    /// The flow.
    pub flow_id: Uuid,
    /// The name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// When it was created.
    #[serde(default)]
    pub created: Option<DateTime<Utc>>,
    /// When it was last changed.
    #[serde(default)]
    pub updated: Option<DateTime<Utc>>,
    /// The deployment it was started from.
    #[serde(default)]
    pub deployment_id: Option<Uuid>,
    /// The version of that deployment.
    #[serde(default)]
    pub deployment_version: Option<String>,
    /// The work pool it was submitted to.
    #[serde(default)]
    pub work_pool_name: Option<String>,
    /// The work queue it was submitted to.
    #[serde(default)]
    pub work_queue_name: Option<String>,
    /// The version of the flow.
    #[serde(default)]
    pub flow_version: Option<String>,
    /// The parameters.
    #[serde(default, deserialize_with = "or_default")]
    pub parameters: JsonObject,
    /// What made creating it idempotent.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// Further context.
    #[serde(default, deserialize_with = "or_default")]
    pub context: JsonObject,
    /// The retry policy.
    #[serde(default, deserialize_with = "or_default")]
    pub empirical_policy: FlowRunPolicy,
    /// Tags.
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// Labels.
    #[serde(default, deserialize_with = "or_default")]
    pub labels: Labels,
    /// The task run that stands for this subflow run in its parent.
    #[serde(default)]
    pub parent_task_run_id: Option<Uuid>,
    /// The type of the current state.
    #[serde(default)]
    pub state_type: Option<StateType>,
    /// The name of the current state.
    #[serde(default)]
    pub state_name: Option<String>,
    /// The current state.
    #[serde(default)]
    pub state: Option<State>,
    /// How many times it entered RUNNING.
    #[serde(default, deserialize_with = "or_default")]
    pub run_count: u32,
    /// When it should start.
    #[serde(default)]
    pub expected_start_time: Option<DateTime<Utc>>,
    /// When it is scheduled to start next.
    #[serde(default)]
    pub next_scheduled_start_time: Option<DateTime<Utc>>,
    /// When it first entered RUNNING.
    #[serde(default)]
    pub start_time: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default)]
    pub end_time: Option<DateTime<Utc>>,
    /// The time spent in RUNNING, in seconds.
    #[serde(default, deserialize_with = "or_default")]
    pub total_run_time: f64,
    /// Whether a schedule made it.
    #[serde(default, deserialize_with = "or_default")]
    pub auto_scheduled: bool,
    /// Who made it, if the server knows.
    #[serde(default)]
    pub created_by: Option<Creator>,
    /// What identifies the process or container that runs it.
    #[serde(default)]
    pub infrastructure_pid: Option<String>,
    /// Variables of the infrastructure's template.
    #[serde(default)]
    pub job_variables: Option<JsonObject>,
}

/// Tells who made a flow run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Creator {
    /// The id, such as that of a schedule.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// What it is: `SCHEDULE`, `DEPLOYMENT`, `AUTOMATION` or what else there may be.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}
