//! The end of the process: what is under way becomes Crashed, and the server hears of it.
//!
//! Nothing here waits for the server, which may be away: what there is to say joins the queue behind everything else.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::server::exit;
use crate::backend::server::queue::Queue;
use crate::backend::server::shared::Shared;
use crate::clock;
use crate::event::{Event, Level, LogRecord};
use crate::run::{FlowRun, TaskRun, Track};
use crate::state::{State, StateName};

/// How long what has happened before may take to be handed on, and how often somebody looks whether it is.
const HANDING_ON: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(1);

/// Brings every run under way to the Crashed state, tasks first.
pub(super) async fn crash_all(shared: &Shared, why: &str) {
    let _crashing = shared.crashing.lock().await;
    let _ = clock::within(HANDING_ON, handed_on(&shared.queue)).await;
    // Those that wait for a server that is away have begun all the same.
    for (run, index) in shared.queue.task_states() {
        shared.active.task_moved(&run, index);
    }
    for run in shared.active.tasks() {
        if let Some((index, state)) = crash(&run.track, why) {
            log(&shared.queue, why, &state, run.flow_run.as_deref(), Some(&run));
            shared.queue.push(Event::TaskState(run, index));
        }
    }
    for run in shared.active.flows() {
        if let Some((_, state)) = crash(&run.track, why) {
            log(&shared.queue, why, &state, Some(&run), None);
            shared.active.flow_ended(&run);
            shared.queue.push(Event::FlowEnded(run, state));
        }
    }
}

async fn handed_on(queue: &Queue) {
    while !queue.is_empty() {
        tokio::time::sleep(LOOK).await;
    }
}

fn crash(track: &Track, why: &str) -> Option<(usize, State)> {
    track.advance(|current| {
        let open = !current.is_some_and(State::is_settled);
        open.then(|| State::new(StateName::Crashed, clock::now()).with_message(why))
    })
}

fn log(queue: &Queue, why: &str, state: &State, flow: Option<&FlowRun>, task: Option<&Arc<TaskRun>>) {
    for message in [format!("Crash detected! {why}"), format!("Finished in state {state}")] {
        let record = LogRecord {
            level: Level::Error,
            message,
            timestamp: clock::now(),
            flow_run_id: flow.map(|run| run.id),
            task_run_id: task.map(|run| run.id),
        };
        exit::say(&record, flow, task);
        queue.push(Event::Log(record));
    }
}
