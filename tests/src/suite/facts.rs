//! What a backend knows of the runs of one program, in the plainest form.

use std::collections::BTreeMap;

use serde_json::Value;

/// Everything that one program left behind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The flow runs.
    pub flows: Vec<FlowFact>,
    /// The task runs.
    pub tasks: Vec<TaskFact>,
    /// The log lines, in order.
    pub logs: Vec<LogFact>,
}

/// One flow run.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowFact {
    /// The id of the run.
    pub id: String,
    /// The name of the flow.
    pub flow: String,
    /// The name of the run.
    pub name: String,
    /// The tags.
    pub tags: Vec<String>,
    /// The parameters, an object.
    pub parameters: Value,
    /// The task run that stands for it.
    pub parent: Option<String>,
    /// The states, in order.
    pub states: Vec<StateFact>,
    /// How often its body was started.
    pub run_count: u64,
}

/// One task run.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskFact {
    /// The id of the run.
    pub id: String,
    /// The name of the run.
    pub name: String,
    /// The flow run it belongs to.
    pub flow_run: Option<String>,
    /// The tags.
    pub tags: Vec<String>,
    /// The names of its arguments, and the runs each came from.
    pub inputs: BTreeMap<String, Vec<String>>,
    /// The states, in order.
    pub states: Vec<StateFact>,
    /// How often its body was started.
    pub run_count: u64,
}

/// One state.
#[derive(Debug, Clone, PartialEq)]
pub struct StateFact {
    /// The name.
    pub name: String,
    /// The type, such as `COMPLETED`.
    pub kind: String,
    /// The message, if there is one.
    pub message: Option<String>,
    /// When it was entered, in microseconds.
    pub entered: i64,
    /// The time that is scheduled for the next, in microseconds.
    pub scheduled: Option<i64>,
}

/// One line of a run's log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogFact {
    /// The level, by Python's numbers.
    pub level: u64,
    /// The text.
    pub message: String,
    /// The flow run it belongs to.
    pub flow_run: Option<String>,
    /// The task run it belongs to.
    pub task_run: Option<String>,
}

impl StateFact {
    /// Tells whether nothing can follow.
    pub fn is_settled(&self) -> bool {
        self.name == "NotReady" || ["COMPLETED", "FAILED", "CANCELLED", "CRASHED"].contains(&self.kind.as_str())
    }
}

impl Facts {
    /// Tells whether every run has ended.
    pub fn are_settled(&self) -> bool {
        let flows = self.flows.iter().map(|run| &run.states);
        let tasks = self.tasks.iter().map(|run| &run.states);
        flows.chain(tasks).all(|states| states.last().is_some_and(StateFact::is_settled))
    }

    /// Returns the same facts in the order of their ids, without the arguments that came from no run; log lines are in
    /// their own order, those of one flow run together.
    #[must_use]
    pub fn in_order(&self) -> Self {
        let mut facts = self.clone();
        facts.tasks.iter_mut().for_each(|run| run.inputs.retain(|_, runs| !runs.is_empty()));
        facts.flows.sort_by(|one, other| one.id.cmp(&other.id));
        facts.tasks.sort_by(|one, other| one.id.cmp(&other.id));
        facts.logs.sort_by(|one, other| one.flow_run.cmp(&other.flow_run));
        facts
    }
}
