//! Reads the history of a runtime in memory.

use flowkit::{History, LogRecord, State, TaskInput};
use serde_json::json;

use super::facts::{Facts, FlowFact, LogFact, StateFact, TaskFact};

/// Returns everything that is in a history.
pub fn facts(history: &dyn History) -> Facts {
    let flows = history.flow_runs().into_iter().map(|run| FlowFact {
        id: run.id().to_string(),
        flow: run.flow().name.to_owned(),
        name: run.name().to_owned(),
        tags: run.tags().to_vec(),
        parameters: json!(run.parameters()),
        parent: run.parent_task_run().map(|id| id.to_string()),
        states: run.states().iter().map(state).collect(),
        run_count: run.effort().run_count.into(),
    });
    let tasks = history.task_runs().into_iter().map(|run| TaskFact {
        id: run.id().to_string(),
        name: run.name(),
        flow_run: run.flow_run().map(|flow| flow.id().to_string()),
        tags: run.tags().to_vec(),
        inputs: run
            .inputs()
            .into_iter()
            .map(|(name, runs)| (name.to_owned(), runs.iter().map(origin).collect()))
            .collect(),
        states: run.states().iter().map(state).collect(),
        run_count: run.effort().run_count.into(),
    });
    Facts { flows: flows.collect(), tasks: tasks.collect(), logs: history.logs().iter().map(log).collect() }
}

pub(super) fn state(state: &State) -> StateFact {
    StateFact {
        name: state.name().to_owned(),
        kind: state.state_type().as_str().to_owned(),
        message: state.message().map(str::to_owned),
        entered: state.timestamp().unix_micros(),
        scheduled: state.details().scheduled_time.map(flowkit::Timestamp::unix_micros),
    }
}

fn origin(input: &TaskInput) -> String {
    match input {
        TaskInput::TaskRun(id) => id.to_string(),
        TaskInput::FlowRun(id) => id.to_string(),
        other => format!("{other:?}"),
    }
}

pub(super) fn log(record: &LogRecord) -> LogFact {
    LogFact {
        level: record.level as u64,
        message: record.message.clone(),
        flow_run: record.flow_run_id.map(|id| id.to_string()),
        task_run: record.task_run_id.map(|id| id.to_string()),
    }
}
