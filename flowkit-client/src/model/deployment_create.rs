//! Registering deployments: creating them, and changing them in place.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DeploymentScheduleCreate, JsonObject, Labels};

/// Says what happens to a run for which the deployment's concurrency limit has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum CollisionStrategy {
    /// It waits for room.
    Enqueue,
    /// It is cancelled.
    CancelNew,
    /// A word this crate does not know; it cannot be sent.
    #[serde(other)]
    Unknown,
}

/// Refines a deployment's concurrency limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConcurrencyOptions {
    /// What happens to a run for which there is no room.
    pub collision_strategy: CollisionStrategy,
    /// How long infrastructure may take to start before its slot is taken back, 60 to 86400 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_period_seconds: Option<u32>,
}

/// Says where a version comes from, such as `vcs:github` with the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionInfo {
    /// The kind: `prefect:simple`, `vcs:git`, `vcs:github` and so on.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version.
    pub version: String,
    /// What the kind adds: `commit_sha`, `message`, `branch`, `repository`, `url`.
    #[serde(flatten)]
    pub more: JsonObject,
}

/// Creates a deployment. Creating one whose name the flow has already replaces it whole; see
/// [`DeploymentUpdate`] for changing it in place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeploymentCreate {
    /// The name, unique within the flow.
    pub name: String,
    /// The flow.
    pub flow_id: Uuid,
    /// Whether its schedules are paused.
    pub paused: bool,
    /// The schedules.
    pub schedules: Vec<DeploymentScheduleCreate>,
    /// How many of its runs there may be at the same time, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency_limit: Option<u32>,
    /// What happens to runs beyond that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency_options: Option<ConcurrencyOptions>,
    /// Whether the server checks parameters against the schema.
    pub enforce_parameter_schema: bool,
    /// The schema of the parameters.
    pub parameter_openapi_schema: JsonObject,
    /// The default parameters.
    pub parameters: JsonObject,
    /// Tags, which runs get as well.
    pub tags: Vec<String>,
    /// Labels.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The work pool whose workers run it; left out, whoever serves it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_pool_name: Option<String>,
    /// The work queue, which needs a work pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_queue_name: Option<String>,
    /// The description, Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The directory the entrypoint is relative to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where the flow is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<String>,
    /// Variables of the infrastructure's template.
    pub job_variables: JsonObject,
    /// The steps that fetch the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_steps: Option<Vec<JsonObject>>,
    /// The version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where the version comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_info: Option<VersionInfo>,
}

impl DeploymentCreate {
    /// Starts from a name and a flow, with nothing else set and parameters enforced.
    pub fn new(name: impl Into<String>, flow_id: Uuid) -> Self {
        Self {
            name: name.into(),
            flow_id,
            paused: false,
            schedules: Vec::new(),
            concurrency_limit: None,
            concurrency_options: None,
            enforce_parameter_schema: true,
            parameter_openapi_schema: JsonObject::new(),
            parameters: JsonObject::new(),
            tags: Vec::new(),
            labels: Labels::new(),
            work_pool_name: None,
            work_queue_name: None,
            description: None,
            path: None,
            entrypoint: None,
            job_variables: JsonObject::new(),
            pull_steps: None,
            version: None,
            version_info: None,
        }
    }

    /// Gives the change that makes an existing deployment of this name the same. Its labels stay as they are.
    pub fn into_update(self) -> DeploymentUpdate {
        DeploymentUpdate {
            version: Some(self.version),
            version_info: self.version_info,
            description: Some(self.description),
            paused: Some(self.paused),
            schedules: Some(self.schedules),
            concurrency_limit: Some(self.concurrency_limit),
            concurrency_options: Some(self.concurrency_options),
            parameters: Some(self.parameters),
            parameter_openapi_schema: Some(self.parameter_openapi_schema),
            enforce_parameter_schema: Some(self.enforce_parameter_schema),
            tags: Some(self.tags),
            work_pool_name: Some(self.work_pool_name),
            work_queue_name: self.work_queue_name,
            path: Some(self.path),
            entrypoint: Some(self.entrypoint),
            job_variables: Some(self.job_variables),
            pull_steps: Some(self.pull_steps.unwrap_or_default()),
        }
    }
}

/// Changes a deployment; what is `None` stays as it is, and `Some(None)` empties a field.
///
/// The server deletes future runs of the schedules. Schedules that all have slugs change the ones of the same slugs
/// and leave others alone, if those have slugs too; else they replace all. Schedules without slugs are refused (422)
/// when all present ones have them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DeploymentUpdate {
    /// The version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Option<String>>,
    /// Where the version comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_info: Option<VersionInfo>,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Option<String>>,
    /// Whether its schedules are paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// The schedules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedules: Option<Vec<DeploymentScheduleCreate>>,
    /// How many of its runs there may be at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency_limit: Option<Option<u32>>,
    /// What happens to runs beyond that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency_options: Option<Option<ConcurrencyOptions>>,
    /// The default parameters, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<JsonObject>,
    /// The schema of the parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_openapi_schema: Option<JsonObject>,
    /// Whether the server checks parameters against the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce_parameter_schema: Option<bool>,
    /// Tags, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// The work pool; none gives the deployment back to whoever serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_pool_name: Option<Option<String>>,
    /// The work queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_queue_name: Option<String>,
    /// The directory the entrypoint is relative to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Option<String>>,
    /// Where the flow is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Option<String>>,
    /// Variables of the infrastructure's template, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_variables: Option<JsonObject>,
    /// The steps that fetch the code, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_steps: Option<Vec<JsonObject>>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_update_empties_what_is_not_set_and_leaves_out_what_it_does_not_know() {
        let mut create = DeploymentCreate::new("nightly", Uuid::nil());
        create.version = Some("1".into());
        let update = serde_json::to_value(create.into_update()).expect("json");
        assert_eq!(update["version"], "1");
        assert_eq!((&update["concurrency_limit"], update.get("version_info")), (&json!(null), None));
        assert_eq!((&update["pull_steps"], &update["description"]), (&json!([]), &json!(null)));
        assert_eq!(
            serde_json::to_string(&DeploymentUpdate { paused: Some(true), ..DeploymentUpdate::default() })
                .expect("json"),
            r#"{"paused":true}"#
        );
    }

    #[test]
    fn a_version_has_its_own_fields() {
        let recorded = json!({"type": "vcs:git", "version": "0c2fd9ab", "commit_sha": "0c2fd9ab11", "branch": "main"});
        let info: VersionInfo = serde_json::from_value(recorded.clone()).expect("valid");
        assert_eq!((info.kind.as_str(), &info.more["branch"]), ("vcs:git", &json!("main")));
        assert_eq!(serde_json::to_value(info).expect("json"), recorded);
    }
}
