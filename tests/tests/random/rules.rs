//! What holds for every run, written down from Prefect's rules and not from the engine.

use std::sync::Arc;
use std::time::Duration;

use flowkit::{Effort, FlowRun, State, TaskRun};

/// Which state may follow which.
const MAY_FOLLOW: &[(&str, &[&str])] = &[
    ("Pending", &["Running", "NotReady", "Failed", "Cancelled"]),
    ("Running", &["Completed", "Cached", "Failed", "TimedOut", "Cancelled", "AwaitingRetry", "Retrying"]),
    ("Retrying", &["Completed", "Failed", "TimedOut", "Cancelled", "AwaitingRetry", "Retrying"]),
    ("AwaitingRetry", &["Retrying", "Cancelled"]),
];

/// States of one run that are entered at one moment are microseconds apart.
const TICKS: Duration = Duration::from_millis(1);

const FINAL: &[&str] = &["Completed", "Cached", "Failed", "TimedOut", "Cancelled"];

fn check_states(states: &[State], may_be_not_ready: bool) {
    assert_eq!(states.first().map(State::name), Some("Pending"), "{states:?}");
    for pair in states.windows(2) {
        let next = MAY_FOLLOW.iter().find(|(name, _)| *name == pair[0].name()).map_or(&[][..], |(_, next)| *next);
        assert!(next.contains(&pair[1].name()), "{} after {}: {states:?}", pair[1].name(), pair[0].name());
        assert!(pair[0].timestamp() < pair[1].timestamp(), "{states:?}");
    }
    let ends = states.iter().filter(|state| FINAL.contains(&state.name())).count();
    let last = states.last().map_or("", State::name);
    if may_be_not_ready && last == "NotReady" {
        assert_eq!(ends, 0, "{states:?}");
    } else {
        assert!(ends == 1 && FINAL.contains(&last), "exactly one final state, at the end: {states:?}");
    }
}

fn check_effort(effort: Effort, states: &[State], retries: u32) {
    let starts = states.iter().filter(|state| ["Running", "Retrying"].contains(&state.name())).count();
    assert_eq!(effort.run_count as usize, starts);
    assert!(effort.run_count <= retries + 1, "{starts} attempts with {retries} retries: {states:?}");
}

/// Checks a task run by itself. The stand-in of a subflow is retried as its flow is, and its states are those of its
/// flow after one of its own.
pub(crate) fn check_task(run: &TaskRun) {
    let stands_in = run.task().name == "branch-flow";
    check_states(&run.states()[usize::from(stands_in)..], true);
    check_effort(run.effort(), &run.states(), if stands_in { 1 } else { run.retries() });
}

/// Checks that a task run is over.
pub(crate) fn check_ended(run: &TaskRun) {
    let state = run.state();
    assert!(state.is_final() || state.name() == "NotReady", "{} still goes on: {state:?}", run.name());
}

/// Checks a flow run and that nothing in it outlived it.
pub(crate) fn check_flow(run: &FlowRun, tasks: &[Arc<TaskRun>], flows: &[Arc<FlowRun>]) {
    check_states(&run.states(), false);
    check_effort(run.effort(), &run.states(), 1);
    let end = run.state().timestamp();
    for task in tasks.iter().filter(|task| task.flow_run().is_some_and(|flow| flow.id() == run.id())) {
        let last = task.state();
        assert!(last.timestamp() <= end.after(TICKS), "{} {last:?} after the end of {}", task.name(), run.name());
        let subflow = flows.iter().find(|flow| flow.parent_task_run() == Some(task.id()));
        if let Some(subflow) = subflow {
            let mirrored: Vec<_> = task.states().iter().skip(1).map(ToString::to_string).collect();
            let states: Vec<_> = subflow.states().iter().map(ToString::to_string).collect();
            assert_eq!(mirrored, states, "the stand-in mirrors its flow run");
        }
    }
}
