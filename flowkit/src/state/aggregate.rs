//! One state out of many. Pure but for the moment it is made.

use crate::clock;
use crate::state::{State, StateName, StateType};

/// Makes one state of many, by Prefect's rule for flows that return states.
///
/// Completed if all are; else Cancelled if any is, else Paused if any is, else Failed, with a message that counts:
/// "1/3 states failed." A flow that returns a `Vec<State>` ends in this state. Of no states at all it is Completed.
///
/// ```
/// use flowkit::State;
///
/// let state = flowkit::aggregate(&[State::completed(), State::failed()]);
/// assert_eq!(state.to_string(), "Failed('1/2 states failed.')");
/// ```
#[must_use]
pub fn aggregate(states: &[State]) -> State {
    let all = states.len();
    let count = |state_type| states.iter().filter(|state| state.state_type == state_type).count();
    let of = |name, text: String| State::new(name, clock::now()).with_message(text).chosen();
    let (completed, cancelled, paused, failed) =
        (count(StateType::Completed), count(StateType::Cancelled), count(StateType::Paused), count(StateType::Failed));
    let open = states.iter().filter(|state| !state.is_final()).count();
    if completed == all {
        of(StateName::Completed, "All states completed.".to_owned())
    } else if cancelled > 0 {
        of(StateName::Cancelled, format!("{cancelled}/{all} states cancelled."))
    } else if paused > 0 {
        of(StateName::Paused, format!("{paused}/{all} states paused."))
    } else if failed > 0 {
        of(StateName::Failed, format!("{failed}/{all} states failed."))
    } else if open > 0 {
        of(StateName::Failed, format!("{open}/{all} states are not final."))
    } else {
        of(StateName::Failed, format!("Given states: {}", counts(states)))
    }
}

/// Counts the types, in the order in which they come up: `total=2, 'COMPLETED'=1, 'CRASHED'=1`.
fn counts(states: &[State]) -> String {
    let mut types: Vec<(StateType, usize)> = Vec::new();
    for state in states {
        match types.iter_mut().find(|(known, _)| *known == state.state_type) {
            Some((_, count)) => *count += 1,
            None => types.push((state.state_type, 1)),
        }
    }
    types.iter().fold(format!("total={}", states.len()), |text, (state_type, count)| {
        format!("{text}, '{}'={count}", state_type.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_prefects() {
        use StateName::{Cancelled, Completed, Crashed, Failed, Paused, Running};
        let text = |names: &[StateName]| {
            let states: Vec<State> = names.iter().map(|name| State::new(*name, clock::now())).collect();
            aggregate(&states).to_string()
        };
        assert_eq!(text(&[Completed, Completed]), "Completed('All states completed.')");
        assert_eq!(text(&[Completed, Failed, Failed]), "Failed('2/3 states failed.')");
        assert_eq!(text(&[Failed, Cancelled]), "Cancelled('1/2 states cancelled.')");
        assert_eq!(text(&[Failed, Paused]), "Paused('1/2 states paused.')");
        assert_eq!(text(&[Completed, Running]), "Failed('1/2 states are not final.')");
        assert_eq!(text(&[Completed, Crashed]), "Failed('Given states: total=2, 'COMPLETED'=1, 'CRASHED'=1')");
        assert_eq!(text(&[]), "Completed('All states completed.')");
    }
}
