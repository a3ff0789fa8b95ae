//! Figures about runs.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::state::{State, StateType};

/// Figures about a run that follow from its states.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
#[non_exhaustive]
pub struct Effort {
    /// How often the body was started.
    pub run_count: u32,
    /// When it was asked for.
    pub expected_start_time: Option<Timestamp>,
    /// When the body was first started.
    pub start_time: Option<Timestamp>,
    /// When the run ended.
    pub end_time: Option<Timestamp>,
    /// The time spent in running states.
    pub total_run_time: Duration,
}

impl Effort {
    pub(crate) fn of(states: &[State]) -> Self {
        let mut effort = Self { expected_start_time: states.first().map(State::timestamp), ..Self::default() };
        let mut running_since = None;
        let (mut paused, mut resuming) = (false, false);
        for state in states {
            if let Some(since) = running_since.take() {
                effort.total_run_time += state.timestamp().since(since);
            }
            if state.state_type() == StateType::Running {
                // As Prefect's server counts: what goes on after a pause counts, what is started after that does not.
                effort.run_count += u32::from(!std::mem::take(&mut resuming));
                effort.start_time.get_or_insert(state.timestamp());
                running_since = Some(state.timestamp());
            }
            resuming |= paused;
            paused = state.state_type() == StateType::Paused;
            if state.is_final() {
                effort.end_time.get_or_insert(state.timestamp());
            }
        }
        effort
    }
}
