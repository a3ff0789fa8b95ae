//! Events over HTTP. [`EventsChannel`](crate::EventsChannel) is the way to send many.

use serde::Serialize;

use crate::model::{Event, EventFilter, EventPage};
use crate::request::{Ignored, Method, Request};

/// Stores events. The server refuses the whole list if one of them is not valid.
pub fn create(events: &[Event]) -> Request<Ignored> {
    Request::new(Method::Post, "/events").json(events)
}

/// Reads the first page of the events a filter picks; `limit` is the size of a page, at most 50.
pub fn filter(filter: &EventFilter, limit: u32) -> Request<EventPage> {
    #[derive(Serialize)]
    struct Body<'a> {
        filter: &'a EventFilter,
        limit: u32,
    }
    Request::new(Method::Post, "/events/filter").json(&Body { filter, limit: limit.min(MAX_PAGE) })
}

const MAX_PAGE: u32 = 50;
