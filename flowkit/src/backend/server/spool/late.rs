//! Whether a late state of a flow run still applies. Pure.

use flowkit_client::model as wire;

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

/// Judges by the state in which the server shows the run.
pub(super) fn judge(current: Option<&wire::State>, late: &LateState) -> Late {
    let Some(current) = current else { return Late::Tell };
    let ours = late.state.state_details.transition_id;
    if ours.is_some() && current.state_details.transition_id == ours {
        return Late::Known;
    }
    if current.kind.is_terminal() {
        return Late::Overruled;
    }
    // Whoever asks for a cancellation waits for the run's own last word.
    let others_go_on =
        current.kind != wire::StateType::Cancelling && late.after.is_some_and(|at| current.timestamp > at);
    if others_go_on { Late::Overruled } else { Late::Tell }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use flowkit_client::model::{StateCreate, StateType};
    use uuid::Uuid;

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
        assert_eq!(judge(Some(&current("RUNNING", 1, 0)), &late(2, Some(AT))), Late::Tell);
        assert_eq!(judge(Some(&current("PENDING", 1, 5)), &late(2, None)), Late::Tell, "it was created late");
        assert_eq!(judge(None, &late(2, Some(AT))), Late::Tell);
    }

    #[test]
    fn what_is_final_stays_final() {
        for state in ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"] {
            assert_eq!(judge(Some(&current(state, 1, 5)), &late(2, Some(AT))), Late::Overruled, "{state}");
            assert_eq!(judge(Some(&current(state, 1, 5)), &late(2, None)), Late::Overruled, "{state}");
        }
    }

    #[test]
    fn a_state_that_has_arrived_is_known() {
        assert_eq!(judge(Some(&current("COMPLETED", 2, 5)), &late(2, Some(AT))), Late::Known);
    }

    #[test]
    fn a_run_that_others_go_on_with_is_theirs_but_one_that_is_to_be_cancelled_is_not() {
        assert_eq!(judge(Some(&current("RUNNING", 1, 5)), &late(2, Some(AT))), Late::Overruled);
        assert_eq!(judge(Some(&current("SCHEDULED", 1, 5)), &late(2, Some(AT))), Late::Overruled);
        assert_eq!(judge(Some(&current("CANCELLING", 1, 5)), &late(2, Some(AT))), Late::Tell);
    }
}
