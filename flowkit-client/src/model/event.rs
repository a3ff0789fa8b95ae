//! Events.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{JsonObject, RelatedResource, Resource, or_default, timestamp};
use crate::error::{Error, ErrorKind};

/// How many related resources the server accepts.
pub(crate) const MAX_RELATED: usize = 100;
/// How many labels the server accepts on one resource.
pub(crate) const MAX_LABELS: usize = 500;
/// How many bytes of JSON we send. The server accepts 1 500 000 but counts after adding a time, and drops what is
/// larger without a word.
pub(crate) const MAX_BYTES: usize = 1_499_000;
/// How many characters the name of an event may have.
pub(crate) const MAX_NAME: usize = 1024;

/// Tells that something happened. For a task run's state the id is the id of the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it happened.
    #[serde(with = "timestamp")]
    pub occurred: DateTime<Utc>,
    /// What happened, such as `prefect.task-run.Completed`.
    pub event: String,
    /// What it happened to.
    pub resource: Resource,
    /// What else is involved: at most 100.
    #[serde(default, deserialize_with = "or_default")]
    pub related: Vec<RelatedResource>,
    /// More facts.
    #[serde(default, deserialize_with = "or_default")]
    pub payload: JsonObject,
    /// The id, a version 7 UUID. The server drops a second event with the same id.
    pub id: Uuid,
    /// The id of the event that came before it, if that is less than five minutes old.
    #[serde(default)]
    pub follows: Option<Uuid>,
}

impl Event {
    /// Tells that something happens now, under a new id.
    pub fn new(event: impl Into<String>, resource: Resource) -> Self {
        Self {
            occurred: Utc::now(),
            event: event.into(),
            resource,
            related: Vec::new(),
            payload: JsonObject::new(),
            id: Uuid::now_v7(),
            follows: None,
        }
    }

    /// Checks what the server checks, which takes an event that is too large or not valid and throws it away.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Validation`] names what the server would not accept.
    pub fn check(&self) -> Result<(), Error> {
        self.to_frame().map(drop)
    }

    /// Writes the event as the server reads it, after checking what the server checks: it drops the whole
    /// connection over one event it does not like.
    pub(crate) fn to_frame(&self) -> Result<String, Error> {
        let refuse =
            |why: String| Err(Error::new(ErrorKind::Validation, format!("event `{}` {}: {why}", self.event, self.id)));
        if self.event.is_empty() {
            return refuse("it has no name".into());
        }
        if self.event.chars().count() > MAX_NAME {
            return refuse(format!("its name has more than {MAX_NAME} characters"));
        }
        if self.id.is_nil() {
            return refuse("its id is nil".into());
        }
        if self.related.len() > MAX_RELATED {
            return refuse(format!(
                "it has {} related resources, at most {MAX_RELATED} are accepted",
                self.related.len()
            ));
        }
        for resource in std::iter::once(&self.resource).chain(self.related.iter().map(RelatedResource::resource)) {
            if resource.id().is_empty() {
                return refuse("a resource has no `prefect.resource.id`".into());
            }
            if resource.labels().len() > MAX_LABELS {
                return refuse(format!(
                    "a resource has {} labels, at most {MAX_LABELS} are accepted",
                    resource.labels().len()
                ));
            }
        }
        if self.related.iter().any(|related| related.role().is_empty()) {
            return refuse("a related resource has no role".into());
        }
        let frame = serde_json::to_string(self)
            .map_err(|error| Error::new(ErrorKind::Encode, "the event cannot be written as json").with_source(error))?;
        if frame.len() > MAX_BYTES {
            return refuse(format!("it has {} bytes, at most {MAX_BYTES} are accepted", frame.len()));
        }
        Ok(frame)
    }
}

/// Describes an event the server has stored.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ReceivedEvent {
    /// The event as it was sent.
    #[serde(flatten)]
    pub event: Event,
    /// When the server got it.
    #[serde(default)]
    pub received: Option<DateTime<Utc>>,
}

/// Holds some of the events that match a filter.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct EventPage {
    /// The events of this page.
    #[serde(default, deserialize_with = "or_default")]
    pub events: Vec<ReceivedEvent>,
    /// How many match in all.
    #[serde(default, deserialize_with = "or_default")]
    pub total: u64,
    /// Where the next page is, if there is one.
    #[serde(default)]
    pub next_page: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event::new("test.happened", Resource::new("test.1"))
    }

    #[test]
    fn the_frame_has_the_recorded_shape() {
        let event = Event {
            occurred: DateTime::UNIX_EPOCH,
            id: Uuid::from_u128(9),
            related: vec![RelatedResource::new("flow-run", "prefect.flow-run.1").name("brave-fox")],
            ..event()
        };
        assert_eq!(
            event.to_frame().expect("valid"),
            r#"{"occurred":"1970-01-01T00:00:00.000000Z","event":"test.happened","resource":{"prefect.resource.id":"test.1"},"related":[{"prefect.resource.id":"prefect.flow-run.1","prefect.resource.name":"brave-fox","prefect.resource.role":"flow-run"}],"payload":{},"id":"00000000-0000-0000-0000-000000000009","follows":null}"#
        );
    }

    #[test]
    fn what_would_poison_the_socket_is_refused() {
        let related = |n: usize| (0..n).map(|n| RelatedResource::tag(&n.to_string())).collect::<Vec<_>>();
        let labelled = |n: usize| (1..n).fold(Resource::new("r"), |r, n| r.label(n.to_string(), ""));
        let mut big = JsonObject::new();
        big.insert("text".into(), "x".repeat(MAX_BYTES).into());
        for (event, why) in [
            (Event { id: Uuid::nil(), ..event() }, "id is nil"),
            (Event { event: String::new(), ..event() }, "no name"),
            (Event { event: "é".repeat(MAX_NAME + 1), ..event() }, "more than 1024"),
            (Event { related: related(101), ..event() }, "101 related"),
            (Event { resource: labelled(501), ..event() }, "501 labels"),
            (Event { resource: Resource::new(""), ..event() }, "no `prefect.resource.id`"),
            (Event { related: vec![RelatedResource::new("", "x")], ..event() }, "no role"),
            (Event { payload: big, ..event() }, "at most 1499000"),
        ] {
            let error = event.to_frame().expect_err(why);
            assert!(error.is_validation() && error.to_string().contains(why), "{error}");
        }
        assert!(Event { related: related(100), resource: labelled(500), ..event() }.to_frame().is_ok());
    }
}
