//! Runs and states as the file keeps them. Pure.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::run::{Effort, FlowRun, TaskInput, TaskRun};
use crate::state::{State, StateName, StateType};

/// One state, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StateRow {
    #[serde(rename = "type")]
    state_type: StateType,
    name: String,
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scheduled: Option<i64>,
}

impl StateRow {
    pub(super) fn of(state: &State) -> Self {
        Self {
            state_type: state.state_type(),
            name: state.name().to_owned(),
            at: state.timestamp().unix_micros(),
            message: state.message().map(ToOwned::to_owned),
            scheduled: state.details().scheduled_time.map(Timestamp::unix_micros),
        }
    }

    /// A state as text.
    pub(super) fn text(state: &State) -> String {
        serde_json::to_string(&Self::of(state)).unwrap_or_default()
    }

    pub(super) fn state(self) -> State {
        let mut state = State::named(self.state_type, &self.name, Timestamp::from_unix_micros(self.at));
        if let Some(message) = self.message {
            state = state.with_message(message);
        }
        match self.scheduled {
            Some(at) => state.with_scheduled_time(Timestamp::from_unix_micros(at)),
            None => state,
        }
    }
}

/// A type of state as the number that stands for it.
pub(super) const fn number_of(state_type: StateType) -> i64 {
    match state_type {
        StateType::Scheduled => 0,
        StateType::Pending => 1,
        StateType::Running => 2,
        StateType::Completed => 3,
        StateType::Failed => 4,
        StateType::Cancelled => 5,
        StateType::Crashed => 6,
        StateType::Paused => 7,
        StateType::Cancelling => 8,
    }
}

/// The type of state that a number stands for.
pub(super) fn type_of(number: i64) -> Option<StateType> {
    usize::try_from(number).ok().and_then(|number| TYPES.get(number).copied())
}

/// Never to be changed but at the end: files hold the positions.
const TYPES: [StateType; 9] = [
    StateType::Scheduled,
    StateType::Pending,
    StateType::Running,
    StateType::Completed,
    StateType::Failed,
    StateType::Cancelled,
    StateType::Crashed,
    StateType::Paused,
    StateType::Cancelling,
];

/// The name of a state, unless it is the one that its type has anyway.
fn odd_name(state: &State) -> Option<&str> {
    let name = state.name();
    (!name.eq_ignore_ascii_case(state.state_type().as_str())).then_some(name)
}

/// The row of a flow run but for the numbers that stand for the run and its flow, and its state.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FlowRow<'a> {
    pub(super) id: Uuid,
    pub(super) flow: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) parameters: String,
    pub(super) tags: Option<String>,
    pub(super) retries: u32,
    pub(super) parent_flow_run: Option<Uuid>,
    pub(super) parent_task_run: Option<Uuid>,
    pub(super) root_flow_run: Option<Uuid>,
    pub(super) deployment: Option<Uuid>,
    pub(super) scheduled: Option<i64>,
    pub(super) is_resumable: bool,
}

impl<'a> FlowRow<'a> {
    pub(super) fn of(run: &'a FlowRun, is_resumable: bool) -> Self {
        let background = &run.background;
        Self {
            id: run.id.uuid(),
            flow: run.def.name.into(),
            version: run.def.version.into(),
            name: run.name.as_str().into(),
            parameters: run.parameters.to_string(),
            tags: tags(&run.tags),
            retries: run.retries,
            parent_flow_run: run.parent_flow_run_id().map(|id| id.uuid()),
            parent_task_run: run.parent_task_run.map(|id| id.uuid()),
            root_flow_run: background.root_flow_run.map(|id| id.uuid()),
            deployment: background.deployment.as_ref().map(|deployment| deployment.id),
            scheduled: background.scheduled.map(Timestamp::unix_micros),
            is_resumable,
        }
    }
}

/// The row of a task run but for the numbers that stand for its flow run and its task.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TaskRow<'a> {
    pub(super) id: Uuid,
    pub(super) state_type: i64,
    pub(super) state_name: Option<String>,
    pub(super) message: Option<String>,
    pub(super) created: i64,
    pub(super) started: Option<i64>,
    pub(super) ended: Option<i64>,
    pub(super) run_count: u32,
    pub(super) spent: i64,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) parent: Option<Uuid>,
    pub(super) tags: Option<String>,
    pub(super) inputs: Option<String>,
    pub(super) states: Option<String>,
}

impl<'a> TaskRow<'a> {
    /// Reads the run as it is now; `None` if it has gone on since the state of this index, and tells so itself.
    pub(super) fn now(run: &'a TaskRun, index: usize) -> Option<Self> {
        run.track.with(|states| (states.len() == index + 1).then(|| Self::of(run, states)).flatten())
    }

    /// Reads the run as it is now, whoever tells so.
    pub(super) fn last(run: &'a TaskRun) -> Option<Self> {
        run.track.with(|states| Self::of(run, states))
    }

    /// Reads the run as it was when it entered the state of this index.
    pub(super) fn at(run: &'a TaskRun, index: usize) -> Option<Self> {
        run.track.with(|states| Self::of(run, states.get(..=index)?))
    }

