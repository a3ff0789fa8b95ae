//! The rule that turns what happened into a state. Pure; every change of state passes here.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::pause_details::PauseDetails;
use crate::record::ResultRef;
use crate::state::{State, StateName, StateType};

/// Something that happened to a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fact {
    /// Somebody asked for the run.
    Requested,
    /// Somebody asked for the run to be made in the background.
    Deferred,
    /// Somebody takes the run over to run it; again, if whoever did before is gone.
    Taken { note: Option<String> },
    /// The process that runs it stops, and somebody else is to run it.
    GivenBack,
    /// A task run that this one depends on did not complete.
    UpstreamFailed { message: String },
    /// The parameters do not fit.
    Refused { message: String },
    /// The body is about to be started.
    Started,
    /// The value was there already, so that the body need not run.
    Found { message: String },
    /// The body returned a value.
    Returned,
    /// The body returned a value, which was stored.
    Stored { data: Box<ResultRef> },
    /// The value was there before the body was started.
    Recalled { data: Option<Box<ResultRef>> },
    /// The transaction around was rolled back.
    RolledBack,
    /// The body returned an error, or panicked.
    Errored { message: String },
    /// The body returned an error that is not to be retried.
    Doomed { message: String },
    /// The body chose the state to end in.
    Chosen { state: Box<State> },
    /// The body asks for the run to wait until somebody resumes it.
    Pausing { details: Box<PauseDetails> },
    /// The body did not end in time.
    TimedOut { message: String },
    /// The body failed and will be started again after a while.
    RetryIn { delay: Duration },
    /// Somebody outside of the run asked for it to be stopped.
    CancelAsked { message: Option<String> },
    /// The run was stopped on request.
    Cancelled { message: String },
    /// The run was ended from outside.
    Crashed { message: String },
    /// The process ends, or cannot go on, and the run goes on with another one.
    Interrupted { message: String },
}

/// A fact that cannot happen in a state, such as anything after the end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Illegal;

/// The server keeps no two states of a run with the same time, so each is entered at least this long after the other.
const TICK: Duration = Duration::from_micros(1);

/// Returns the state that follows from a fact, entered `now` but always later than the current one.
pub(crate) fn transition(current: Option<&State>, fact: Fact, now: Timestamp) -> Result<State, Illegal> {
    let now = current.map_or(now, |state| now.max(state.timestamp().after(TICK)));
    let from = current.map(State::state_type);
    if let (Some(StateType::Completed), Fact::RolledBack) = (from, &fact) {
        return match current.is_some_and(|state| state.is(StateName::RolledBack)) {
            true => Err(Illegal),
            false => Ok(State::new(StateName::RolledBack, now)),
        };
    }
    if current.is_some_and(State::is_settled) {
        return Err(Illegal);
    }
    use StateType::{Cancelling, Paused, Pending, Running, Scheduled};
    let state = |name| State::new(name, now);
    Ok(match (from, fact) {
        (None, Fact::Requested) => state(StateName::Pending),
        (None, Fact::Deferred) => state(StateName::Scheduled).with_scheduled_time(now),
        (None, _) | (Some(_), Fact::Requested | Fact::Deferred) => return Err(Illegal),

        (Some(Scheduled | Pending | Running), Fact::Taken { note }) => {
            let pending = state(StateName::Pending);
            note.map_or(pending.clone(), |note| pending.with_message(note))
        }

        (Some(Scheduled | Pending | Running), Fact::GivenBack) => {
            let message = "The process that ran it was asked to end, and gave it back.";
            state(StateName::Scheduled).with_scheduled_time(now).with_message(message)
        }

        (Some(Pending), Fact::UpstreamFailed { message }) => state(StateName::NotReady).with_message(message),
        (Some(Pending), Fact::Refused { message }) => {
            state(StateName::Failed).with_message(message).with_retriable(false)
        }

        (Some(Pending), Fact::Started) => state(StateName::Running),
        (Some(Scheduled), Fact::Started) if current.is_some_and(|s| !s.is(StateName::AwaitingRetry)) => {
            state(StateName::Running)
        }
        (Some(Scheduled | Running), Fact::Started) => state(StateName::Retrying),
        (Some(Paused), Fact::Started) => state(StateName::Running),
        (Some(Running), Fact::Pausing { details }) => {
            let name = if details.reschedule { StateName::Suspended } else { StateName::Paused };
            state(name).with_pause(*details)
        }

        (Some(Running), Fact::Found { message }) => state(StateName::Cached).with_message(message),
        (Some(Running | Cancelling | Paused), Fact::Returned) => state(StateName::Completed),
        (Some(Running | Cancelling | Paused), Fact::Stored { data }) => {
            with_data(state(StateName::Completed), Some(data))
        }
        (Some(Running), Fact::Recalled { data }) => with_data(state(StateName::Cached), data),
        (Some(Running | Cancelling | Paused), Fact::Errored { message } | Fact::Doomed { message }) => {
            state(StateName::Failed).with_message(message).with_retriable(false)
        }
        (Some(Running | Cancelling | Paused), Fact::Chosen { state }) if state.is_final() => state.at(now).entered(),
        (Some(Running | Cancelling | Paused), Fact::TimedOut { message }) => {
            state(StateName::TimedOut).with_message(message)
        }
        (Some(Running), Fact::RetryIn { delay }) => {
            state(StateName::AwaitingRetry).with_scheduled_time(now.after(delay))
        }

        (Some(Scheduled | Pending | Running | Paused), Fact::CancelAsked { message }) => {
            let cancelling = state(StateName::Cancelling);
            message.map_or(cancelling.clone(), |message| cancelling.with_message(message))
        }
        (Some(_), Fact::Cancelled { message }) => state(StateName::Cancelled).with_message(message),
        (Some(_), Fact::Interrupted { message }) => state(StateName::Interrupted).with_message(message),
        (Some(_), Fact::Crashed { message }) => state(StateName::Crashed).with_message(message),
        (Some(_), _) => return Err(Illegal),
    })
}

