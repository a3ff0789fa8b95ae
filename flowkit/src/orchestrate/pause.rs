//! The rules of pauses. Pure.

use crate::backend::Answer;
use crate::clock::Timestamp;
use crate::run::FlowRun;
use crate::state::{State, StateName, StateType};

/// Answers a run that would like to be paused or suspended.
pub(super) fn entered(run: &FlowRun, current: &State, state: State) -> Answer {
    let Some(pause) = state.pause() else { return Answer::Accept(state) };
    let fired = |state: &State| state.pause().is_some_and(|earlier| earlier.key == pause.key);
    if current.state_type() != StateType::Running || run.track.with(|states| states.iter().any(fired)) {
        return Answer::Reject(current.clone());
    }
    if pause.reschedule && run.parent_task_run.is_some() {
        return Answer::Abort("subflows cannot be suspended".to_owned());
    }
    if pause.reschedule && run.background.deployment.is_none() {
        return Answer::Abort("a flow run without a deployment cannot be suspended".to_owned());
    }
    Answer::Accept(state)
}

/// Gives the failure that a paused run ends with if it leaves its pause too late.
pub(super) fn left_too_late(current: &State, proposed: &State, now: Timestamp) -> Option<State> {
    let pause = current.pause().filter(|_| current.state_type() == StateType::Paused)?;
    if proposed.state_type() == StateType::Cancelling || now < pause.timeout {
        return None;
    }
    let name = proposed.name().to_lowercase();
    let message = format!("The flow was {name} and never resumed.");
    Some(State::new(StateName::Failed, proposed.timestamp()).with_message(message))
}

/// Answers somebody who would like a run in state `current` to be resumed.
pub(crate) fn resumed(current: &State, now: Timestamp) -> Result<State, String> {
    if current.state_type() != StateType::Paused {
        return Err(format!("a flow run in state {} cannot be resumed, only one that is paused", current.name()));
    }
    let running = State::new(StateName::Running, now.max(current.timestamp()));
    let resumed = match current.pause() {
        Some(pause) if pause.reschedule => {
            State::new(StateName::Resuming, running.timestamp()).with_scheduled_time(running.timestamp())
        }
        _ => running.clone(),
    };
    match left_too_late(current, &running, now) {
        None => Ok(resumed),
        Some(_) => Err("its pause has timed out".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::pause_details::PauseDetails;

    const NOW: Timestamp = Timestamp::from_unix_micros(1_000_000);

    fn paused(timeout: Timestamp) -> State {
        let pause = PauseDetails { timeout, key: "1".to_owned(), reschedule: false, input: None };
        State::new(StateName::Paused, NOW).with_pause(pause)
    }

    #[test]
    fn a_pause_is_left_before_its_timeout_or_ends_in_failure() {
        let (state, late) = (paused(NOW.after(Duration::from_secs(1))), NOW.after(Duration::from_secs(1)));
        let running = State::new(StateName::Running, NOW);
        assert_eq!(left_too_late(&state, &running, NOW), None);
        let failed = left_too_late(&state, &State::new(StateName::Failed, late), late).expect("it is too late");
        assert_eq!(failed.to_string(), "Failed('The flow was failed and never resumed.')");
        assert_eq!(left_too_late(&state, &State::new(StateName::Cancelling, late), late), None);
    }

    #[test]
    fn only_what_is_paused_can_be_resumed() {
        let state = paused(NOW.after(Duration::from_secs(1)));
        assert!(resumed(&state, NOW).is_ok_and(|state| state.is(StateName::Running)));
        assert!(resumed(&state, NOW.after(Duration::from_secs(1))).is_err_and(|why| why.contains("timed out")));
        assert!(resumed(&State::new(StateName::Running, NOW), NOW).is_err_and(|why| why.contains("Running")));
    }
}
