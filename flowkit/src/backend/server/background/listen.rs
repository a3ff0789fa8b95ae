//! Runs that the server hands out over a websocket. An accelerator: whoever serves tasks looks for runs as well.

use std::sync::Arc;
use std::time::Duration;

use flowkit_client::TaskRunsSubscription;
use tokio::sync::{mpsc, oneshot};

use crate::backend::convert;
use crate::backend::server::shared::Shared;
use crate::clock;
use crate::defer::Heard;

/// Pauses between tries to open a websocket grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// How long a run is kept from others that could not be accepted at once.
const HOLD: Duration = Duration::from_secs(1);

/// Hands runs on, until nobody receives any more.
pub(super) async fn listen(shared: Arc<Shared>, keys: Vec<&'static str>, to: mpsc::Sender<Heard>) {
    let name = subscriber();
    let mut pause = FIRST_PAUSE;
    while !to.is_closed() {
        // Whoever has no room for more lets what was handed on wait, and must not be handed any more.
        let Ok(room) = to.reserve().await else { return };
        match TaskRunsSubscription::open(&shared.client, &keys, &name).await {
            Ok(runs) => {
                room.send(Heard::Open);
                if let Err(why) = hand_on(runs, &to).await {
                    if to.send(Heard::Closed(why)).await.is_err() {
                        return;
                    }
                } else {
                    pause = FIRST_PAUSE;
                    continue;
                }
            }
            Err(error) => room.send(Heard::Closed(error.to_string())),
        }
        clock::sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Hands runs on until the connection is lost, which is an error, or somebody has no room for the next one.
async fn hand_on(mut runs: TaskRunsSubscription, to: &mpsc::Sender<Heard>) -> Result<(), String> {
    loop {
        let run = tokio::select! {
            run = runs.next() => run.map_err(|error| error.to_string())?,
            () = to.closed() => break,
        };
        let Some(run) = convert::known_deferred(run) else {
            // Nobody could do anything with it.
            runs.accept().await.map_err(|error| error.to_string())?;
            continue;
        };
        let (accept, accepted) = oneshot::channel();
        let handed = async { to.send(Heard::Run(Box::new(run), accept)).await.is_ok() && accepted.await.is_ok() };
        // Without an answer the server hands it to somebody else.
        if clock::within(HOLD, handed).await != Some(true) {
            break;
        }
        runs.accept().await.map_err(|error| error.to_string())?;
    }
    runs.close().await;
    Ok(())
}

/// What the server calls this process, as Prefect's task workers are called.
fn subscriber() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    format!("{}-{}", if host.is_empty() { "flowkit" } else { host }, std::process::id())
}
