//! What a backend in this process answers to a proposed flow-run state. Pure.
//!
//! These are the rules of Prefect's server that apply to runs no one else can touch.

use std::time::Duration;

use crate::backend::{Answer, Proposal};
use crate::clock::Timestamp;
use crate::run::FlowRun;
use crate::state::{State, StateName, StateType};

mod pause;

/// Answers a proposal made to a run that is in state `current`, by all rules there are.
pub(crate) fn answer(run: &FlowRun, current: &State, proposal: Proposal, now: Timestamp) -> Answer {
    if !proposal.force && !current.is_final() {
        if proposal.state.state_type() == StateType::Paused {
            return pause::entered(run, current, proposal.state);
        }
        if let Some(failed) = pause::left_too_late(current, &proposal.state, now) {
            return Answer::Reject(failed);
        }
    }
    let run_count = run.effort().run_count;
    let retry = FlowRetries { retries: run.retries, delay: run.retry_delay.before(run_count), run_count };
    orchestrate(current, proposal, retry, now)
}

/// Answers somebody who would like a run to be resumed: with the state that it is in then, or with why not.
pub(crate) use pause::resumed;

/// How a failed flow run is tried again.
#[derive(Clone, Copy, Debug)]
struct FlowRetries {
    retries: u32,
    delay: Duration,
    run_count: u32,
}

/// Answers a proposal made to a run in state `current`.
fn orchestrate(current: &State, proposal: Proposal, retry: FlowRetries, now: Timestamp) -> Answer {
    let Proposal { state, force } = proposal;
    if force {
        return Answer::Accept(state);
    }
    if current.is_final() {
        return Answer::Abort(format!("this run is already in terminal state {}", current.name()));
    }
    if current.state_type() == StateType::Cancelling && state.state_type() != StateType::Cancelled {
        return Answer::Reject(current.clone());
    }
    if state.state_type() == StateType::Running {
        let waiting = current.details().scheduled_time.map(|at| at.since(now));
        if let Some(wait) = waiting.filter(|wait| !wait.is_zero()) {
            return Answer::Wait(wait);
        }
    }
    if state.is_failed() && current.state_type() == StateType::Running && retry.run_count <= retry.retries {
        let retrying = State::new(StateName::AwaitingRetry, state.timestamp())
            .with_scheduled_time(state.timestamp().after(retry.delay));
        return Answer::Reject(match state.message() {
            Some(message) => retrying.with_message(message),
            None => retrying,
        });
    }
    Answer::Accept(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_micros(1_000_000);
    const ONCE: FlowRetries = FlowRetries { retries: 1, delay: Duration::from_secs(3), run_count: 1 };

    fn ask(current: StateName, proposed: StateName, retry: FlowRetries) -> Answer {
        let proposal = Proposal { state: State::new(proposed, NOW), force: false };
        orchestrate(&State::new(current, NOW), proposal, retry, NOW)
    }

    #[test]
    fn a_failure_with_retries_left_is_turned_into_awaiting_retry() {
        let answer = ask(StateName::Running, StateName::Failed, ONCE);
        assert!(matches!(answer, Answer::Reject(state) if state.is(StateName::AwaitingRetry)));
        let failed = State::new(StateName::Failed, NOW).with_message("no luck");
        let proposal = Proposal { state: failed, force: false };
        let answer = orchestrate(&State::new(StateName::Running, NOW), proposal, ONCE, NOW);
        assert!(matches!(answer, Answer::Reject(state) if state.message() == Some("no luck")), "the reason is kept");
        let spent = FlowRetries { run_count: 2, ..ONCE };
        assert!(matches!(ask(StateName::Running, StateName::Failed, spent), Answer::Accept(_)));
    }

    #[test]
    fn running_waits_for_the_scheduled_time() {
        let current = State::new(StateName::AwaitingRetry, NOW).with_scheduled_time(NOW.after(Duration::from_secs(3)));
        let proposal = Proposal { state: State::new(StateName::Running, NOW), force: false };
        let early = orchestrate(&current, proposal.clone(), ONCE, NOW);
        assert!(matches!(early, Answer::Wait(wait) if wait == Duration::from_secs(3)));
        let due = orchestrate(&current, proposal, ONCE, NOW.after(Duration::from_secs(3)));
        assert!(matches!(due, Answer::Accept(_)));
    }

    #[test]
    fn a_final_state_is_final_unless_forced() {
        assert!(matches!(ask(StateName::Completed, StateName::Running, ONCE), Answer::Abort(_)));
        let forced = Proposal { state: State::new(StateName::Crashed, NOW), force: true };
        let answer = orchestrate(&State::new(StateName::Running, NOW), forced, ONCE, NOW);
        assert!(matches!(answer, Answer::Accept(_)));
    }

    #[test]
    fn a_cancelling_run_can_only_become_cancelled() {
        assert!(matches!(ask(StateName::Cancelling, StateName::Completed, ONCE), Answer::Reject(_)));
        assert!(matches!(ask(StateName::Cancelling, StateName::Cancelled, ONCE), Answer::Accept(_)));
    }
}
