//! Flows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Labels, or_default};

/// Registers a flow by name. Creating one that exists returns it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowCreate {
    /// The name; the server refuses `/ % & > <`.
    pub name: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Labels.
    pub labels: Labels,
}

impl FlowCreate {
    /// Names a flow without tags and labels.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), tags: Vec::new(), labels: Labels::new() }
    }
}

/// Describes a flow.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Flow {
    /// The id, chosen by the server.
    pub id: Uuid,
    /// The name.
    pub name: String,
    /// When it was first registered.
    #[serde(default)]
    pub created: Option<DateTime<Utc>>,
    /// When it was last changed.
    #[serde(default)]
    pub updated: Option<DateTime<Utc>>,
    /// Tags.
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// Labels.
    #[serde(default, deserialize_with = "or_default")]
    pub labels: Labels,
}
