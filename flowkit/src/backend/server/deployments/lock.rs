//! Who may claim a run, when several runners want to at the same moment.
//!
//! The server reads a run's state and writes the next one in two steps: it has been seen to accept two proposals of
//! Pending within 50 ms. What it keeps strictly is that an input's key is there once. So whoever can leave an input whose
//! key names the state that the run waits in may claim the run; a run that is scheduled anew waits in another state.

use std::time::Duration;

use flowkit_client::model::{FlowRunInputCreate, FlowRunInputQuery};
use flowkit_client::{Client, Error, ErrorKind};
use serde_json::json;
use uuid::Uuid;

use crate::clock::{self, Timestamp};

/// A runner that has not claimed the run within this time is gone, and the next may try. Longer than clocks differ.
const STALE: Duration = Duration::from_secs(300);

/// How often a run may have been given up by runners that were gone.
const TRIES: u32 = 10;

/// Takes the right to claim a run that waits in a state; `false` if somebody else has it.
pub(super) async fn take(client: &Client, run: Uuid, state: Uuid) -> Result<bool, Error> {
    let value = json!(Uuid::new_v4());
    let written = value.to_string();
    for attempt in 0..TRIES {
        let key = format!("flowkit-claim-{state}-{attempt}");
        match client.create_flow_run_input(run, &FlowRunInputCreate::new(&key, &value)).await {
            Ok(()) => return Ok(true),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error),
        }
        let query = FlowRunInputQuery { prefix: key, limit: 1, exclude_keys: Vec::new() };
        let Some(taken) = client.filter_flow_run_inputs(run, &query).await?.pop() else { return Ok(false) };
        // A request that was sent twice finds what it has left itself.
        if taken.value == written {
            return Ok(true);
        }
        if taken.created.is_none_or(|at| clock::now().since(Timestamp::from(at)) < STALE) {
            return Ok(false);
        }
    }
    Ok(false)
}
