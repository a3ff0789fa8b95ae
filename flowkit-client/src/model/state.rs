//! States of runs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{or_default, timestamp};

/// Names the type of a state: what orchestration acts on. The name of a state is free text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum StateType {
    /// Will run at some time.
    Scheduled,
    /// Is about to run.
    Pending,
    /// Is running.
    Running,
    /// Ended well. Final.
    Completed,
    /// Ended with an error. Final.
    Failed,
    /// Was stopped on purpose. Final.
    Cancelled,
    /// Ended by its surroundings: a signal, a lost machine. Final.
    Crashed,
    /// Waits to be resumed.
    Paused,
    /// Is being stopped.
    Cancelling,
    /// A type this crate does not know; it cannot be sent.
    #[serde(other)]
    Unknown,
}

impl StateType {
    /// Tells whether a run in such a state is over.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Crashed)
    }

    /// Gives the word of the API, such as `RUNNING`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Crashed => "CRASHED",
            Self::Paused => "PAUSED",
            Self::Cancelling => "CANCELLING",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// Holds what the server knows about a state beyond its type, name and message. Every field is optional.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StateDetails {
    /// The flow run the state belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_run_id: Option<Uuid>,
    /// The task run the state belongs to, or that stands for this subflow run in its parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_run_id: Option<Uuid>,
    /// The subflow run this task run stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child_flow_run_id: Option<Uuid>,
    /// When a SCHEDULED run shall start.
    #[serde(with = "timestamp::option", skip_serializing_if = "Option::is_none")]
    pub scheduled_time: Option<DateTime<Utc>>,
    /// The cache key of a task run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_key: Option<String>,
    /// When the cached result expires.
    #[serde(with = "timestamp::option", skip_serializing_if = "Option::is_none")]
    pub cache_expiration: Option<DateTime<Utc>>,
    /// Whether a task run is a background task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deferred: Option<bool>,
    /// Whether the result cannot be linked to later uses by identity.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub untrackable_result: bool,
    /// When a PAUSED run fails if nobody resumes it.
    #[serde(with = "timestamp::option", skip_serializing_if = "Option::is_none")]
    pub pause_timeout: Option<DateTime<Utc>>,
    /// Whether resuming schedules the run anew (suspend) in place of going on in process (pause).
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub pause_reschedule: bool,
    /// Names a pause, so that it fires once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_key: Option<String>,
    /// Which run inputs hold schema, description and response of a pause that waits for input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_input_keyset: Option<BTreeMap<String, String>>,
    /// Whether a cached result shall be replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_cache: Option<bool>,
    /// Whether a FAILED task run may be retried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retriable: Option<bool>,
    /// Makes proposing the same state twice harmless: the server answers REJECT with the current state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_id: Option<Uuid>,
    /// Where the parameters of a background task are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_parameters_id: Option<Uuid>,
    /// The W3C trace context of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The lease on a slot of the deployment's concurrency limit, to be renewed while the run lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_concurrency_lease_id: Option<Uuid>,
}

/// Proposes a state. The server adds id and time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateCreate {
    /// The type.
    #[serde(rename = "type")]
    pub kind: StateType,
    /// The name; left out, the server uses the type's own, such as `Running`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The message shown to people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Where the result is stored, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// More facts.
    pub state_details: StateDetails,
}

impl StateCreate {
    /// Proposes a state of a type, with the type's own name.
    pub fn new(kind: StateType) -> Self {
        Self { kind, name: None, message: None, data: None, state_details: StateDetails::default() }
    }

    /// Sets the name, such as `AwaitingRetry`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the message.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Sets the transition id, so that a repeated proposal is recognised. Use a new one for each proposal.
    #[must_use]
    pub fn transition_id(mut self, id: Uuid) -> Self {
        self.state_details.transition_id = Some(id);
        self
    }
}

/// Describes a state the server has stored.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct State {
    /// The id. For a task run it is also the id of the event that reported it.
    pub id: Uuid,
    /// The type.
    #[serde(rename = "type")]
    pub kind: StateType,
    /// The name; empty if the server sent none.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// When the run entered the state.
    pub timestamp: DateTime<Utc>,
    /// The message shown to people.
    #[serde(default)]
    pub message: Option<String>,
    /// Where the result is stored, if it is.
    #[serde(default)]
    pub data: Option<Value>,
    /// More facts.
    #[serde(default, deserialize_with = "or_default")]
    pub state_details: StateDetails,
}

impl State {
    /// Tells whether a run in this state is over.
    pub fn is_terminal(&self) -> bool {
        self.kind.is_terminal()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_not_sent() {
        let id = Uuid::from_u128(7);
        let state = StateCreate::new(StateType::Running).transition_id(id);
        assert_eq!(
            serde_json::to_string(&state).expect("json"),
            r#"{"type":"RUNNING","state_details":{"transition_id":"00000000-0000-0000-0000-000000000007"}}"#
        );
    }

    #[test]
    fn reads_more_and_less_than_it_knows() {
        let state: State = serde_json::from_str(
            r#"{"id":"00000000-0000-0000-0000-000000000007","type":"DREAMING","timestamp":"2026-11-21T01:32:55.158310Z",
                "state_details":{"deferred":null,"untrackable_result":null,"brand_new":1},"new":2}"#,
        )
        .expect("tolerant");
        assert_eq!(state.kind, StateType::Unknown);
        assert_eq!((state.name.as_str(), state.is_terminal()), ("", false));
    }

    #[test]
    fn words_agree_with_serde() {
        for kind in [StateType::Scheduled, StateType::Cancelling, StateType::Crashed, StateType::Completed] {
            assert_eq!(serde_json::to_value(kind).expect("json"), kind.as_str());
        }
    }
}
