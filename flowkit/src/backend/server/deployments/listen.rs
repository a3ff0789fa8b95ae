//! Hearing at once of runs that are scheduled. An accelerator: whoever serves asks now and then as well.

use std::sync::{Arc, Weak};
use std::time::Duration;

use flowkit_client::model::{EventFilter, ReceivedEvent};
use flowkit_client::{Error, ErrorKind, EventsSubscription};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::backend::convert;
use crate::backend::server::shared::Shared;
use crate::clock;

/// Pauses between tries to open a websocket grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(10);

/// The last pause when the server does not want to open one.
const REFUSED_PAUSE: Duration = Duration::from_secs(300);

/// How long it may take to notice that nobody listens any more, or that nothing comes.
const LOOK: Duration = Duration::from_secs(10);

/// After this time without a sign of life one is asked for, and after that one the connection is taken for lost.
const QUIET: Duration = Duration::from_secs(25);
const DEAD: Duration = Duration::from_secs(60);

/// Says when a run of one of these deployments is scheduled, until nobody listens.
pub(super) async fn listen(shared: Arc<Shared>, deployments: Vec<Uuid>, told: Weak<Notify>) {
    let owners: Vec<String> = deployments.into_iter().map(convert::owner).collect();
    let (mut pause, mut refusal_told) = (FIRST_PAUSE, false);
    while let Some(listener) = told.upgrade() {
        let now = clock::now().to_utc();
        let filter = EventFilter::default()
            .names(["prefect.flow-run.Scheduled", "prefect.flow-run.Resuming", "prefect.flow-run.AwaitingRetry"])
            .between(now, now + chrono::Duration::days(365));
        let opened = clock::instant();
        let lost = match EventsSubscription::open(&shared.client, &filter).await {
            Ok(events) => {
                // What was scheduled before is not pushed.
                listener.notify_one();
                drop(listener);
                hear(events, &owners, &told).await
            }
            Err(error) => Err(error),
        };
        if opened.elapsed() > LAST_PAUSE {
            (pause, refusal_told) = (FIRST_PAUSE, false);
        }
        let mut longest = LAST_PAUSE;
        // That the server is away is noticed by asking as well.
        if let Some(error) = lost.err().filter(is_refusal) {
            longest = REFUSED_PAUSE;
            if !std::mem::replace(&mut refusal_told, true) {
                tracing::warn!(target: "flowkit::serve", "{error}: runs are found by asking only, each a little later");
            }
        }
        clock::sleep(pause.mul_f64(0.7 + 0.6 * fastrand::f64())).await;
        pause = (pause * 2).min(longest);
    }
}

/// Tells whether the server, or what stands before it, does not want to open a websocket: asking again soon is of no use.
fn is_refusal(error: &Error) -> bool {
    error.kind() == ErrorKind::Unauthorized || error.status().is_some_and(|status| (400..500).contains(&status))
}

/// Hears events until the connection is lost or nobody listens.
async fn hear(mut events: EventsSubscription, owners: &[String], told: &Weak<Notify>) -> Result<(), Error> {
    loop {
        let heard = match clock::within(LOOK, events.next()).await {
            None if told.strong_count() == 0 => break,
            None if events.silence() > DEAD => return Ok(()),
            None if events.silence() > QUIET => {
                events.ping().await?;
                continue;
            }
            None => continue,
            Some(Err(error)) if error.kind() == ErrorKind::Decode => continue,
            Some(Err(error)) => return Err(error),
            Some(Ok(heard)) => heard,
        };
        let Some(told) = told.upgrade() else { break };
        if is_of(&heard, owners) {
            told.notify_one();
        }
    }
    events.close().await;
    Ok(())
}

fn is_of(heard: &ReceivedEvent, owners: &[String]) -> bool {
    heard.event.related.iter().any(|related| owners.iter().any(|owner| owner == related.resource().id()))
}
