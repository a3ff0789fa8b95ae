//! Run logs.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::timestamp;

/// Records one line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogCreate {
    /// The logger: `prefect.flow_runs` or `prefect.task_runs`.
    pub name: String,
    /// The level as Python counts: 10 debug, 20 info, 30 warning, 40 error, 50 critical.
    pub level: u8,
    /// The message. The server keeps at most a million bytes.
    pub message: String,
    /// When it was written.
    #[serde(with = "timestamp")]
    pub timestamp: DateTime<Utc>,
    /// The flow run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_run_id: Option<Uuid>,
    /// The task run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_run_id: Option<Uuid>,
}

impl LogCreate {
    /// Records a line of a flow run's log, written now.
    pub fn new(flow_run_id: Uuid, level: u8, message: impl Into<String>) -> Self {
        Self {
            name: "prefect.flow_runs".into(),
            level,
            message: message.into(),
            timestamp: Utc::now(),
            flow_run_id: Some(flow_run_id),
            task_run_id: None,
        }
    }
}

/// Describes one line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Log {
    /// The id.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// The logger.
    pub name: String,
    /// The level as Python counts: 10 debug, 20 info, 30 warning, 40 error, 50 critical.
    pub level: i32,
    /// The message.
    pub message: String,
    /// When it was written.
    pub timestamp: DateTime<Utc>,
    /// The flow run.
    #[serde(default)]
    pub flow_run_id: Option<Uuid>,
    /// The task run.
    #[serde(default)]
    pub task_run_id: Option<Uuid>,
}
