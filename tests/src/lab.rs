//! A runtime for tests of the engine, and short words for what happened in it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use flowkit::{FlowRun, History, LogRecord, Runtime, State, TaskRun};

/// A runtime of its own, in memory.
pub struct Lab(Runtime);

impl Default for Lab {
    fn default() -> Self {
        Self(Runtime::ephemeral())
    }
}

impl Lab {
    /// Uses a runtime with a history.
    pub fn of(runtime: Runtime) -> Self {
        Self(runtime)
    }

    /// Runs `future` in the runtime.
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        self.0.run(future).await
    }

    fn history(&self) -> &dyn History {
        self.0.history().expect("a runtime in memory has a history")
    }

    /// Returns all task runs.
    pub fn all_tasks(&self) -> Vec<Arc<TaskRun>> {
        self.history().task_runs()
    }

    /// Returns all flow runs.
    pub fn all_flows(&self) -> Vec<Arc<FlowRun>> {
        self.history().flow_runs()
    }

    /// Returns the runs of one task.
    pub fn tasks(&self, name: &str) -> Vec<Arc<TaskRun>> {
        self.all_tasks().into_iter().filter(|run| run.task().name == name).collect()
    }

    /// Returns the runs of one flow.
    pub fn flows(&self, name: &str) -> Vec<Arc<FlowRun>> {
        self.all_flows().into_iter().filter(|run| run.flow().name == name).collect()
    }

    /// Returns the only run of one task.
    pub fn task(&self, name: &str) -> Arc<TaskRun> {
        only(self.tasks(name), name)
    }

    /// Returns the only run of one flow.
    pub fn flow(&self, name: &str) -> Arc<FlowRun> {
        only(self.flows(name), name)
    }

    /// Returns the only log line with this text.
    pub fn log(&self, message: &str) -> LogRecord {
        only(self.logs_with(message), message)
    }

    /// Returns the log lines with this text.
    pub fn logs_with(&self, message: &str) -> Vec<LogRecord> {
        self.history().logs().into_iter().filter(|record| record.message == message).collect()
    }

    /// Returns all log lines.
    pub fn logs(&self) -> Vec<LogRecord> {
        self.history().logs()
    }
}

fn only<T>(mut all: Vec<T>, what: &str) -> T {
    assert_eq!(all.len(), 1, "how often there is `{what}`");
    all.remove(0)
}

/// Names states in order: `Pending > Running > Completed`.
pub fn path(states: &[State]) -> String {
    states.iter().map(State::name).collect::<Vec<_>>().join(" > ")
}

/// Tells how many seconds after the first state each state was entered.
pub fn seconds(states: &[State]) -> Vec<u64> {
    let Some(first) = states.first() else { return Vec::new() };
    states.iter().map(|state| rounded(state.timestamp().since(first.timestamp()))).collect()
}

/// Returns seconds without what timers and the microseconds between states add.
pub fn rounded(duration: Duration) -> u64 {
    duration.as_secs_f64().round() as u64
}
