//! The last words of the process: everything is delivered, or it is kept for a later one, or it is said what is lost.

use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::backend::server::patience::Patience;
use crate::backend::server::reporter::Ask;
use crate::backend::server::wait::{Waited, wait};
use crate::backend::{Undelivered, at_exit};
use crate::event::LogRecord;
use crate::run::{FlowRun, TaskRun};

/// How long it may take to bring what is under way to its end, which waits for no server.
const CRASHING: Duration = Duration::from_secs(10);

/// How long the disk may take to keep what is left.
const KEEPING: Duration = Duration::from_secs(60);

/// After this time people can be told what the process is waiting for, and signals end the wait.
const QUIET: Duration = Duration::from_secs(1);

/// Makes the process deliver what is left before it ends; it waits for as long as delivery moves, and for
/// `patience` when it does not, or longer if the server is only slow.
pub(super) fn deliver_before(reporter: UnboundedSender<Ask>, patience: Duration) {
    at_exit::call(Box::new(move || deliver(&reporter, patience)));
}

/// Whoever asked may be gone.
pub(super) fn ignore<E>(_: Result<(), E>) {}

fn deliver(reporter: &UnboundedSender<Ask>, patience: Duration) {
    let (done, crashed) = channel();
    let why = "Execution was ended by the exit of the process.".to_owned();
    if reporter.send(Ask::Crash(why, Box::new(move || ignore(done.send(()))))).is_err() {
        return;
    }
    let _ = crashed.recv_timeout(CRASHING);
    let (done, flushed) = channel();
    let patience = Patience::Kind(patience);
    let _ = reporter.send(Ask::Flush(patience, Box::new(move |left| ignore(done.send(left)))));
    let waited = match flushed.recv_timeout(QUIET) {
        Ok(left) => Waited::Done(left),
        Err(RecvTimeoutError::Timeout) => wait(reporter, &flushed),
        Err(RecvTimeoutError::Disconnected) => Waited::Gone,
    };
    let why = match waited {
        Waited::Done(left) if left.is_empty() => return,
        Waited::Done(_) | Waited::Gone => None,
        Waited::Interrupted => Some("nobody waited for it any longer".to_owned()),
    };
    let (done, kept) = channel();
    let _ = reporter.send(Ask::Keep(why, Box::new(move |told| ignore(done.send(told)))));
    match kept.recv_timeout(KEEPING) {
        Ok(lines) => lines.iter().for_each(|line| print(format_args!("{line}"))),
        Err(RecvTimeoutError::Timeout) => {
            print(format_args!(
                "flowkit: what is not delivered to the server could not be kept: the disk took too long"
            ));
        }
        Err(RecvTimeoutError::Disconnected) => {}
    }
}

/// The reason if nobody knows another.
pub(super) const NO_ANSWER: &str = "the server did not answer";

/// Says what was not delivered and never will be, if anything.
pub(super) fn statement(lost: &Undelivered) -> Option<String> {
    let reason = lost.reason.as_deref().unwrap_or(NO_ANSWER);
    (!lost.is_empty()).then(|| format!("flowkit: not delivered to the server: {} ({reason})", amounts(lost)))
}

/// How much that is.
pub(super) fn amounts(count: &Undelivered) -> String {
    let Undelivered { task_states, flow_states, logs, .. } = count;
    format!("{flow_states} flow-run state(s), {task_states} task-run state(s), {logs} log line(s)")
}

/// Prints a log line that no longer can go through `tracing`.
pub(super) fn say(record: &LogRecord, flow: Option<&FlowRun>, task: Option<&std::sync::Arc<TaskRun>>) {
    let time = record.timestamp.to_utc().with_timezone(&chrono::Local).format("%H:%M:%S%.3f");
    let who = match (task, flow) {
        (Some(task), _) => format!("Task run '{}'", task.name()),
        (None, Some(flow)) => format!("Flow run '{}'", flow.name),
        (None, None) => "flowkit".to_owned(),
    };
    print(format_args!("{time} | {:<7} | {who} - {}", record.level.as_str(), record.message));
}

/// Prints a line; nobody may be reading it, and a panic would end the process at once.
pub(super) fn print(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
