//! Task runs.
//!
//! Only two kinds are created over HTTP: those that stand for a subflow run, and background tasks. All others come
//! to be by their events.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Labels, State, StateCreate, StateType, TaskRunPolicy, or_default};

/// Names where an argument of a task came from: the edges of the run graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "input_type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskInput {
    /// The result of a task run.
    TaskRun {
        /// Its id.
        id: Uuid,
    },
    /// The result of a flow run.
    FlowRun {
        /// Its id.
        id: Uuid,
    },
    /// A parameter of the flow.
    Parameter {
        /// Its name.
        name: String,
    },
    /// A constant.
    Constant {
        /// Its type.
        #[serde(rename = "type")]
        kind: String,
    },
    /// A source this crate does not know; it cannot be sent.
    #[serde(other)]
    Unknown,
}

/// Creates a task run. The same flow run, task key and dynamic key again return the run that exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRunCreate {
    /// The id; left out, the server chooses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The first state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateCreate>,
    /// The name; left out, the server makes one up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The flow run it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_run_id: Option<Uuid>,
    /// Identifies the task.
    pub task_key: String,
    /// Tells apart the runs of one task in one flow run.
    pub dynamic_key: String,
    /// The version of the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_version: Option<String>,
    /// The retry policy.
    pub empirical_policy: TaskRunPolicy,
    /// Tags.
    pub tags: Vec<String>,
    /// Labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Where each argument came from.
    pub task_inputs: BTreeMap<String, Vec<TaskInput>>,
}

impl TaskRunCreate {
    /// Starts from the keys, with nothing else set.
    pub fn new(task_key: impl Into<String>, dynamic_key: impl Into<String>) -> Self {
        Self {
            id: None,
            state: None,
            name: None,
            flow_run_id: None,
            task_key: task_key.into(),
            dynamic_key: dynamic_key.into(),
            task_version: None,
            empirical_policy: TaskRunPolicy::default(),
            tags: Vec::new(),
            labels: Labels::new(),
            task_inputs: BTreeMap::new(),
        }
    }
}

/// Describes a task run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct TaskRun {
    /// The id.
    pub id: Uuid,
    /// The name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// The flow run it belongs to, if any.
    #[serde(default)]
    pub flow_run_id: Option<Uuid>,
    /// Identifies the task.
    pub task_key: String,
    /// Tells apart the runs of one task in one flow run.
    pub dynamic_key: String,
    /// When it was created.
    #[serde(default)]
    pub created: Option<DateTime<Utc>>,
    /// When it was last changed.
    #[serde(default)]
    pub updated: Option<DateTime<Utc>>,
    /// The cache key.
    #[serde(default)]
    pub cache_key: Option<String>,
    /// When the cached result expires.
    #[serde(default)]
    pub cache_expiration: Option<DateTime<Utc>>,
    /// The version of the task.
    #[serde(default)]
    pub task_version: Option<String>,
    /// The retry policy.
    #[serde(default, deserialize_with = "or_default")]
    pub empirical_policy: TaskRunPolicy,
    /// Tags.
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// Labels.
    #[serde(default, deserialize_with = "or_default")]
    pub labels: Labels,
    /// Where each argument came from.
    #[serde(default, deserialize_with = "or_default")]
    pub task_inputs: BTreeMap<String, Vec<TaskInput>>,
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
    /// The run count of the flow run at that time.
    #[serde(default, deserialize_with = "or_default")]
    pub flow_run_run_count: u32,
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_have_the_words_of_the_api() {
        let id = Uuid::from_u128(1);
        for (input, json) in [
            (TaskInput::TaskRun { id }, r#"{"input_type":"task_run","id":"00000000-0000-0000-0000-000000000001"}"#),
            (TaskInput::Parameter { name: "x".into() }, r#"{"input_type":"parameter","name":"x"}"#),
            (TaskInput::Constant { kind: "int".into() }, r#"{"input_type":"constant","type":"int"}"#),
        ] {
            assert_eq!(serde_json::to_string(&input).expect("json"), json);
            assert_eq!(serde_json::from_str::<TaskInput>(json).expect("read"), input);
        }
        let new = serde_json::from_str::<TaskInput>(r#"{"input_type":"dream","of":1}"#).expect("tolerant");
        assert_eq!(new, TaskInput::Unknown);
    }
}
