//! Inputs of flow runs: what others give to a run that is under way.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Creates an input of a flow run. A key that exists already is a conflict (409).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowRunInputCreate {
    /// The key, unique within the flow run.
    pub key: String,
    /// The value, written as JSON.
    pub value: String,
    /// Who sends it, such as `prefect.flow-run.<id>`.
    pub sender: Option<String>,
}

impl FlowRunInputCreate {
    /// Starts from a key and a value, with no sender.
    pub fn new(key: impl Into<String>, value: &serde_json::Value) -> Self {
        Self { key: key.into(), value: value.to_string(), sender: None }
    }

    /// Says who sends it.
    #[must_use]
    pub fn sender(mut self, sender: impl Into<String>) -> Self {
        self.sender = Some(sender.into());
        self
    }
}

/// Describes an input of a flow run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct FlowRunInput {
    /// The flow run.
    pub flow_run_id: Uuid,
    /// The key, unique within the flow run.
    pub key: String,
    /// The value, as it was written.
    pub value: String,
    /// Who sent it.
    #[serde(default)]
    pub sender: Option<String>,
    /// When it was created.
    #[serde(default)]
    pub created: Option<DateTime<Utc>>,
}

/// Picks inputs of a flow run by the beginning of their keys, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowRunInputQuery {
    /// What the keys begin with. The server takes `_` for any one character.
    pub prefix: String,
    /// How many at most.
    pub limit: u32,
    /// Keys to leave out.
    pub exclude_keys: Vec<String>,
}
