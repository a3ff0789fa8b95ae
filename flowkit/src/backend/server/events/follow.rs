//! Following the server's events: pushed over a websocket where there is one, and asked for now and then.
//!
//! The server promises little about its websocket: it drops what a slow listener does not take, and what comes while the
//! connection is away is pushed to nobody. So it is asked as well, from a little before the last event on, and what has been
//! given is left out.

use std::sync::Arc;
use std::time::Duration;

use flowkit_client::{Error as Refusal, ErrorKind, EventsSubscription};
use tokio::sync::mpsc::Sender;

use super::seen::Seen;
use super::{PAGE, next};
use crate::backend::convert;
use crate::backend::server::link::patient;
use crate::backend::server::shared::Shared;
use crate::clock;
use crate::error::Error;
use crate::happened::{Event, EventFilter};

/// Pauses between tries to open a websocket grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// How long it is not tried again where no websocket is wanted.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// How often the server is asked where there is no websocket.
const ASK: Duration = Duration::from_secs(1);

/// How often it is asked beside one, at first and then: what it had got just before the websocket was open is stored a few
/// seconds later, and is not pushed.
const FIRST_CHECK: Duration = Duration::from_secs(2);
const CHECK: Duration = Duration::from_secs(30);

/// After this time without a sign of life one is asked for, and after that one the connection is taken for lost.
const QUIET: Duration = Duration::from_secs(20);
const DEAD: Duration = Duration::from_secs(40);

/// How often it is looked whether nobody listens any more.
const LOOK: Duration = Duration::from_secs(5);

/// Somebody who follows events.
struct Follower {
    shared: Arc<Shared>,
    filter: EventFilter,
    seen: Seen,
    tell: Sender<Result<Event, Error>>,
}

/// That nobody listens any more.
struct Gone;

/// Why a websocket is of no use any more.
enum Lost {
    Listener,
    Connection,
}

impl From<Gone> for Lost {
    fn from(_: Gone) -> Self {
        Self::Listener
    }
}

/// Gives events until nobody listens.
pub(super) async fn follow(shared: Arc<Shared>, filter: EventFilter, tell: Sender<Result<Event, Error>>) {
    let seen = Seen::new(filter.since.unwrap_or_else(clock::now));
    // A server that has another time must not leave anything out that is new here.
    let filter = EventFilter { since: None, ..filter };
    let mut follower = Follower { shared, filter, seen, tell };
    // That nobody listens is the only end.
    let _ = follower.run().await;
}

impl Follower {
    async fn run(&mut self) -> Result<(), Gone> {
        let mut pause = FIRST_PAUSE;
        loop {
            let opened = clock::instant();
            match EventsSubscription::open(&self.shared.client, &self.asked()).await {
                Ok(events) => match self.hear(events).await {
                    Err(Lost::Listener) => return Err(Gone),
                    Err(Lost::Connection) | Ok(()) => {}
                },
                Err(error) if is_refusal(&error) => pause = REFUSED_PAUSE,
                Err(_) => {}
            }
            if opened.elapsed() > LAST_PAUSE {
                pause = FIRST_PAUSE;
            }
            let again = clock::instant() + pause;
            pause = (pause * 2).min(LAST_PAUSE);
            while clock::instant() < again {
                // What cannot be asked is asked again.
                if let Ok(done) = self.ask().await {
                    done?;
                }
                if self.tell.is_closed() {
                    return Err(Gone);
                }
                clock::sleep(ASK.min(again.saturating_duration_since(clock::instant()))).await;
            }
        }
    }

    fn asked(&self) -> flowkit_client::model::EventFilter {
        convert::event_filter(&self.filter, Some(self.seen.since().to_utc()), clock::now().to_utc())
    }

    /// Gives an event that has not been given and is asked for.
    async fn give(&mut self, event: Event) -> Result<(), Gone> {
        if self.filter.fits(&event) && self.seen.is_new(event.id, event.occurred) {
            self.tell.send(Ok(event)).await.map_err(|_| Gone)?;
        }
        Ok(())
    }

    /// Asks for what has been missed.
    async fn ask(&mut self) -> Result<Result<(), Gone>, Refusal> {
        let client = patient(&self.shared);
        let mut page = Some(client.filter_events(&self.asked(), PAGE).await?);
        while let Some(read) = page {
            page = next(&client, &read).await?;
            for event in read.events {
                if let Err(gone) = self.give(convert::heard_event(event)).await {
                    return Ok(Err(gone));
                }
            }
        }
        Ok(Ok(()))
    }

    /// Hears events until the connection is lost or nobody listens.
    async fn hear(&mut self, mut events: EventsSubscription) -> Result<(), Lost> {
        let (mut checked, mut check) = (clock::instant(), FIRST_CHECK);
        loop {
            let heard = clock::within(LOOK.min(check), events.next()).await;
            if self.tell.is_closed() {
                events.close().await;
                return Err(Lost::Listener);
            }
            match heard {
                Some(Ok(heard)) => self.give(convert::heard_event(heard)).await?,
                Some(Err(error)) if error.kind() == ErrorKind::Decode => {}
                Some(Err(_)) => return Err(Lost::Connection),
                None if events.silence() > DEAD => return Err(Lost::Connection),
                None if events.silence() > QUIET => events.ping().await.map_err(|_| Lost::Connection)?,
                None => {}
            }
            if checked.elapsed() > check {
                if let Ok(done) = self.ask().await {
                    done?;
                }
                (checked, check) = (clock::instant(), (check * 2).min(CHECK));
            }
        }
    }
}

/// Tells whether the server, or what stands before it, does not want to open a websocket: asking again soon is of no use.
fn is_refusal(error: &Refusal) -> bool {
    error.kind() == ErrorKind::Unauthorized || error.status().is_some_and(|status| (400..500).contains(&status))
}
