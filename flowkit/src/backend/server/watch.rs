//! What others do to the flow runs under way: pushed over a websocket where there is one, and asked for now and then.

use std::sync::Arc;
use std::time::Duration;

use flowkit_client::EventsSubscription;
use flowkit_client::RetryPolicy;
use flowkit_client::model::{EventFilter, FlowRunFilter, FlowRunQuery, MAX_LIMIT, StateType};
use uuid::Uuid;

use crate::backend::convert;
use crate::backend::server::shared::Shared;
use crate::clock;
use crate::id::FlowRunId;

/// A program whose flow runs are shorter opens no websocket.
const YOUNG: Duration = Duration::from_millis(1500);

/// How often somebody looks whether a websocket is of use.
const LOOK: Duration = Duration::from_millis(500);

/// A websocket without any flow run under way is closed after this time.
const IDLE: Duration = Duration::from_secs(30);

/// Pauses between tries to open a websocket grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(60);

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The states that a flow run is put into by others so that it stops.
const STOPPED: [StateType; 5] =
    [StateType::Cancelling, StateType::Cancelled, StateType::Crashed, StateType::Failed, StateType::Completed];

/// Asks from time to time, in case nothing is pushed.
pub(super) async fn ask(shared: Arc<Shared>, every: Duration) {
    loop {
        // As Prefect's runner does it, so that many processes do not ask at once.
        clock::sleep(every.mul_f64(0.7 + 0.6 * fastrand::f64())).await;
        look(&shared, &shared.active.watched()).await;
    }
}

/// Listens while there are flow runs that have gone on for a while.
pub(super) async fn listen(shared: Arc<Shared>) {
    let mut pause = FIRST_PAUSE;
    loop {
        clock::sleep(LOOK).await;
        if !shared.active.has_older_than(YOUNG) {
            continue;
        }
        let now = clock::now().to_utc();
        let filter = EventFilter::default()
            .names(["prefect.flow-run.Cancelling", "prefect.flow-run.Cancelled"])
            .between(now - chrono::Duration::minutes(1), now + chrono::Duration::days(365));
        // Why it does not open is of no use to anybody: the questions go on.
        if let Ok(events) = EventsSubscription::open(&shared.client, &filter).await {
            let opened = clock::instant();
            // What has happened before the websocket was open is not pushed.
            look(&shared, &shared.active.watched()).await;
            hear(&shared, events).await;
            if opened.elapsed() > LAST_PAUSE {
                pause = FIRST_PAUSE;
            }
        }
        clock::sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Hears events until the connection is lost or of no more use.
async fn hear(shared: &Shared, mut events: EventsSubscription) {
    let mut used = clock::instant();
    while used.elapsed() < IDLE {
        if shared.active.has_older_than(Duration::ZERO) {
            used = clock::instant();
        }
        let heard = match clock::within(IDLE / 4, events.next()).await {
            None => continue,
            Some(Err(error)) if error.kind() == flowkit_client::ErrorKind::Decode => continue,
            Some(Err(_)) => return,
            Some(Ok(heard)) => heard,
        };
        let id = heard.event.resource.id().strip_prefix("prefect.flow-run.").and_then(|id| id.parse::<Uuid>().ok());
        let ours: Vec<FlowRunId> =
            shared.active.watched().into_iter().filter(|run| Some(shared.known_id(*run)) == id).collect();
        look(shared, &ours).await;
    }
    events.close().await;
}

/// Looks which of these flow runs others have put into a state that stops them, and says so.
pub(super) async fn look(shared: &Shared, runs: &[FlowRunId]) {
    let client = shared.client.with_deadline(PATIENCE).with_retry(RetryPolicy::none());
    for runs in runs.chunks(MAX_LIMIT as usize) {
        let ids: Vec<Uuid> = runs.iter().map(|run| shared.known_id(*run)).collect();
        let filter = FlowRunFilter::default().ids(ids.iter().copied()).state_types(STOPPED);
        // A question that is not answered is asked again later.
        let Ok(found) = client.filter_flow_runs(&FlowRunQuery::new(filter).limit(MAX_LIMIT)).await else { return };
        for run in found {
            let ours = runs.iter().zip(&ids).find(|(_, id)| **id == run.id);
            if let (Some((ours, _)), Some(state)) = (ours, &run.state) {
                shared.active.tell(*ours, convert::answered(state));
            }
        }
    }
}
