//! Events in the file: memory has the newest of this process, and the file has what programs have told.

use std::collections::HashSet;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt, iter, once};
use rusqlite::{Connection, params};

use super::statements::Rows;
use super::{Embedded, schema};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::feed::Feed;
use crate::happened::{Event, EventFilter};

impl Feed for Embedded {
    fn past_events(&self, filter: EventFilter) -> BoxFuture<'_, Result<Vec<Event>, Error>> {
        async move {
            let newest = self.memory.kept_events(&filter);
            let kept = self.query(move |file| events(file, &filter)).await?;
            Ok(merged(kept, newest))
        }
        .boxed()
    }

    fn follow_events(&self, filter: EventFilter) -> BoxStream<'static, Result<Event, Error>> {
        let (newest, more) = self.memory.events_and_more(filter.clone());
        let kept = self.ask(move |file| events(file, &filter));
        let past = async move {
            match kept.await {
                Ok(kept) => iter(merged(kept, newest)).map(Ok).boxed(),
                Err(error) => once(async { Err(error) }).boxed(),
            }
        };
        once(past).flatten().chain(more).boxed()
    }
}

/// All events, each once, in the order of time.
fn merged(kept: Vec<Event>, newest: Vec<Event>) -> Vec<Event> {
    let known: HashSet<_> = newest.iter().map(|event| event.id).collect();
    let mut all: Vec<Event> = kept.into_iter().filter(|event| !known.contains(&event.id)).chain(newest).collect();
    all.sort_by_key(|event| event.occurred);
    all
}

impl Rows<'_> {
    pub(super) fn add_event(&mut self, event: &Event) -> rusqlite::Result<()> {
        let text = serde_json::to_string(event).unwrap_or_default();
        self.connection
            .prepare_cached("INSERT INTO event VALUES(?, ?, ?) ON CONFLICT DO NOTHING")?
            .execute(params![event.occurred.unix_micros(), event.id.as_bytes(), text])
            .map(drop)
    }
}

/// Lists events, the oldest first.
pub(super) fn events(file: &Connection, filter: &EventFilter) -> rusqlite::Result<Vec<Event>> {
    if schema::version(file)? < schema::WITH_EVENTS {
        return Ok(Vec::new());
    }
    let mut statement = file.prepare_cached("SELECT event FROM event WHERE at BETWEEN ? AND ? ORDER BY at, id")?;
    let since = filter.since.map_or(i64::MIN, Timestamp::unix_micros);
    let until = filter.until.map_or(i64::MAX, Timestamp::unix_micros);
    let texts = statement.query_map([since, until], |row| row.get::<_, String>(0))?;
    let mut events = Vec::new();
    for text in texts {
        events.extend(serde_json::from_str(&text?).ok().filter(|event| filter.fits(event)));
    }
    Ok(events)
}
