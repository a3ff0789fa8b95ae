//! The end of the process from outside: what is under way becomes Crashed, and the server hears of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::backend::convert;
use crate::backend::server::exit;
use crate::backend::server::outbox::Order;
use crate::backend::server::reporter::{Ask, hand_on};
use crate::backend::server::shared::Shared;
use crate::clock;
use crate::event::{Event, Level, LogRecord};
use crate::run::{FlowRun, TaskRun, Track};
use crate::state::{State, StateName};

/// How long delivery after a signal may stand still.
const PATIENCE: Duration = Duration::from_secs(5);

/// Waits for SIGINT and SIGTERM. The first one is reported and then has its usual effect; the second has it at once.
pub(super) async fn watch(reporter: UnboundedSender<Ask>) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    let (number, what) = tokio::select! {
        _ = interrupt.recv() => (signal_hook::consts::SIGINT, "an interrupt signal"),
        _ = terminate.recv() => (signal_hook::consts::SIGTERM, "a termination signal"),
    };
    let report = async {
        let (done, reported) = oneshot::channel();
        let why = format!("Execution was aborted by {what}.");
        let _ = reporter.send(Ask::Crash(why, Box::new(|| exit::ignore(done.send(())))));
        let _ = reported.await;
        let (done, flushed) = oneshot::channel();
        let _ = reporter.send(Ask::Flush(PATIENCE, Box::new(|left| exit::ignore(done.send(left)))));
        if let Ok(left) = flushed.await {
            exit::state(&left);
        }
    };
    tokio::select! {
        () = report => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    // Fails only for a number that is no signal.
    let _ = signal_hook::low_level::emulate_default_handler(number);
}

/// Brings every run under way to the Crashed state, tasks first.
pub(super) async fn crash_all(shared: &Shared, why: &str) {
    while !shared.queue.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
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
