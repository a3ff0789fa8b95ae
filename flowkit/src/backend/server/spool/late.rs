//! Whether a late state of a flow run still applies. Pure.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use flowkit_client::model as wire;
use uuid::Uuid;

use super::record::LateState;

/// What is to be done about a late state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Late {
    /// The server is told.
    Tell,
    /// The server knows: this is the state that the run is in.
    Known,
    /// The run has ended otherwise meanwhile, or others go on with it. What is final stays final.
    Overruled,
}

/// What earlier looks at the same file have told the server of a flow run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Before {
    /// The states that have arrived.
    pub(super) transitions: HashSet<Uuid>,
    /// When the run entered the state that the server has answered with, by its clock.
    pub(super) answered: Option<DateTime<Utc>>,
}

/// Judges by the state in which the server shows the run.
pub(super) fn judge(current: Option<&wire::State>, late: &LateState, before: &Before) -> Late {
    let Some(current) = current else { return Late::Tell };
    if is_known(current, late) {
        return Late::Known;
    }
    if current.state_details.transition_id.is_some_and(|shown| before.transitions.contains(&shown)) {
        return Late::Tell;
    }
    if current.kind.is_terminal() {
        return Late::Overruled;
    }
    let after = late.after.max(before.answered);
    // Whoever asks for a cancellation waits for the run's own last word.
    let others_go_on = current.kind != wire::StateType::Cancelling && after.is_some_and(|at| current.timestamp > at);
    if others_go_on { Late::Overruled } else { Late::Tell }
}

/// Tells whether that is the state that the server shows.
pub(super) fn is_known(current: &wire::State, late: &LateState) -> bool {
    let ours = late.state.state_details.transition_id;
    ours.is_some() && current.state_details.transition_id == ours
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use flowkit_client::model::{StateCreate, StateType};

    use super::*;

    const AT: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn late(transition: u128, after: Option<DateTime<Utc>>) -> LateState {
        let mut state = StateCreate::new(StateType::Completed);
        state.state_details.transition_id = Some(Uuid::from_u128(transition));
        LateState { run: Uuid::nil(), state, force: true, after }
    }

    fn current(kind: &str, transition: u128, seconds: i64) -> wire::State {
        let at = AT + TimeDelta::seconds(seconds);
        let transition = Uuid::from_u128(transition);
        serde_json::from_value(serde_json::json!({
            "id": Uuid::nil(), "type": kind, "name": kind, "timestamp": at,
            "state_details": {"transition_id": transition},
        }))
        .expect("a state")
    }

    #[test]
    fn a_run_that_nobody_has_touched_is_told() {
        assert_eq!(judge(Some(&current("RUNNING", 1, 0)), &late(2, Some(AT)), &Before::default()), Late::Tell);
        assert_eq!(
            judge(Some(&current("PENDING", 1, 5)), &late(2, None), &Before::default()),
            Late::Tell,
            "it was created late"
        );
        assert_eq!(judge(None, &late(2, Some(AT)), &Before::default()), Late::Tell);
    }

    #[test]
    fn what_is_final_stays_final() {
        for state in ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"] {
            assert_eq!(
                judge(Some(&current(state, 1, 5)), &late(2, Some(AT)), &Before::default()),
                Late::Overruled,
                "{state}"
            );
            assert_eq!(
                judge(Some(&current(state, 1, 5)), &late(2, None), &Before::default()),
                Late::Overruled,
                "{state}"
            );
        }
    }

    #[test]
    fn a_state_that_has_arrived_is_known() {
        assert_eq!(judge(Some(&current("COMPLETED", 2, 5)), &late(2, Some(AT)), &Before::default()), Late::Known);
    }

    #[test]
    fn a_run_that_others_go_on_with_is_theirs_but_one_that_is_to_be_cancelled_is_not() {
        assert_eq!(judge(Some(&current("RUNNING", 1, 5)), &late(2, Some(AT)), &Before::default()), Late::Overruled);
        assert_eq!(judge(Some(&current("SCHEDULED", 1, 5)), &late(2, Some(AT)), &Before::default()), Late::Overruled);
        assert_eq!(judge(Some(&current("CANCELLING", 1, 5)), &late(2, Some(AT)), &Before::default()), Late::Tell);
    }

    #[test]
    fn what_an_earlier_look_has_told_is_nobody_elses() {
        // The run was RUNNING when the server went away, and has failed and run again before it ended.
        let told = Before { transitions: HashSet::from([Uuid::from_u128(1)]), answered: None };
        assert_eq!(judge(Some(&current("RUNNING", 1, 5)), &late(2, Some(AT)), &told), Late::Tell);
        assert_eq!(judge(Some(&current("FAILED", 1, 5)), &late(2, Some(AT)), &told), Late::Tell);
        assert_eq!(judge(Some(&current("RUNNING", 3, 5)), &late(2, Some(AT)), &told), Late::Overruled);
        // The server has answered with a state of its own.
        let answered = Before { answered: Some(AT + TimeDelta::seconds(5)), ..Before::default() };
        assert_eq!(judge(Some(&current("SCHEDULED", 7, 5)), &late(2, Some(AT)), &answered), Late::Tell);
        assert_eq!(judge(Some(&current("SCHEDULED", 7, 6)), &late(2, Some(AT)), &answered), Late::Overruled);
    }
}
