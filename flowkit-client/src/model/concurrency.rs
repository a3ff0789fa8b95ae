//! Concurrency limits, and slots of them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Creates a concurrency limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConcurrencyLimitCreate {
    /// The name: anything but `/`, `%`, `&`, `>` and `<`.
    pub name: String,
    /// How many slots there are.
    pub limit: u32,
    /// Whether it limits anything.
    pub active: bool,
    /// How many slots come back in a second, for a rate limit; 0 for none.
    pub slot_decay_per_second: f64,
}

/// Changes a concurrency limit; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ConcurrencyLimitUpdate {
    /// How many slots there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Whether it limits anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// How many slots come back in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot_decay_per_second: Option<f64>,
}

/// Describes a concurrency limit.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ConcurrencyLimit {
    /// The id.
    pub id: Uuid,
    /// The name.
    pub name: String,
    /// How many slots there are.
    pub limit: u32,
    /// Whether it limits anything.
    #[serde(default = "yes")]
    pub active: bool,
    /// How many slots are taken.
    #[serde(default)]
    pub active_slots: u32,
    /// How many slots come back in a second.
    #[serde(default)]
    pub slot_decay_per_second: f64,
    /// When it was created.
    #[serde(default)]
    pub created: Option<DateTime<Utc>>,
    /// When it was changed last; taking a slot is a change.
    #[serde(default)]
    pub updated: Option<DateTime<Utc>>,
}

fn yes() -> bool {
    true
}

/// Says who holds slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LeaseHolder {
    /// What kind of thing it is.
    #[serde(rename = "type")]
    pub kind: HolderKind,
    /// Its id.
    pub id: Uuid,
}

/// Says what kind of thing holds slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderKind {
    /// A flow run.
    FlowRun,
    /// A task run.
    TaskRun,
}

/// Names a limit of which slots were taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct LimitRef {
    /// The id.
    pub id: Uuid,
    /// The name.
    pub name: String,
    /// How many slots there are.
    pub limit: u32,
}

/// Tells of which limits slots were taken, for as long as a lease lasts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct LeasedSlots {
    /// The lease.
    pub lease_id: Uuid,
    /// The limits; those that do not exist are left out.
    #[serde(default)]
    pub limits: Vec<LimitRef>,
}

/// Describes the limit of a tag.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct TagLimit {
    /// The tag.
    pub tag: String,
    /// The task runs that hold slots.
    #[serde(default)]
    pub active_slots: Vec<Uuid>,
}
