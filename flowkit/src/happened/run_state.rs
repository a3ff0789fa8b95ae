//! The events of a flow run's states, which Prefect's server tells by itself.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::context::{resource, tagged};
use super::{Event, Resource};
use crate::id::state_id;
use crate::run::{Effort, FlowRun};
use crate::state::State;

/// Longer messages are cut, as Prefect does.
const LONGEST: usize = 100_000;

/// The `prefect.flow-run.*` event of the last of these states, which are the first of the run's.
pub(crate) fn state_event(run: &FlowRun, states: &[State]) -> Option<Event> {
    let (entered, earlier) = states.split_last()?;
    let before = earlier.last();
    let message: String = entered.message().unwrap_or_default().chars().take(LONGEST).collect();
    let timestamp = entered.timestamp();
    let run_count = Effort::of(states).run_count + run.background.run_count;
    let mut related = vec![resource("flow", run.flow_id).name(run.flow_name())];
    related.extend(run.deployment().map(|of| resource("deployment", of.id).name(&of.name)));
    related.extend(run.tags.iter().map(|tag| tagged(tag)));
    let named = |state: &State| json!({ "type": state.state_type().as_str(), "name": state.name() });
    let mut validated = named(entered);
    if let Some(message) = entered.message() {
        validated["message"] = json!(message);
    }
    let payload = [
        (
            "intended",
            json!({
                "from": before.map(|before| before.state_type().as_str()), "to": entered.state_type().as_str(),
            }),
        ),
        ("initial_state", before.map_or(Value::Null, named)),
        ("validated_state", validated),
    ];
    Some(Event {
        id: state_id(run.id.uuid(), earlier.len(), timestamp),
        event: format!("prefect.flow-run.{}", entered.name()),
        occurred: timestamp,
        resource: Resource::new(format!("prefect.flow-run.{}", run.id))
            .name(&run.name)
            .label("prefect.run-count", run_count.to_string())
            .label("prefect.state-message", message)
            .label("prefect.state-name", entered.name())
            .label("prefect.state-timestamp", timestamp.to_utc().to_rfc3339_opts(SecondsFormat::Micros, false))
            .label("prefect.state-type", entered.state_type().as_str()),
        related,
        payload: payload.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        follows: before.map(|before| state_id(run.id.uuid(), earlier.len() - 1, before.timestamp())),
    })
}
