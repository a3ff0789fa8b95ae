//! Hearing at once of runs that are scheduled. An accelerator: whoever serves asks now and then as well.

use std::sync::{Arc, Weak};
use std::time::Duration;

use flowkit_client::EventsSubscription;
use flowkit_client::model::{EventFilter, ReceivedEvent};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::backend::convert;
use crate::backend::server::shared::Shared;
use crate::clock;

/// Pauses between tries to open a websocket grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(60);

/// How long it may take to notice that nobody listens any more.
const LOOK: Duration = Duration::from_secs(10);

/// Says when a run of one of these deployments is scheduled, until nobody listens.
pub(super) async fn listen(shared: Arc<Shared>, deployments: Vec<Uuid>, told: Weak<Notify>) {
    let owners: Vec<String> = deployments.into_iter().map(convert::owner).collect();
    let mut pause = FIRST_PAUSE;
    while told.strong_count() > 0 {
        let now = clock::now().to_utc();
        let filter = EventFilter::default()
            .names(["prefect.flow-run.Scheduled", "prefect.flow-run.Resuming", "prefect.flow-run.AwaitingRetry"])
            .between(now, now + chrono::Duration::days(365));
        // Why it does not open is of no use to anybody: the questions go on.
        if let Ok(events) = EventsSubscription::open(&shared.client, &filter).await {
            let opened = clock::instant();
            hear(events, &owners, &told).await;
            if opened.elapsed() > LAST_PAUSE {
                pause = FIRST_PAUSE;
            }
        }
        clock::sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Hears events until the connection is lost or nobody listens.
async fn hear(mut events: EventsSubscription, owners: &[String], told: &Weak<Notify>) {
    loop {
        let heard = match clock::within(LOOK, events.next()).await {
            None if told.strong_count() == 0 => break,
            None => continue,
            Some(Err(error)) if error.kind() == flowkit_client::ErrorKind::Decode => continue,
            Some(Err(_)) => return,
            Some(Ok(heard)) => heard,
        };
        let Some(told) = told.upgrade() else { break };
        if is_of(&heard, owners) {
            told.notify_one();
        }
    }
    events.close().await;
}

fn is_of(heard: &ReceivedEvent, owners: &[String]) -> bool {
    heard.event.related.iter().any(|related| owners.iter().any(|owner| owner == related.resource().id()))
}
