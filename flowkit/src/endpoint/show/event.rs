//! Events: what Prefect's server tells of flow runs by itself.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::id::{id_of, state_id};
use crate::run::{Effort, FlowRun};
use crate::state::State;

/// Longer messages are cut, as Prefect does.
const LONGEST: usize = 100_000;

/// The `prefect.flow-run.*` event of the `index`-th state of a run; `None` if there is no such state.
pub(in crate::endpoint) fn event(run: &FlowRun, index: usize, now: Timestamp) -> Option<Value> {
    let states = run.track.with(|states| states.get(..=index).map(<[State]>::to_vec))?;
    let entered = states.last()?;
    let before = index.checked_sub(1).and_then(|before| states.get(before));
    let message: String = entered.message().unwrap_or_default().chars().take(LONGEST).collect();
    let timestamp = entered.timestamp();
    let run_count = Effort::of(&states).run_count + run.background.run_count;
    let mut related = vec![json!({
        "prefect.resource.id": format!("prefect.flow.{}", id_of("flow", run.flow_name())),
        "prefect.resource.role": "flow",
        "prefect.resource.name": run.flow_name(),
    })];
    if let Some(deployment) = run.deployment() {
        related.push(json!({
            "prefect.resource.id": format!("prefect.deployment.{}", deployment.id),
            "prefect.resource.role": "deployment",
            "prefect.resource.name": deployment.name,
        }));
    }
    related.extend(
        run.tags
            .iter()
            .map(|tag| json!({ "prefect.resource.id": format!("prefect.tag.{tag}"), "prefect.resource.role": "tag" })),
    );
    let named = |state: &State| json!({ "type": state.state_type().as_str(), "name": state.name() });
    let mut validated = named(entered);
    if let Some(message) = entered.message() {
        validated["message"] = json!(message);
    }
    Some(json!({
        "id": state_id(run.id.uuid(), index, timestamp),
        "occurred": timestamp,
        "received": now,
        "event": format!("prefect.flow-run.{}", entered.name()),
        "follows": before.map(|before| state_id(run.id.uuid(), index - 1, before.timestamp())),
        "resource": {
            "prefect.resource.id": format!("prefect.flow-run.{}", run.id),
            "prefect.resource.name": run.name,
            "prefect.run-count": run_count.to_string(),
            "prefect.state-message": message,
            "prefect.state-name": entered.name(),
            "prefect.state-timestamp": timestamp.to_utc().to_rfc3339_opts(SecondsFormat::Micros, false),
            "prefect.state-type": entered.state_type().as_str(),
        },
        "related": related,
        "payload": {
            "intended": {
                "from": before.map(|before| before.state_type().as_str()), "to": entered.state_type().as_str(),
            },
            "initial_state": before.map(named),
            "validated_state": validated,
        },
    }))
}
