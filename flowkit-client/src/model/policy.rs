//! Retry policies as runs carry them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Holds the retry policy of a flow run. The server acts on it: it answers a FAILED proposal with a retry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FlowRunPolicy {
    /// How many times the run is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// The delay before each retry, in whole seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_delay: Option<u64>,
    /// The pauses that have fired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_keys: Option<BTreeSet<String>>,
    /// Whether the run is being resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resuming: Option<bool>,
    /// How a retry is done: `in_process` or `reschedule`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_type: Option<String>,
}

/// Holds the retry policy of a task run. It is shown, not acted on: the client retries tasks itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskRunPolicy {
    /// How many times the run is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// The delay before each retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_delay: Option<RetryDelay>,
    /// How much of the delay is added at random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_jitter_factor: Option<f64>,
}

/// Holds one delay for all retries, or one for each; seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RetryDelay {
    /// The same delay each time.
    Every(f64),
    /// The n-th delay before the n-th retry; the last one repeats.
    Each(Vec<f64>),
}
