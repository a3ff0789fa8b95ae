//! Any sequence of facts, possible or not, at any times: what holds of the states whatever happens.

use std::time::Duration;

use proptest::prelude::*;

use super::{Fact, Illegal, transition};
use crate::clock::Timestamp;
use crate::pause_details::PauseDetails;
use crate::state::{State, StateName, StateType};

/// Which type may follow which, written down from Prefect's rules and not from the code.
fn may_follow(from: StateType, to: StateType) -> bool {
    use StateType::*;
    match from {
        // NotReady is the name of a state in which a run waits for ever.
        Pending => matches!(to, Pending | Running | Failed | Cancelling | Cancelled | Crashed),
        // A run in the background is taken over, from whoever is gone.
        Scheduled => matches!(to, Pending | Running | Cancelling | Cancelled | Crashed),
        // Without a delay a retry follows at once.
        Running => true,
        Paused => to != Pending && to != Scheduled && to != Paused,
        Cancelling => matches!(to, Completed | Failed | Cancelled | Crashed),
        // A rollback.
        Completed => to == Completed,
        Failed | Cancelled | Crashed => false,
    }
}

fn fact() -> impl Strategy<Value = Fact> {
    let why = String::new;
    prop_oneof![
        1 => Just(Fact::Requested),
        1 => Just(Fact::Taken { note: None }),
        1 => Just(Fact::UpstreamFailed { message: why() }),
        1 => Just(Fact::Refused { message: why() }),
        4 => Just(Fact::Started),
        1 => Just(Fact::Found { message: why() }),
        1 => Just(Fact::Returned),
        1 => Just(Fact::Recalled { data: None }),
        1 => Just(Fact::RolledBack),
        1 => Just(Fact::Errored { message: why() }),
        1 => Just(Fact::Doomed { message: why() }),
        1 => any::<bool>().prop_map(chosen),
        2 => any::<bool>().prop_map(|reschedule| Fact::Pausing { details: Box::new(pause(reschedule)) }),
        1 => Just(Fact::TimedOut { message: why() }),
        4 => (0..9_u64).prop_map(|seconds| Fact::RetryIn { delay: Duration::from_secs(seconds) }),
        1 => Just(Fact::CancelAsked { message: None }),
        1 => Just(Fact::Cancelled { message: why() }),
        1 => Just(Fact::Crashed { message: why() }),
    ]
}

fn chosen(fails: bool) -> Fact {
    Fact::Chosen { state: Box::new(if fails { State::failed() } else { State::completed() }) }
}

fn pause(reschedule: bool) -> PauseDetails {
    PauseDetails { timeout: Timestamp::from_unix_micros(0), key: "1".to_owned(), reschedule, input: None }
}

fn settled(state: &State) -> bool {
    state.is_final() || state.is(StateName::NotReady)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_states_are_legal_in_order_and_end_once(
        happenings in prop::collection::vec((fact(), -5_i64..20), 0..40),
    ) {
        let mut states: Vec<State> = Vec::new();
        let (mut now, mut illegal) = (1_000_000_i64, 0);
        for (fact, passed) in std::iter::once((Fact::Requested, 0)).chain(happenings) {
            // The clock may go back, as clocks do.
            now += passed;
            match transition(states.last(), fact, Timestamp::from_unix_micros(now)) {
                Ok(state) => states.push(state),
                Err(Illegal) => illegal += 1,
            }
        }
        prop_assert!(states[0].is(StateName::Pending), "{:?} after {} facts that cannot be", states, illegal);
        for pair in states.windows(2) {
            prop_assert!(may_follow(pair[0].state_type(), pair[1].state_type()), "{:?}", states);
            prop_assert!(pair[0].timestamp() < pair[1].timestamp(), "{:?}", states);
        }
        let ended = states.iter().position(settled).unwrap_or(states.len());
        let after: Vec<_> = states.iter().skip(ended + 1).map(State::name).collect();
        prop_assert!(after.is_empty() || after == ["RolledBack"], "at most a rollback follows an end: {:?}", states);
        let asked = states.iter().position(|state| state.state_type() == StateType::Cancelling).unwrap_or(states.len());
        let started = |state: &State| state.state_type() == StateType::Running;
        prop_assert!(!states.iter().skip(asked).any(started), "a run that is cancelled does not start: {:?}", states);
    }

    #[test]
    fn nothing_happens_to_a_run_that_nobody_asked_for(fact in fact()) {
        let outcome = transition(None, fact.clone(), Timestamp::from_unix_micros(1));
        prop_assert_eq!(outcome.is_ok(), fact == Fact::Requested);
    }
}
