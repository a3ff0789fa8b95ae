//! The states of flow runs, as events.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::clock::{self, Timestamp};
use crate::endpoint::form::Form;
use crate::endpoint::program::Program;
use crate::endpoint::reply::Reply;
use crate::endpoint::show;
use crate::id::FlowRunId;
use crate::run::FlowRun;
use crate::state::State;

const FLOW_RUN: &str = "prefect.flow-run.";

/// Which events somebody asks for, and how far they have been told.
#[derive(Debug)]
pub(super) struct Events {
    /// Ids of which one must be the resource.
    resources: Option<Vec<String>>,
    /// Ids of which one must be the resource or related.
    any_resources: Option<Vec<String>>,
    ids: Option<Vec<String>>,
    names: Option<Vec<String>>,
    prefixes: Option<Vec<String>>,
    since: Timestamp,
    /// How many states of each run have been told.
    told: HashMap<FlowRunId, usize>,
}

impl Events {
    /// Reads an `EventFilter`.
    pub(super) fn read(filter: &Value) -> Result<Self, Reply> {
        const UNKNOWN: &str = "This endpoint cannot filter by this";
        let mut form = Form::new(filter);
        let ids = |form: &mut Form| {
            let ids = form.texts("id");
            form.nothing_else(UNKNOWN);
            ids
        };
        let resources = form.within("resource", ids).flatten();
        let any_resources = form.within("any_resource", ids).flatten();
        let ids = form.within("id", ids).flatten();
        let (names, prefixes) = form
            .within("event", |form| {
                let found = (form.texts("name"), form.texts("prefix"));
                form.nothing_else(UNKNOWN);
                found
            })
            .unwrap_or_default();
        let since = form.within("occurred", |form| form.time("since")).flatten();
        form.take("order");
        form.nothing_else(UNKNOWN);
        form.done(filter)?;
        let some = |list: Option<Vec<String>>| list.filter(|list| !list.is_empty());
        Ok(Self {
            resources: some(resources),
            any_resources: some(any_resources),
            ids: some(ids),
            names: some(names),
            prefixes: some(prefixes),
            since: since.unwrap_or_else(clock::now),
            told: HashMap::new(),
        })
    }

    /// The events that have not been told, as messages.
    pub(super) fn news(&mut self, program: &dyn Program) -> Vec<Value> {
        let now = clock::now();
        let mut told = HashMap::new();
        let mut news = Vec::new();
        for run in self.runs(program) {
            let count = run.track.with(<[State]>::len);
            let from = self.told.get(&run.id).copied().unwrap_or(0);
            told.insert(run.id, count);
            for index in from..count {
                let entered = run.track.with(|states| states.get(index).map(State::timestamp));
                if entered.is_none_or(|entered| entered < self.since) {
                    continue;
                }
                news.extend(
                    show::event(&run, index, now).filter(|event| self.fits(event)).map(|event| (entered, event)),
                );
            }
        }
        self.told = told;
        news.sort_by_key(|(entered, _)| *entered);
        news.into_iter().map(|(_, event)| json!({ "type": "event", "event": event })).collect()
    }

    /// The runs whose events could be meant.
    fn runs(&self, program: &dyn Program) -> Vec<Arc<FlowRun>> {
        let history = program.history();
        let named = self.resources.as_ref().or(self.any_resources.as_ref());
        let ids: Option<Vec<FlowRunId>> = named.and_then(|named| {
            named.iter().map(|id| id.strip_prefix(FLOW_RUN)?.parse::<uuid::Uuid>().ok().map(Into::into)).collect()
        });
        match ids {
            Some(ids) => ids.into_iter().filter_map(|id| history.flow_run(id)).collect(),
            None => history.flow_runs(),
        }
    }

    fn fits(&self, event: &Value) -> bool {
        let resource = event["resource"]["prefect.resource.id"].as_str().unwrap_or_default();
        let name = event["event"].as_str().unwrap_or_default();
        let has =
            |list: &Option<Vec<String>>, text: &str| list.as_ref().is_none_or(|list| list.iter().any(|it| it == text));
        let related = || {
            let related = event["related"].as_array().map(Vec::as_slice).unwrap_or_default();
            related.iter().any(|one| has(&self.any_resources, one["prefect.resource.id"].as_str().unwrap_or_default()))
        };
        has(&self.resources, resource)
            && (has(&self.any_resources, resource) || related())
            && has(&self.ids, event["id"].as_str().unwrap_or_default())
            && has(&self.names, name)
            && self.prefixes.as_ref().is_none_or(|prefixes| prefixes.iter().any(|prefix| name.starts_with(prefix)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "prefect.flow-run.a8a8a8a8-1111-4111-8111-111111111111";

    fn event(name: &str) -> Value {
        json!({
            "event": name,
            "id": "1",
            "resource": {"prefect.resource.id": RUN},
            "related": [{"prefect.resource.id": "prefect.deployment.d"}],
        })
    }

    #[test]
    fn the_filters_of_stock_clients_are_understood() {
        let followed = json!({
            "occurred": {"since": "2026-05-25T00:00:00Z", "until": "2027-11-21T10:21:57.574177Z"}, "event": null,
            "resource": null, "related": null, "any_resource": {"id": [RUN], "id_prefix": null, "labels": null},
            "id": {"id": []}, "text": null, "order": "DESC",
        });
        let cancelled = json!({"event": {"name": ["prefect.flow-run.Cancelling"], "prefix": []}, "id": {"id": []}});
        let prefixed =
            json!({"event": {"prefix": ["prefect.flow-run."]}, "any_resource": {"id": ["prefect.deployment.d"]}});
        let other = json!({"resource": {"id": ["prefect.flow-run.x"]}});
        for (filter, running, cancelling) in
            [(followed, true, true), (cancelled, false, true), (prefixed, true, true), (other, false, false)]
        {
            let events = Events::read(&filter).expect("it is understood");
            assert_eq!(events.fits(&event("prefect.flow-run.Running")), running, "{filter}");
            assert_eq!(events.fits(&event("prefect.flow-run.Cancelling")), cancelling, "{filter}");
        }
    }

    #[test]
    fn a_filter_that_is_not_understood_is_refused() {
        for filter in [
            json!({"text": {"query": "x"}}),
            json!({"related": {"id": ["x"]}}),
            json!({"resource": {"id_prefix": ["x"]}}),
        ] {
            assert!(Events::read(&filter).is_err(), "{filter}");
        }
    }
}
