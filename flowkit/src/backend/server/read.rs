//! What the server knows about a run, of whatever process.

use std::time::Duration;

use flowkit_client::Client;

use crate::backend::convert;
use crate::clock;
use crate::error::{Error, ErrorKind};
use crate::id::RunId;
use crate::state::State;

/// How long the server may take to store what a task run has reported.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait before asking again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Returns the present state of a run. Task runs are reported by events, which the server stores when it has time: one
/// that it does not know as ended yet is asked for again for a while.
pub(super) async fn state_of(client: &Client, run: RunId) -> Result<Option<State>, Error> {
    let failed = |error: flowkit_client::Error| {
        Error::new(ErrorKind::Backend, format!("the server did not tell the state of {run}")).with_source(error)
    };
    let id = match run {
        RunId::Task(id) => id.uuid(),
        RunId::Flow(id) => {
            return match client.read_flow_run(id.uuid()).await {
                Ok(run) => Ok(run.state.as_ref().map(convert::answered)),
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(failed(error)),
            };
        }
    };
    let asked = clock::instant();
    loop {
        let run = client.read_task_run(id).await.map_err(failed)?;
        let state = run.and_then(|run| run.state).map(|state| convert::answered(&state));
        if state.as_ref().is_some_and(State::is_settled) || asked.elapsed() >= PATIENCE {
            return Ok(state);
        }
        clock::sleep(ASK_AGAIN).await;
    }
}
