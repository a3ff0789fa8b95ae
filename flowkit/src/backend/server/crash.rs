//! The end of the process: what is under way becomes Crashed, and the server hears of it.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::convert;
use crate::backend::server::exit;
use crate::backend::server::outbox::Order;
use crate::backend::server::reporter::hand_on;
use crate::backend::server::shared::Shared;
use crate::clock;
use crate::event::{Event, Level, LogRecord};
use crate::run::{FlowRun, TaskRun, Track};
use crate::state::{State, StateName};

/// How often somebody looks whether everything before has been handed on.
const LOOK: Duration = Duration::from_millis(1);

/// Brings every run under way to the Crashed state, tasks first.
pub(super) async fn crash_all(shared: &Shared, why: &str) {
    let _crashing = shared.crashing.lock().await;
    while !shared.queue.is_empty() {
        tokio::time::sleep(LOOK).await;
    }
    for run in shared.active.tasks() {
        if let Some((index, state)) = crash(&run.track, why) {
            log(shared, why, &state, run.flow_run.as_deref(), Some(&run)).await;
            hand_on(shared, Event::TaskState(run, index)).await;
        }
    }
    for run in shared.active.flows() {
        if let Some((_, state)) = crash(&run.track, why) {
            log(shared, why, &state, Some(&run), None).await;
            shared.active.flow_ended(&run);
            let order = Order::SetState { run, state: Box::new(convert::proposed(&state)), force: true };
            shared.outbox.push(order, None);
        }
    }
}

fn crash(track: &Track, why: &str) -> Option<(usize, State)> {
    track.advance(|current| {
        let open = !current.is_some_and(State::is_settled);
        open.then(|| State::new(StateName::Crashed, clock::now()).with_message(why))
    })
}

async fn log(shared: &Shared, why: &str, state: &State, flow: Option<&FlowRun>, task: Option<&Arc<TaskRun>>) {
    for message in [format!("Crash detected! {why}"), format!("Finished in state {state}")] {
        let record = LogRecord {
            level: Level::Error,
            message,
            timestamp: clock::now(),
            flow_run_id: flow.map(|run| run.id),
            task_run_id: task.map(|run| run.id),
        };
        exit::say(&record, flow, task);
        hand_on(shared, Event::Log(record)).await;
    }
}
