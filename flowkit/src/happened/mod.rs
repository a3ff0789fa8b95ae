//! What programs and runs tell the world (Prefect's events): plain data, and which events somebody asks for.

mod context;
mod filter;
mod resource;
mod run_state;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};

pub(crate) use context::{Around, Emitted};
pub use filter::EventFilter;
pub use resource::Resource;
pub(crate) use run_state::state_event;

/// How many related resources an event may have, as in Prefect.
pub(crate) const MOST_RELATED: usize = 100;

/// How many labels a resource may have, as in Prefect.
const MOST_LABELS: usize = 500;

/// How many bytes of JSON an event may be; Prefect's server drops larger ones without a word.
const MOST_BYTES: usize = 1_499_000;

/// How many characters the name of an event may have, as in Prefect.
const LONGEST_NAME: usize = 1024;

/// Something that happened (Prefect's `Event`). Written as JSON it is what Prefect's API shows.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// The id, which grows with time.
    pub id: Uuid,
    /// What happened, such as `order.placed` or `prefect.flow-run.Completed`.
    pub event: String,
    /// When it happened, by the clock of whoever tells it.
    pub occurred: Timestamp,
    /// What it happened to.
    pub resource: Resource,
    /// What else is involved, each in its role.
    #[serde(default)]
    pub related: Vec<Resource>,
    /// More facts, an object.
    #[serde(default)]
    pub payload: Map<String, Value>,
    /// The event that came before it, if that is known.
    #[serde(default)]
    pub follows: Option<Uuid>,
}

impl Event {
    /// Refuses what Prefect's server would refuse, or drop.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        let refuse = |why: String| Err(Error::new(ErrorKind::Input, format!("event `{}` {why}", shown(&self.event))));
        if self.event.is_empty() {
            return Err(Error::new(ErrorKind::Input, "an event has no name"));
        }
        let length = self.event.chars().count();
        if length > LONGEST_NAME {
            return refuse(format!("has a name of {length} characters: at most {LONGEST_NAME} are accepted"));
        }
        if self.id.is_nil() {
            return refuse("has the nil UUID as its id, which is none".to_owned());
        }
        if self.related.len() > MOST_RELATED {
            let count = self.related.len();
            return refuse(format!("has {count} related resources: at most {MOST_RELATED} are accepted"));
        }
        for resource in std::iter::once(&self.resource).chain(&self.related) {
            if resource.id().is_empty() {
                return refuse("has a resource without an id (`prefect.resource.id`)".to_owned());
            }
            let labels = resource.labels().len();
            if labels > MOST_LABELS {
                let id = shown(resource.id());
                return refuse(format!(
                    "has a resource `{id}` with {labels} labels: at most {MOST_LABELS} are accepted"
                ));
            }
        }
        if let Some(resource) = self.related.iter().find(|resource| resource.role().is_empty()) {
            let id = shown(resource.id());
            return refuse(format!("has a related resource `{id}` without a role (`prefect.resource.role`)"));
        }
        match serde_json::to_vec(&self).map_or(usize::MAX, |json| json.len()) {
            ..=MOST_BYTES => Ok(self),
            bytes => refuse(format!("is {bytes} bytes of JSON: at most {MOST_BYTES} are accepted")),
        }
    }
}

/// The beginning of a text, for an error.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown.escape_debug().to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An event of a test, at so many microseconds.
    pub(crate) fn event(name: &str, resource: impl Into<Resource>, at: i64) -> Event {
        Event {
            id: Uuid::from_u128(u128::from(at.unsigned_abs()) + 1),
            event: name.to_owned(),
            occurred: Timestamp::from_unix_micros(at),
            resource: resource.into(),
            related: Vec::new(),
            payload: Map::new(),
            follows: None,
        }
    }

    #[test]
    fn what_the_server_would_refuse_or_drop_is_refused() {
        let sound = || event("order.placed", "shop.order.7", 0);
        let related = |count: usize| (0..count).map(|n| Resource::new(n.to_string()).with_role("item")).collect();
        let labelled = |count: usize| (1..count).fold(Resource::new("r"), |r, n| r.label(n.to_string(), ""));
        let long = Value::String("x".repeat(MOST_BYTES));
        for (event, why) in [
            (Event { event: String::new(), ..sound() }, "an event has no name"),
            (Event { event: "é".repeat(1025), ..sound() }, "a name of 1025 characters: at most 1024"),
            (Event { id: Uuid::nil(), ..sound() }, "the nil UUID"),
            (Event { related: related(101), ..sound() }, "`order.placed` has 101 related resources: at most 100"),
            (Event { resource: Resource::new(""), ..sound() }, "without an id"),
            (Event { resource: labelled(501), ..sound() }, "`r` with 501 labels: at most 500"),
            (Event { related: vec![Resource::new("a")], ..sound() }, "`a` without a role"),
            (Event { payload: [("a".to_owned(), long)].into_iter().collect(), ..sound() }, "at most 1499000"),
        ] {
            let error = event.checked().expect_err(why);
            assert_eq!(error.kind(), ErrorKind::Input);
            assert!(error.to_string().contains(why), "{error}");
        }
        Event { related: related(100), resource: labelled(500), ..sound() }.checked().expect("it is sound");
    }

    #[test]
    fn an_event_is_written_as_prefect_writes_it() {
        let mut event = event("order.placed", Resource::new("shop.order.7").name("seventh"), 0);
        event.related.push(Resource::new("shop.user.1").with_role("user"));
        let json = serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000001",
            "event": "order.placed",
            "occurred": "1970-01-01T00:00:00.000000Z",
            "resource": {"prefect.resource.id": "shop.order.7", "prefect.resource.name": "seventh"},
            "related": [{"prefect.resource.id": "shop.user.1", "prefect.resource.role": "user"}],
            "payload": {},
            "follows": null,
        });
        assert_eq!(serde_json::to_value(&event).expect("JSON"), json);
        assert_eq!(serde_json::from_value::<Event>(json).expect("an event"), event);
    }
}
