//! What the server answers to a proposed state.

use std::time::Duration;

use serde::Deserialize;

use super::{State, or_default};

/// Tells what became of a proposed state. Judge by this and never by the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum OrchestrationStatus {
    /// The state was stored, perhaps with more details.
    Accept,
    /// The run is in another state, given in the answer, and the caller should go on from there.
    Reject,
    /// The caller should stop working on the run and leave it as it is.
    Abort,
    /// The caller should propose again after a delay.
    Wait,
    /// A word this crate does not know.
    #[serde(other)]
    Unknown,
}

/// Explains an [`OrchestrationStatus`]. The kind need not match the status: an invalid resume is a REJECT with
/// `abort_details`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct OrchestrationDetails {
    /// The kind, such as `reject_details`.
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub kind: String,
    /// Why.
    pub reason: Option<String>,
    /// How long to wait, in whole seconds, with [`OrchestrationStatus::Wait`].
    pub delay_seconds: Option<u64>,
}

/// Describes what became of a proposed state.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct OrchestrationResult {
    /// The state the run is in now; missing with WAIT and ABORT.
    #[serde(default)]
    pub state: Option<State>,
    /// What became of the proposal.
    pub status: OrchestrationStatus,
    /// Why.
    #[serde(default, deserialize_with = "or_default")]
    pub details: OrchestrationDetails,
}

impl OrchestrationResult {
    /// Gives the delay of a WAIT.
    pub fn delay(&self) -> Option<Duration> {
        self.details.delay_seconds.map(Duration::from_secs)
    }

    /// Gives the server's reason, if it gave one.
    pub fn reason(&self) -> Option<&str> {
        self.details.reason.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_recorded_answers() {
        let wait: OrchestrationResult = serde_json::from_str(
            r#"{"state":null,"status":"WAIT","details":{"type":"wait_details","delay_seconds":30,"reason":"Scheduled time is in the future"}}"#,
        )
        .expect("valid");
        assert_eq!(wait.status, OrchestrationStatus::Wait);
        assert_eq!(wait.delay(), Some(Duration::from_secs(30)));
        let abort: OrchestrationResult =
            serde_json::from_str(r#"{"status":"ABORT","details":{"type":"abort_details","reason":"no"}}"#)
                .expect("valid");
        assert_eq!((abort.status, abort.reason()), (OrchestrationStatus::Abort, Some("no")));
    }
}
