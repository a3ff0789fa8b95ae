//! What is to be done about a run whose lock is ours. Pure.

use crate::defer::{DeferredRun, Origin};
use crate::state::{State, StateName, StateType};

/// How often somebody begins with a run whose process dies each time.
pub(super) const MOST_TRIES: u32 = 4;

/// How a run stands that nobody else is at work on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stand {
    /// Nobody has begun with it.
    Waiting,
    /// Somebody has, and is gone.
    LeftBehind,
    /// There is nothing to do.
    Over,
}

/// Tells how a run stands, from the state that the server knows.
pub(super) fn stand(state: &State) -> Stand {
    match state.state_type() {
        StateType::Scheduled if !state.is(StateName::AwaitingRetry) => Stand::Waiting,
        StateType::Scheduled | StateType::Pending | StateType::Running if !state.is_settled() => Stand::LeftBehind,
        // What is paused or being cancelled is somebody else's doing.
        _ => Stand::Over,
    }
}

/// Why a run of another client cannot be run here, if it cannot.
pub(super) fn foreign(run: &DeferredRun, has_arguments: bool) -> Option<String> {
    match run.origin {
        Origin::Ours => None,
        Origin::Foreign { with_parameters: true } => Some(
            "it was delayed by another client, which stores parameters in a form of its own (Python's is code): delay it from Rust".to_owned(),
        ),
        Origin::Foreign { with_parameters: false } if has_arguments => {
            Some("it was delayed by another client, without parameters, and the task has arguments".to_owned())
        }
        Origin::Foreign { with_parameters: false } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_run_under_way_that_nobody_holds_was_left_behind() {
        let stand = |name| stand(&State::new(name, Timestamp::from_unix_micros(0)));
        assert_eq!(stand(StateName::Scheduled), Stand::Waiting);
        for name in [StateName::AwaitingRetry, StateName::Pending, StateName::Running, StateName::Retrying] {
            assert_eq!(stand(name), Stand::LeftBehind, "{name:?}");
        }
        for name in [StateName::Completed, StateName::Crashed, StateName::NotReady, StateName::Cancelling] {
            assert_eq!(stand(name), Stand::Over, "{name:?}");
        }
    }
}
