//! Events of the server: reading them, and following them without loss.

mod follow;
mod seen;

use flowkit_client::Client;
use flowkit_client::model::EventPage;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt, unfold};
use tokio::sync::mpsc;

use super::Server;
use super::link::patient;
use super::reporter::Ask;
use crate::backend::convert;
use crate::clock::{self, Timestamp};
use crate::error::{Error, ErrorKind};
use crate::feed::Feed;
use crate::happened::{Event, EventFilter};

/// How many events may wait for whoever follows them; the server is asked again for what it has dropped meanwhile.
const BUFFER: usize = 1000;

/// How many events a page has.
const PAGE: u32 = 50;

impl Feed for Server {
    fn past_events(&self, filter: EventFilter) -> BoxFuture<'_, Result<Vec<Event>, Error>> {
        self.job(move |shared| async move {
            let now = clock::now();
            let filter = EventFilter { until: filter.until.or(Some(now)), ..filter };
            let asked = convert::event_filter(&filter, filter.since.map(Timestamp::to_utc), now.to_utc());
            let client = patient(&shared);
            let mut events = Vec::new();
            let failed =
                |error| Error::new(ErrorKind::Backend, "the server did not tell its events").with_source(error);
            let mut page = Some(client.filter_events(&asked, PAGE).await.map_err(failed)?);
            while let Some(read) = page {
                page = next(&client, &read).await.map_err(failed)?;
                events.extend(read.events.into_iter().map(convert::heard_event).filter(|event| filter.fits(event)));
            }
            Ok(events)
        })
    }

    fn follow_events(&self, filter: EventFilter) -> BoxStream<'static, Result<Event, Error>> {
        let (tell, told) = mpsc::channel(BUFFER);
        let following = Box::new(move |shared| follow::follow(shared, filter, tell).boxed());
        // If the thread is gone, the stream ends.
        let _ = self.reporter.send(Ask::Do(following));
        unfold(told, async |mut told| told.recv().await.map(|event| (event, told))).boxed()
    }
}

/// Reads the page after another one. The server sends none that is empty, but for the first.
async fn next(client: &Client, page: &EventPage) -> Result<Option<EventPage>, flowkit_client::Error> {
    if page.events.is_empty() {
        return Ok(None);
    }
    client.next_events(page).await
}