    fn of(run: &'a TaskRun, states: &[State]) -> Option<Self> {
        let (first, last) = (states.first()?, states.last()?);
        let (effort, extra) = (Effort::of(states), run.extra.as_deref());
        Some(Self {
            id: run.id.uuid(),
            state_type: number_of(last.state_type()),
            state_name: odd_name(last).map(ToOwned::to_owned),
            message: last.message().map(ToOwned::to_owned),
            created: first.timestamp().unix_micros(),
            started: effort.start_time.map(Timestamp::unix_micros),
            ended: last.is_settled().then(|| last.timestamp().unix_micros()),
            run_count: effort.run_count,
            spent: i64::try_from(effort.total_run_time.as_micros()).unwrap_or(i64::MAX),
            name: extra.and_then(|extra| extra.name.get()).map(|name| name.as_str().into()),
            parent: run.parent.map(|id| id.uuid()),
            tags: extra.and_then(|extra| tags(&extra.tags)),
            inputs: inputs(run),
            states: (!is_usual(states)).then(|| written(states)),
        })
    }
}

/// Whether the columns tell these states whole: pending, perhaps running, perhaps an end.
fn is_usual(states: &[State]) -> bool {
    let usual = [StateName::Pending, StateName::Running];
    let plain = |state: &State| state.message().is_none() && state.details().scheduled_time.is_none();
    let before_last = states.len().saturating_sub(1).min(2);
    states.len() <= 3
        && states.iter().zip(usual).take(before_last).all(|(state, name)| state.is(name) && plain(state))
        && match states {
            [first] => first.is(StateName::Pending),
            [_, second] => second.is(StateName::Running) || second.is_final(),
            [_, _, third] => third.is_final(),
            _ => false,
        }
        && states.last().is_some_and(|last| last.details().scheduled_time.is_none())
}

fn written(states: &[State]) -> String {
    let rows: Vec<StateRow> = states.iter().map(StateRow::of).collect();
    serde_json::to_string(&rows).unwrap_or_default()
}

/// The states of a task run from its columns.
pub(super) fn states_of(
    written: Option<&str>,
    last: State,
    created: i64,
    started: Option<i64>,
) -> Result<Vec<State>, serde_json::Error> {
    if let Some(written) = written {
        return Ok(serde_json::from_str::<Vec<StateRow>>(written)?.into_iter().map(StateRow::state).collect());
    }
    let state = |name, at| State::new(name, Timestamp::from_unix_micros(at));
    let mut states = vec![state(StateName::Pending, created)];
    states.extend(started.map(|at| state(StateName::Running, at)));
    if last.is_final() {
        states.push(last);
    }
    Ok(states)
}

/// What a task run took from others, as JSON: the runs by the names of the arguments. Who called it has a column.
fn inputs(run: &TaskRun) -> Option<String> {
    let inputs = run.extra.as_ref()?.inputs.get()?;
    let id = |input: &TaskInput| match input {
        TaskInput::TaskRun(id) => id.to_string(),
        TaskInput::FlowRun(id) => id.to_string(),
    };
    let known: serde_json::Map<String, serde_json::Value> = inputs
        .iter()
        .filter(|(name, runs)| !runs.is_empty() && (*name != "__parents__" || run.parent.is_none()))
        .map(|(name, runs)| ((*name).to_owned(), runs.iter().map(id).collect::<Vec<_>>().into()))
        .collect();
    (!known.is_empty()).then(|| serde_json::Value::Object(known).to_string())
}

/// Tags as JSON; nothing for none.
pub(super) fn tags(tags: &[String]) -> Option<String> {
    (!tags.is_empty()).then(|| serde_json::Value::from(tags).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: StateName, micros: i64) -> State {
        State::new(name, Timestamp::from_unix_micros(micros))
    }

    /// What is left of states after they were kept in columns.
    fn kept(states: &[State]) -> (bool, Vec<State>) {
        let text = (!is_usual(states)).then(|| written(states));
        let effort = Effort::of(states);
        let (first, last) = (states.first().expect("one"), states.last().expect("one"));
        let started = effort.start_time.map(Timestamp::unix_micros);
        let created = first.timestamp().unix_micros();
        (text.is_none(), states_of(text.as_deref(), last.clone(), created, started).expect("valid"))
    }

    #[test]
    fn usual_states_need_no_text_and_come_back_whole() {
        use StateName::{Completed, Crashed, Failed, Pending, Running};
        let failed = at(Failed, 30).with_message("no luck");
        for states in [
            vec![at(Pending, 10)],
            vec![at(Pending, 10), at(Running, 20)],
            vec![at(Pending, 10), at(Running, 20), at(Completed, 30)],
            vec![at(Pending, 10), at(Running, 20), failed],
            vec![at(Pending, 10), at(Crashed, 20)],
        ] {
            assert_eq!(kept(&states), (true, states.clone()), "{states:?}");
        }
    }

    #[test]
    fn other_states_come_back_whole_too() {
        use StateName::{AwaitingRetry, Completed, NotReady, Pending, Retrying, Running, Scheduled};
        let waiting = at(AwaitingRetry, 30).with_scheduled_time(Timestamp::from_unix_micros(40)).with_message("soon");
        for states in [
            vec![at(Pending, 10), at(NotReady, 20).with_message("upstream failed")],
            vec![at(Scheduled, 5)],
            vec![at(Pending, 10), at(Running, 20), waiting, at(Retrying, 41), at(Completed, 50)],
            vec![at(Pending, 10).with_message("why"), at(Running, 20), at(Completed, 30)],
        ] {
            assert_eq!(kept(&states), (false, states.clone()), "{states:?}");
        }
    }

    #[test]
    fn every_type_has_a_number_that_never_changes() {
        for (number, state_type) in TYPES.iter().enumerate() {
            assert_eq!(number_of(*state_type), number as i64);
            assert_eq!(type_of(number as i64), Some(*state_type));
        }
        assert_eq!((number_of(StateType::Completed), number_of(StateType::Cancelling)), (3, 8));
        assert_eq!(type_of(9), None);
    }
}