fn with_data(state: State, data: Option<Box<ResultRef>>) -> State {
    match data {
        Some(data) => state.with_data(*data),
        None => state,
    }
}

#[cfg(test)]
mod random;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_micros(1_000_000);

    fn after(names: &[StateName], fact: Fact) -> Option<&'static str> {
        let current = names.last().map(|name| State::new(*name, NOW));
        let next = transition(current.as_ref(), fact, NOW).ok()?;
        Some(match next.name() {
            "Retrying" => "Retrying",
            "Running" => "Running",
            "Completed" => "Completed",
            "AwaitingRetry" => "AwaitingRetry",
            "Pending" => "Pending",
            "NotReady" => "NotReady",
            _ => "other",
        })
    }

    #[test]
    fn a_run_goes_from_pending_over_running_to_completed() {
        assert_eq!(after(&[], Fact::Requested), Some("Pending"));
        assert_eq!(after(&[StateName::Pending], Fact::Started), Some("Running"));
        assert_eq!(after(&[StateName::Running], Fact::Returned), Some("Completed"));
    }

    #[test]
    fn a_second_start_is_retrying_with_or_without_a_wait() {
        let wait = Fact::RetryIn { delay: Duration::from_secs(2) };
        assert_eq!(after(&[StateName::Running], wait), Some("AwaitingRetry"));
        assert_eq!(after(&[StateName::AwaitingRetry], Fact::Started), Some("Retrying"));
        assert_eq!(after(&[StateName::Running], Fact::Started), Some("Retrying"));
        assert_eq!(after(&[StateName::Late], Fact::Started), Some("Running"));
    }

    #[test]
    fn nothing_follows_a_final_state_or_not_ready() {
        for name in
            [StateName::Completed, StateName::Failed, StateName::Cancelled, StateName::Crashed, StateName::NotReady]
        {
            for fact in [Fact::Started, Fact::Returned, Fact::Cancelled { message: String::new() }] {
                assert_eq!(after(&[name], fact), None, "{name:?}");
            }
        }
    }

    #[test]
    fn what_has_completed_can_be_rolled_back_once() {
        assert_eq!(after(&[StateName::Completed], Fact::RolledBack), Some("other"));
        for name in [StateName::RolledBack, StateName::Failed, StateName::Running] {
            assert_eq!(after(&[name], Fact::RolledBack), None, "{name:?}");
        }
    }

    #[test]
    fn what_was_asked_for_in_the_background_is_taken_and_taken_again() {
        let taken = || Fact::Taken { note: None };
        assert_eq!(transition(None, Fact::Deferred, NOW).map(|state| state.name() == "Scheduled"), Ok(true));
        for name in [StateName::Scheduled, StateName::AwaitingRetry, StateName::Pending, StateName::Running] {
            assert_eq!(after(&[name], taken()), Some("Pending"), "{name:?}");
            let back = transition(Some(&State::new(name, NOW)), Fact::GivenBack, NOW);
            assert_eq!(back.map(|state| state.is(StateName::Scheduled)), Ok(true), "{name:?}");
        }
        for name in [StateName::Completed, StateName::Failed, StateName::Cancelled, StateName::Cancelling] {
            assert_eq!(after(&[name], taken()), None, "{name:?}");
        }
        assert_eq!(after(&[], taken()), None);
    }

    #[test]
    fn an_ending_needs_a_start() {
        assert_eq!(after(&[StateName::Pending], Fact::Returned), None);
        assert_eq!(after(&[], Fact::Started), None);
    }

    #[test]
    fn time_always_advances_within_a_run() {
        let late = State::new(StateName::Pending, NOW.after(Duration::from_secs(9)));
        let next = transition(Some(&late), Fact::Started, NOW);
        assert_eq!(next.map(|state| state.timestamp()), Ok(late.timestamp().after(TICK)));
    }
}
