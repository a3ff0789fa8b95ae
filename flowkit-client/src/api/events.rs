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

/// Reads the page after one that has been read; `None` if there is none.
///
/// The server writes the whole address, as it sees itself; only what names the page is taken from it.
pub fn next_page(page: &EventPage) -> Option<Request<EventPage>> {
    let address = page.next_page.as_deref()?;
    let (_, query) = address.split_once('?')?;
    let token = query.split('&').find_map(|pair| pair.strip_prefix("page-token="))?;
    Some(Request::new(Method::Get, "/events/filter/next").query("page-token", unescaped(token)))
}

/// Undoes what little has to be escaped in Base64.
fn unescaped(token: &str) -> String {
    token
        .replace("%3D", "=")
        .replace("%3d", "=")
        .replace("%2B", "+")
        .replace("%2b", "+")
        .replace("%2F", "/")
        .replace("%2f", "/")
}

const MAX_PAGE: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_of_the_server_that_gave_the_first() {
        let page = |next: &str| -> EventPage {
            serde_json::from_value(serde_json::json!({"events": [], "total": 0, "next_page": next})).expect("a page")
        };
        let next =
            next_page(&page("http://inside:4200/api/events/filter/next?page-token=YWI%3D")).expect("there is one");
        assert_eq!(next.path(), "/events/filter/next");
        assert_eq!(next.target(), "/events/filter/next?page-token=YWI%3D");
        assert!(next_page(&page("http://inside:4200/api/events")).is_none());
    }
}
