//! The most recent runs and logs.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use crate::asset::AssetEvent;
use crate::backend::History;
use crate::event::LogRecord;
use crate::id::FlowRunId;
use crate::run::{FlowRun, TaskRun, lock};
use crate::state::State;

/// How much is kept. What is older makes room for what is newer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) flow_runs: usize,
    pub(crate) task_runs: usize,
    pub(crate) logs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { flow_runs: 10_000, task_runs: 200_000, logs: 100_000 }
    }
}

/// Bounded queues of runs and logs, oldest first.
#[derive(Debug)]
pub(crate) struct Recent {
    limits: Limits,
    task_runs: Mutex<VecDeque<Arc<TaskRun>>>,
    flow_runs: Mutex<FlowRuns>,
    logs: Mutex<VecDeque<LogRecord>>,
    asset_events: Mutex<VecDeque<AssetEvent>>,
}

#[derive(Debug, Default)]
struct FlowRuns {
    runs: VecDeque<Arc<FlowRun>>,
    stand_ins: HashMap<FlowRunId, Arc<TaskRun>>,
}

fn push_bounded<T>(queue: &mut VecDeque<T>, item: T, limit: usize) -> Option<T> {
    let oldest = if queue.len() >= limit.max(1) { queue.pop_front() } else { None };
    queue.push_back(item);
    oldest
}

impl Recent {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            task_runs: Mutex::default(),
            flow_runs: Mutex::default(),
            logs: Mutex::default(),
            asset_events: Mutex::default(),
        }
    }

    pub(crate) fn add_task_run(&self, run: &Arc<TaskRun>) {
        let oldest = push_bounded(&mut lock(&self.task_runs), Arc::clone(run), self.limits.task_runs);
        drop(oldest);
    }

    pub(crate) fn add_flow_run(&self, run: Arc<FlowRun>, stand_in: Option<Arc<TaskRun>>) {
        let mut kept = lock(&self.flow_runs);
        if let Some(stand_in) = stand_in {
            kept.stand_ins.insert(run.id, stand_in);
        }
        if let Some(oldest) = push_bounded(&mut kept.runs, run, self.limits.flow_runs) {
            kept.stand_ins.remove(&oldest.id);
        }
    }

    pub(crate) fn flow_run(&self, id: FlowRunId) -> Option<Arc<FlowRun>> {
        lock(&self.flow_runs).runs.iter().rev().find(|run| run.id == id).cloned()
    }

    /// Copies a state of a subflow run to the task run that stands for it.
    pub(crate) fn mirror(&self, run: &FlowRun, state: &State) {
        let stand_in = lock(&self.flow_runs).stand_ins.get(&run.id).cloned();
        if let Some(stand_in) = stand_in {
            stand_in.track.push(state.clone());
        }
    }

    pub(crate) fn add_asset_event(&self, event: AssetEvent) {
        push_bounded(&mut lock(&self.asset_events), event, self.limits.task_runs);
    }

    pub(crate) fn add_log(&self, record: LogRecord) {
        push_bounded(&mut lock(&self.logs), record, self.limits.logs);
    }
}

impl History for Recent {
    fn flow_runs(&self) -> Vec<Arc<FlowRun>> {
        lock(&self.flow_runs).runs.iter().cloned().collect()
    }

    fn task_runs(&self) -> Vec<Arc<TaskRun>> {
        lock(&self.task_runs).iter().cloned().collect()
    }

    fn asset_events(&self) -> Vec<AssetEvent> {
        lock(&self.asset_events).iter().cloned().collect()
    }

    fn logs(&self) -> Vec<LogRecord> {
        lock(&self.logs).iter().cloned().collect()
    }
}
