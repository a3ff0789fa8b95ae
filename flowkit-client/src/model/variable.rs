//! Variables: named JSON values.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Creates a variable.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VariableCreate {
    /// The name: lowercase letters, digits, dashes and underscores, at most 255.
    pub name: String,
    /// The value, at most 5000 bytes of JSON.
    pub value: Value,
    /// The tags.
    pub tags: Vec<String>,
}

/// Replaces the value and the tags of a variable.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VariableUpdate {
    /// The value, at most 5000 bytes of JSON.
    pub value: Value,
    /// The tags.
    pub tags: Vec<String>,
}

/// Describes a variable.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Variable {
    /// The id.
    pub id: Uuid,
    /// The name.
    pub name: String,
    /// The value.
    #[serde(default)]
    pub value: Value,
    /// The tags.
    #[serde(default, deserialize_with = "super::or_default")]
    pub tags: Vec<String>,
    /// When it was created.
    #[serde(default)]
    pub created: Option<DateTime<Utc>>,
    /// When it was changed last.
    #[serde(default)]
    pub updated: Option<DateTime<Utc>>,
}
