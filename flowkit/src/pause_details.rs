//! What goes with a paused state.

use crate::clock::Timestamp;

/// The facts that go with the states Paused and Suspended.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct PauseDetails {
    /// When the run fails if nobody has resumed it.
    pub timeout: Timestamp,
    /// Names the pause within its flow run: a pause of the same key happens once, however often the flow is run.
    pub key: String,
    /// Whether the run, once resumed, is scheduled anew (suspended) rather than going on where it is (paused).
    pub reschedule: bool,
    /// Under which keys the input lies that the pause waits for, if it does.
    pub input: Option<InputKeys>,
}

/// The keys of the inputs that belong to one pause (Prefect's keyset).
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct InputKeys {
    /// The JSON schema of what is waited for.
    pub schema: String,
    /// What people are told about it.
    pub description: String,
    /// What was given.
    pub response: String,
}

impl InputKeys {
    /// Makes the keys for a pause; `state` is the name of the paused state.
    pub(crate) fn of(state: &str, key: &str) -> Self {
        let base = format!("{}-{key}", state.to_lowercase());
        Self {
            schema: format!("{base}-schema"),
            description: format!("{base}-description"),
            response: format!("{base}-response"),
        }
    }
}
