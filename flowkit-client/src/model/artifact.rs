//! Artifacts: what runs show to people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::MAX_LIMIT;

/// Creates an artifact.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArtifactCreate {
    /// The key that it shares with others of its kind: lowercase letters, digits and dashes.
    pub key: Option<String>,
    /// What kind it is: `markdown`, `table`, `progress`, `image`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What people are told about it, Markdown.
    pub description: Option<String>,
    /// What it holds. Of a table it is text, which is JSON itself.
    pub data: Value,
    /// The flow run that makes it.
    pub flow_run_id: Option<Uuid>,
    /// The task run that makes it.
    pub task_run_id: Option<Uuid>,
}

/// Replaces what an artifact holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArtifactUpdate {
    /// What it holds from now on.
    pub data: Value,
}

/// Describes an artifact.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Artifact {
    /// The id.
    pub id: Uuid,
    /// The key that it shares with others of its kind.
    #[serde(default)]
    pub key: Option<String>,
    /// What kind it is.
    #[serde(default, rename = "type", deserialize_with = "super::or_default")]
    pub kind: String,
    /// What people are told about it.
    #[serde(default)]
    pub description: Option<String>,
    /// What it holds.
    #[serde(default)]
    pub data: Value,
    /// The flow run that made it.
    #[serde(default)]
    pub flow_run_id: Option<Uuid>,
    /// The task run that made it.
    #[serde(default)]
    pub task_run_id: Option<Uuid>,
    /// When it was created.
    #[serde(default)]
    pub created: Option<DateTime<Utc>>,
    /// When it was changed last.
    #[serde(default)]
    pub updated: Option<DateTime<Utc>>,
}

/// Asks for the artifacts of a key, the one that was changed last first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArtifactQuery {
    artifacts: Filter,
    sort: &'static str,
    limit: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Filter {
    key: AnyKey,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct AnyKey {
    any_: [String; 1],
}

impl ArtifactQuery {
    /// Asks for at most `limit` artifacts of a key.
    pub fn of_key(key: impl Into<String>, limit: u32) -> Self {
        let artifacts = Filter { key: AnyKey { any_: [key.into()] } };
        Self { artifacts, sort: "UPDATED_DESC", limit: limit.min(MAX_LIMIT) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_what_the_server_understands() {
        let query = serde_json::to_value(ArtifactQuery::of_key("report", 1)).expect("it is written");
        let expected = serde_json::json!({
            "artifacts": {"key": {"any_": ["report"]}}, "sort": "UPDATED_DESC", "limit": 1,
        });
        assert_eq!(query, expected);
    }
}
