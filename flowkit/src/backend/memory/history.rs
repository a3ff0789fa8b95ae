//! The most recent runs and logs.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use crate::asset::AssetEvent;
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
    logs: Mutex<Logs>,
    asset_events: Mutex<VecDeque<AssetEvent>>,
}

#[derive(Debug, Default)]
struct FlowRuns {
    runs: VecDeque<Arc<FlowRun>>,
    /// Those beyond the bound that had not ended when they came to it.
    held: BTreeMap<FlowRunId, Arc<FlowRun>>,
    /// How many may be held before it is looked which have ended meanwhile.
    held_at_most: usize,
    stand_ins: HashMap<FlowRunId, Arc<TaskRun>>,
}

impl FlowRuns {
    /// Lets go of a run for which there is no room, unless it goes on or is to come.
    fn outlived(&mut self, run: Arc<FlowRun>) {
        if run.state().is_final() {
            self.stand_ins.remove(&run.id);
            return;
        }
        self.held.insert(run.id, run);
        if self.held.len() > self.held_at_most {
            let stand_ins = &mut self.stand_ins;
            self.held.retain(|id, run| {
                let ended = run.state().is_final();
                if ended {
                    stand_ins.remove(id);
                }
                !ended
            });
            self.held_at_most = (2 * self.held.len()).max(64);
        }
    }
}

#[derive(Debug, Default)]
struct Logs {
    records: VecDeque<LogRecord>,
    /// How many have made room.
    gone: u64,
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
            kept.outlived(oldest);
        }
    }

    pub(crate) fn flow_run(&self, id: FlowRunId) -> Option<Arc<FlowRun>> {
        let kept = lock(&self.flow_runs);
        kept.runs.iter().rev().find(|run| run.id == id).or_else(|| kept.held.get(&id)).cloned()
    }

    pub(crate) fn flow_run_ids(&self) -> HashSet<FlowRunId> {
        let kept = lock(&self.flow_runs);
        kept.runs.iter().map(|run| run.id).chain(kept.held.keys().copied()).collect()
    }

    /// Puts a record in the place of the one of the same run.
    pub(crate) fn replace_flow_run(&self, run: &Arc<FlowRun>) {
        let mut kept = lock(&self.flow_runs);
        let kept = &mut *kept;
        let place = kept.runs.iter_mut().rev().find(|known| known.id == run.id).or_else(|| kept.held.get_mut(&run.id));
        if let Some(place) = place {
            *place = Arc::clone(run);
        }
    }

    pub(crate) fn remove_flow_run(&self, id: FlowRunId) {
        let mut kept = lock(&self.flow_runs);
        if kept.held.remove(&id).is_none()
            && let Some(place) = kept.runs.iter().rposition(|run| run.id == id)
        {
            kept.runs.remove(place);
        }
        kept.stand_ins.remove(&id);
    }

    /// Finds the task run that stands for a flow run in its parent.
    pub(crate) fn stand_in(&self, run: FlowRunId) -> Option<Arc<TaskRun>> {
        lock(&self.flow_runs).stand_ins.get(&run).cloned()
    }

    /// Copies a state of a subflow run to the task run that stands for it.
    pub(crate) fn mirror(&self, run: &FlowRun, state: &State) {
        if let Some(stand_in) = self.stand_in(run.id) {
            stand_in.track.push(state.clone());
        }
    }

    pub(crate) fn add_asset_event(&self, event: AssetEvent) {
        push_bounded(&mut lock(&self.asset_events), event, self.limits.task_runs);
    }

    pub(crate) fn add_log(&self, record: LogRecord) {
        let mut logs = lock(&self.logs);
        if push_bounded(&mut logs.records, record, self.limits.logs).is_some() {
            logs.gone += 1;
        }
    }
}

impl Recent {
    pub(crate) fn flow_runs(&self) -> Vec<Arc<FlowRun>> {
        let kept = lock(&self.flow_runs);
        kept.held.values().chain(&kept.runs).cloned().collect()
    }

    pub(crate) fn task_runs(&self) -> Vec<Arc<TaskRun>> {
        lock(&self.task_runs).iter().cloned().collect()
    }

    pub(crate) fn asset_events(&self) -> Vec<AssetEvent> {
        lock(&self.asset_events).iter().cloned().collect()
    }

    pub(crate) fn logs(&self) -> Vec<LogRecord> {
        lock(&self.logs).records.iter().cloned().collect()
    }

    pub(crate) fn logs_from(&self, from: u64, each: &mut dyn FnMut(&LogRecord)) -> u64 {
        let logs = lock(&self.logs);
        let skipped = usize::try_from(from.saturating_sub(logs.gone)).unwrap_or(usize::MAX);
        logs.records.iter().skip(skipped).for_each(each);
        logs.gone + logs.records.len() as u64
    }

    pub(crate) fn logs_of(&self, run: FlowRunId) -> Vec<LogRecord> {
        lock(&self.logs).records.iter().filter(|record| record.flow_run_id == Some(run)).cloned().collect()
    }
}
