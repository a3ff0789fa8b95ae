//! Telling that something has happened.

use std::future::{IntoFuture, ready};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::{self, Timestamp};
use crate::engine::context;
use crate::error::{Error, ErrorKind};
use crate::event;
use crate::happened::{Emitted, Event, Resource};
use crate::id::event_id;
use crate::redact::{redact, redact_json};
use crate::runtime;

/// Events this far apart do not follow each other, as in Prefect: the server gives up waiting for the earlier one.
const FAR_APART: Duration = Duration::from_secs(5 * 60);

/// Tells that something has happened to a resource (Prefect's `emit_event`). Names of events are best made of words with
/// dots between, the last one a participle: `order.placed`.
///
/// In a run the event is related to the flow run, the task run, the flow, the deployment and their tags; outside of runs to
/// nothing but what is said.
///
/// Nothing waits for a server: the event is delivered like the states of runs, also by a later process if it must be.
pub fn emit_event(name: impl Into<String>, resource: impl Into<Resource>) -> EmitEvent {
    EmitEvent {
        name: name.into(),
        resource: resource.into(),
        related: Vec::new(),
        payload: Ok(Map::new()),
        id: None,
        occurred: None,
        follows: None,
    }
}

/// An event that is to be told. Awaiting it gives the [`Event`].
///
/// # Errors
/// Awaiting it gives an error of kind [`Input`](ErrorKind::Input) for what Prefect's server would not take: no name or one of
/// more than 1024 characters, a resource without an id or with more than 500 labels, more than 100 related resources, a
/// payload that is no JSON object, or more than 1 499 000 bytes in all.
#[derive(Clone, Debug)]
#[must_use = "nothing is told until this is awaited"]
pub struct EmitEvent {
    name: String,
    resource: Resource,
    related: Vec<Resource>,
    payload: Result<Map<String, Value>, Error>,
    id: Option<Uuid>,
    occurred: Option<Timestamp>,
    follows: Option<(Uuid, Timestamp)>,
}

impl EmitEvent {
    /// Sets further facts: anything that is an object as JSON, such as a struct, a map or `json!({..})`. Default: none.
    pub fn payload(mut self, payload: impl Serialize) -> Self {
        let refuse = |why: String| Error::new(ErrorKind::Input, format!("the payload of event `{}` {why}", self.name));
        self.payload = match serde_json::to_value(payload) {
            Ok(Value::Object(payload)) => Ok(payload),
            Ok(Value::Null) => Ok(Map::new()),
            Ok(_) => Err(refuse("must be a JSON object".to_owned())),
            Err(error) => Err(refuse("cannot be written as JSON".to_owned()).with_source(error)),
        };
        self
    }

    /// Adds a resource that is involved, and its role: `.related("user", "shop.user.3")`.
    pub fn related(mut self, role: impl Into<String>, resource: impl Into<Resource>) -> Self {
        self.related.push(resource.into().with_role(role));
        self
    }

    /// Sets the id. Two events of the same id are one. Default: a new one.
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets when it has happened. Default: now.
    pub fn occurred(mut self, moment: Timestamp) -> Self {
        self.occurred = Some(moment);
        self
    }

    /// Says that it came after another event, which settles their order for automations. As in Prefect it means nothing if
    /// they are five minutes or more apart.
    pub fn follows(mut self, event: &Event) -> Self {
        self.follows = Some((event.id, event.occurred));
        self
    }

    /// Tells it, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<Event, Error> {
        self.tell()
    }

    fn tell(self) -> Result<Event, Error> {
        let occurred = self.occurred.unwrap_or_else(clock::now);
        let close = |at: Timestamp| occurred.since(at).max(at.since(occurred)) < FAR_APART;
        let mut payload = Value::Object(self.payload?);
        redact_json(&mut payload);
        let (mut resource, mut related) = (self.resource, self.related);
        resource.map_values(redact);
        related.iter_mut().for_each(|one| one.map_values(redact));
        let event = Event {
            id: self.id.unwrap_or_else(|| event_id(clock::now())),
            event: redact(self.name),
            occurred,
            resource,
            related,
            payload: payload.as_object_mut().map(std::mem::take).unwrap_or_default(),
            follows: self.follows.filter(|(_, at)| close(*at)).map(|(id, _)| id),
        }
        .checked()?;
        let (flow_run, task_run) =
            context::with(|context| (context.flow_run().cloned(), context.task.clone())).unwrap_or_default();
        let emitted = Emitted { event, flow_run, task_run };
        let here = emitted.here();
        runtime::ports()?.backend.emit(event::Event::Happened(Box::new(emitted)));
        Ok(here)
    }
}

impl IntoFuture for EmitEvent {
    type Output = Result<Event, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        // At the first poll, as with everything else that is awaited.
        ready(()).map(|()| self.tell()).boxed()
    }
}
