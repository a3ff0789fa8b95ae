//! Pauses in the server's words, and back. Pure.

use flowkit_client::model::StateDetails;

use crate::pause_details::{InputKeys, PauseDetails};

/// Adds a pause to the details of a state.
pub(super) fn describe(pause: &PauseDetails, details: &mut StateDetails) {
    details.pause_timeout = Some(pause.timeout.to_utc());
    details.pause_reschedule = pause.reschedule;
    details.pause_key = Some(pause.key.clone());
    let pairs = |keys: &InputKeys| {
        [("schema", &keys.schema), ("description", &keys.description), ("response", &keys.response)]
            .map(|(what, key)| (what.to_owned(), key.clone()))
            .into()
    };
    details.run_input_keyset = pause.input.as_ref().map(pairs);
}

/// Reads a pause out of the details of a state, if there is one.
pub(super) fn described(details: &StateDetails) -> Option<PauseDetails> {
    let keys = details.run_input_keyset.as_ref();
    let key = |what: &str| keys.and_then(|keys| keys.get(what)).cloned();
    Some(PauseDetails {
        timeout: details.pause_timeout?.into(),
        key: details.pause_key.clone().unwrap_or_default(),
        reschedule: details.pause_reschedule,
        input: key("schema")
            .zip(key("description"))
            .zip(key("response"))
            .map(|((schema, description), response)| InputKeys { schema, description, response }),
    })
}
