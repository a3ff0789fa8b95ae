//! Events: what Prefect's server tells of flow runs by itself.

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::happened::state_event;
use crate::run::FlowRun;
use crate::state::State;

/// The `prefect.flow-run.*` event of the `index`-th state of a run; `None` if there is no such state.
pub(in crate::endpoint) fn event(run: &FlowRun, index: usize, now: Timestamp) -> Option<Value> {
    let states = run.track.with(|states| states.get(..=index).map(<[State]>::to_vec))?;
    let mut event = serde_json::to_value(state_event(run, &states)?).ok()?;
    event["received"] = json!(now);
    Some(event)
}
