//! Which events somebody asks for.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Event, Resource};
use crate::clock::Timestamp;

/// Picks events (Prefect's `EventFilter`). Conditions of different kinds must all hold; of one kind, any one. The default
/// picks all.
///
/// ```
/// use flowkit::events::EventFilter;
///
/// let failed = EventFilter::new().name("prefect.flow-run.Failed").name("prefect.flow-run.Crashed");
/// let of_team = failed.related("prefect.resource.id", "prefect.tag.team-a");
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
#[must_use = "a filter does nothing until something is asked with it"]
pub struct EventFilter {
    pub(crate) names: BTreeSet<String>,
    pub(crate) except: BTreeSet<String>,
    pub(crate) about: BTreeMap<String, Vec<String>>,
    pub(crate) related: BTreeMap<String, Vec<String>>,
    pub(crate) ids: BTreeSet<Uuid>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

impl EventFilter {
    /// Picks all events.
    pub fn new() -> Self {
        Self::default()
    }

    /// Picks events of this name, and of those said before; a `*` at the end stands for the rest, as in
    /// `prefect.flow-run.*`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.names.insert(name.into());
        self
    }

    /// Leaves out events of this name; a `*` at the end stands for the rest.
    pub fn except(mut self, name: impl Into<String>) -> Self {
        self.except.insert(name.into());
        self
    }

    /// Picks events about a resource with this label: `.about("prefect.resource.id", "bucket.raw.*")`. A `*` at the end
    /// stands for the rest, and a `!` in front for anything else. Saying it again for the same label allows a further
    /// value.
    pub fn about(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.about.entry(label.into()).or_default().push(value.into());
        self
    }

    /// Picks events that are related to a resource with this label, in the form of [`about`](Self::about). All labels said
    /// must be those of one resource.
    pub fn related(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.related.entry(label.into()).or_default().push(value.into());
        self
    }

    /// Picks the event of this id, and those said before.
    pub fn id(mut self, id: Uuid) -> Self {
        self.ids.insert(id);
        self
    }

    /// Picks events that have happened at this moment or later.
    pub fn since(mut self, moment: Timestamp) -> Self {
        self.since = Some(moment);
        self
    }

    /// Picks events that have happened at this moment or before.
    pub fn until(mut self, moment: Timestamp) -> Self {
        self.until = Some(moment);
        self
    }

    /// Tells whether an event is picked.
    #[must_use]
    pub fn fits(&self, event: &Event) -> bool {
        self.since.is_none_or(|since| event.occurred >= since)
            && self.until.is_none_or(|until| event.occurred <= until)
            && (self.names.is_empty() || self.names.iter().any(|name| is_named(&event.event, name)))
            && !self.except.iter().any(|name| is_named(&event.event, name))
            && (self.ids.is_empty() || self.ids.contains(&event.id))
            && has_labels(&event.resource, &self.about)
            && (self.related.is_empty() || event.related.iter().any(|resource| has_labels(resource, &self.related)))
    }
}

/// Tells whether an event of this name is meant by a name that may end in a `*`.
pub(crate) fn is_named(event: &str, name: &str) -> bool {
    match name.strip_suffix('*') {
        Some(prefix) => event.starts_with(prefix),
        None => event == name,
    }
}

/// Tells whether a resource has, of each of these labels, one of the values.
pub(crate) fn has_labels(resource: &Resource, labels: &BTreeMap<String, Vec<String>>) -> bool {
    labels.iter().all(|(label, wanted)| {
        let value = resource.get(label);
        value.is_some_and(|value| wanted.iter().any(|wanted| is_value(value, wanted)))
    })
}

fn is_value(value: &str, wanted: &str) -> bool {
    match wanted.strip_prefix('!') {
        Some(unwanted) => !is_named(value, unwanted),
        None => is_named(value, wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::event;
    use super::*;

    #[test]
    fn names_may_end_in_a_star() {
        let fits = |filter: &EventFilter, name: &str| filter.fits(&event(name, "r", 0));
        let filter = EventFilter::new().name("order.placed").name("user.*").except("user.left");
        for (name, expected) in [
            ("order.placed", true),
            ("order.placed.again", false),
            ("order.*", false),
            ("user.", true),
            ("user.joined", true),
            ("user.left", false),
            ("users", false),
        ] {
            assert_eq!(fits(&filter, name), expected, "{name}");
        }
        assert!(fits(&EventFilter::new(), "anything"));
        assert!(fits(&EventFilter::new().name("*"), "anything"));
    }

    #[test]
    fn labels_are_those_of_one_resource() {
        let mut it = event("a", Resource::new("bucket.raw.7").label("zone", "eu"), 0);
        it.related.push(Resource::new("user.1").with_role("owner"));
        it.related.push(Resource::new("user.2").with_role("reader"));
        let fits = |filter: EventFilter| filter.fits(&it);
        let new = EventFilter::new;
        assert!(fits(new().about("prefect.resource.id", "bucket.raw.*").about("zone", "eu")));
        assert!(fits(new().about("zone", "us").about("zone", "eu")));
        assert!(!fits(new().about("zone", "!eu")));
        assert!(fits(new().about("zone", "!us")));
        assert!(!fits(new().about("region", "!us")), "a label that is not there has no value");
        assert!(fits(new().related("prefect.resource.id", "user.1").related("prefect.resource.role", "owner")));
        assert!(!fits(new().related("prefect.resource.id", "user.1").related("prefect.resource.role", "reader")));
        assert!(!fits(new().about("prefect.resource.id", "user.1")));
    }

    #[test]
    fn times_are_inclusive() {
        let at = Timestamp::from_unix_micros;
        let filter = EventFilter::new().since(at(10)).until(at(20));
        let fits: Vec<i64> = (8..23).filter(|now| filter.fits(&event("a", "r", *now))).collect();
        assert_eq!((fits.first(), fits.last()), (Some(&10), Some(&20)));
        let one = event("a", "r", 5);
        assert!(EventFilter::new().id(one.id).fits(&one));
        assert!(!EventFilter::new().id(Uuid::max()).fits(&one));
    }
}
