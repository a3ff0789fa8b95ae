//! Events that programs tell and hear, and which of them are asked for. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use flowkit_client::model as wire;

use super::Known;
use crate::happened::{Around, Emitted, Event, EventFilter, Resource};

/// The server takes now where nobody says until when; what is to come is meant.
const ALWAYS: Duration = Duration::days(365);

/// Makes the event as the server takes it. `flow_run` is the flow run that tells it.
pub(crate) fn told_event(emitted: &Emitted, flow_run: Option<&Known>) -> wire::Event {
    let around = flow_run.map(|known| Around { flow_run: known.flow_run, name: known.name.clone(), flow: known.flow });
    let Event { id, event, occurred, resource, related, payload, follows } = emitted.within(around.as_ref());
    let mut told = wire::Event::new(event, self::resource(&resource));
    told.id = id;
    told.occurred = occurred.to_utc();
    told.related = related
        .iter()
        .map(|one| labelled(wire::RelatedResource::new(one.role(), one.id()), one, wire::RelatedResource::label))
        .collect();
    told.payload = payload;
    told.follows = follows;
    told
}

fn resource(resource: &Resource) -> wire::Resource {
    labelled(wire::Resource::new(resource.id()), resource, wire::Resource::label)
}

fn labelled<T>(new: T, of: &Resource, label: impl Fn(T, String, String) -> T) -> T {
    of.labels().iter().fold(new, |new, (name, value)| label(new, name.clone(), value.clone()))
}

/// Reads an event that the server has.
pub(crate) fn heard_event(heard: wire::ReceivedEvent) -> Event {
    let wire::Event { occurred, event, resource, related, payload, id, follows } = heard.event;
    let ours = |labels: &BTreeMap<String, String>| Resource::from(labels.clone());
    Event {
        id,
        event,
        occurred: occurred.into(),
        resource: ours(resource.labels()),
        related: related.iter().map(|one| ours(one.resource().labels())).collect(),
        payload,
        follows,
    }
}

/// Asks for the events that a filter picks, and for others too where the server has no word for it: what comes is to be
/// looked at again. The oldest come first.
pub(crate) fn event_filter(
    filter: &EventFilter,
    since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> wire::EventFilter {
    let mut asked = wire::EventFilter::default().oldest_first();
    // Names and beginnings of names would both have to hold.
    if filter.names.iter().any(|name| name.ends_with('*')) {
        asked = asked.prefixes(filter.names.iter().map(|name| name.strip_suffix('*').unwrap_or(name)));
    } else if !filter.names.is_empty() {
        asked = asked.names(&filter.names);
    }
    if !filter.about.is_empty() {
        asked = asked.resource_labels(labels(&filter.about));
    }
    if !filter.related.is_empty() {
        asked = asked.related_labels(labels(&filter.related));
    }
    if !filter.ids.is_empty() {
        asked = asked.ids(filter.ids.iter().copied());
    }
    let since = since.unwrap_or(now - ALWAYS);
    let until = filter.until.map_or(now + ALWAYS, crate::clock::Timestamp::to_utc);
    asked.between(since, until)
}

fn labels(labels: &BTreeMap<String, Vec<String>>) -> wire::ResourceSpec {
    labels.iter().map(|(label, values)| (label.clone(), values.clone().into())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(filter: &EventFilter) -> serde_json::Value {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a moment");
        serde_json::to_value(event_filter(filter, Some(now), now)).expect("JSON")
    }

    #[test]
    fn the_server_is_asked_for_at_least_what_is_picked() {
        let new = EventFilter::new;
        assert_eq!(asked(&new())["order"], "ASC");
        assert_eq!(asked(&new().name("a.b").name("c"))["event"], json!({"name": ["a.b", "c"]}));
        assert_eq!(asked(&new().name("a.*").name("c"))["event"], json!({"prefix": ["a.", "c"]}));
        let resources =
            new().about("prefect.resource.id", "a.*").related("prefect.resource.role", "flow").related("x", "1");
        let resources = asked(&resources.related("x", "2"));
        assert_eq!(resources["resource"], json!({"labels": {"prefect.resource.id": "a.*"}}));
        assert_eq!(resources["related"], json!({"labels": {"prefect.resource.role": "flow", "x": ["1", "2"]}}));
    }
}
