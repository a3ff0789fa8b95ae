//! A map as a server is told of it: by the task run that stands for it, if its runs are not told of one by one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use crate::def::TaskDef;
use crate::engine::context::Context;
use crate::engine::record::Record;
use crate::engine::task_run::TaskJob;
use crate::engine::transition::Fact;
use crate::id::TaskRunId;
use crate::options;
use crate::report::Report;
use crate::run::{OfMap, TaskExtra, TaskInput, TaskInputs, TaskRun, Track, lock};
use crate::state::{State, StateType};

/// More origins of one argument than this are not kept.
const MAX_ORIGINS: usize = 10_000;

/// A map whose runs are told of in a way of their own. The task run that stands for it ends when this is dropped.
pub(crate) struct MapRun {
    of_map: Arc<OfMap>,
    stand_in: Option<Record>,
    ended: Mutex<Ended>,
}

/// What became of the runs that have ended.
#[derive(Default)]
struct Ended {
    counts: BTreeMap<String, usize>,
    worst: Option<StateType>,
    inputs: TaskInputs,
}

impl MapRun {
    /// Begins a map of a task. `None` if its runs are reported as all others are, and in any backend that keeps everything.
    pub(crate) fn begin(def: &'static TaskDef, ambient: &Context, own: Option<Report>) -> Option<Self> {
        let usual = ambient.ports.backend.report()?;
        let report = own.unwrap_or(usual);
        if own.is_none() && report != Report::Aggregate {
            return None;
        }
        let stand_in = (report == Report::Aggregate).then(|| stand_in(def, ambient));
        let of_map = OfMap { report, stand_in: stand_in.as_ref().map(|record| record.0.id) };
        Some(Self { of_map: Arc::new(of_map), stand_in, ended: Mutex::default() })
    }

    /// Makes a call one of the map's.
    pub(crate) fn mark<T>(&self, job: &mut TaskJob<T>) {
        job.overrides.get_or_insert_default().of_map = Some(Arc::clone(&self.of_map));
    }

    /// Counts the run when what comes back is dropped, which is to be after the run has ended.
    pub(crate) fn counted(&self, run: &Arc<TaskRun>) -> Option<Counted<'_>> {
        self.stand_in.as_ref().map(|_| Counted(self, Arc::clone(run)))
    }
}

fn stand_in(def: &'static TaskDef, ambient: &Context) -> Record {
    let id = TaskRunId::now();
    let extra = TaskExtra {
        name: OnceLock::from(id.default_name(&format!("{}-map", def.name))),
        tags: ambient.with_scoped(options::tags(None, &def.options)),
        ..TaskExtra::default()
    };
    let run = TaskRun {
        id,
        def,
        flow_run: ambient.flow_run().cloned(),
        parent: ambient.task.as_ref().map(|task| task.id),
        extra: Some(Box::new(extra)),
        track: Track::default(),
    };
    let record = Record(Arc::new(run), Arc::clone(&ambient.ports));
    let _ = record.apply(Fact::Requested);
    let _ = record.apply(Fact::Started);
    record
}

impl Drop for MapRun {
    fn drop(&mut self) {
        let Some(Record(run, _)) = &self.stand_in else { return };
        let ended = std::mem::take(&mut *lock(&self.ended));
        if let Some(extra) = &run.extra {
            let mut inputs = ended.inputs.clone();
            for (name, _) in run.no_inputs() {
                if !inputs.iter().any(|(known, _)| *known == name) {
                    inputs.push((name, Vec::new()));
                }
            }
            // Nobody else sets them.
            let _ = extra.inputs.set(inputs);
        }
        if let Some(record) = &self.stand_in {
            let _ = record.apply(Fact::Chosen { state: Box::new(ended.state()) });
        }
    }
}

/// See [`MapRun::counted`].
pub(crate) struct Counted<'a>(&'a MapRun, Arc<TaskRun>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        lock(&self.0.ended).add(&self.1.state(), self.1.inputs());
    }
}

impl Ended {
    fn add(&mut self, state: &State, inputs: TaskInputs) {
        *self.counts.entry(state.name().to_owned()).or_default() += 1;
        // What is not final now never will be: it was not ready.
        let kind = if state.is_final() { state.state_type() } else { StateType::Failed };
        self.worst = Some(worse(self.worst, kind));
        for (name, runs) in inputs.into_iter().filter(|(_, runs)| !runs.is_empty()) {
            let known = match self.inputs.iter().position(|(known, _)| *known == name) {
                Some(known) => known,
                None => {
                    self.inputs.push((name, Vec::new()));
                    self.inputs.len() - 1
                }
            };
            add_origins(&mut self.inputs[known].1, &runs);
        }
    }

    /// The state of all together, with a message that counts.
    fn state(&self) -> State {
        let all: usize = self.counts.values().sum();
        let counts: Vec<String> = self.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let message =
            if all == 0 { "no task run".to_owned() } else { format!("{all} task runs: {}", counts.join(", ")) };
        match self.worst {
            Some(StateType::Failed) => State::failed(),
            Some(StateType::Crashed) => State::crashed(),
            Some(StateType::Cancelled) => State::cancelled(),
            _ => State::completed(),
        }
        .with_message(message)
    }
}

/// Neighbours are given the same things, which is all that is looked for here.
fn add_origins(known: &mut Vec<TaskInput>, runs: &[TaskInput]) {
    for run in runs {
        if known.len() < MAX_ORIGINS && !known.iter().rev().take(runs.len() + 8).any(|other| other == run) {
            known.push(*run);
        }
    }
}

/// The way to end that says more of a map.
fn worse(one: Option<StateType>, other: StateType) -> StateType {
    let weight = |kind| match kind {
        StateType::Failed => 3,
        StateType::Crashed => 2,
        StateType::Cancelled => 1,
        _ => 0,
    };
    one.filter(|one| weight(*one) >= weight(other)).unwrap_or(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(states: &[State]) -> String {
        let mut ended = Ended::default();
        states.iter().for_each(|state| ended.add(state, Vec::new()));
        ended.state().to_string()
    }

    #[test]
    fn the_state_of_a_map_is_the_worst_that_any_run_has_and_counts_all() {
        let [completed, cancelled, crashed, failed] =
            [State::completed(), State::cancelled(), State::crashed(), State::failed()];
        assert_eq!(told(&[]), "Completed('no task run')");
        assert_eq!(told(&[completed.clone(), completed.clone()]), "Completed('2 task runs: 2 Completed')");
        assert_eq!(
            told(&[completed.clone(), failed, cancelled.clone(), crashed.clone()]),
            "Failed('4 task runs: 1 Cancelled, 1 Completed, 1 Crashed, 1 Failed')"
        );
        assert_eq!(told(&[cancelled.clone(), crashed]), "Crashed('2 task runs: 1 Cancelled, 1 Crashed')");
        assert_eq!(told(&[completed, cancelled]), "Cancelled('2 task runs: 1 Cancelled, 1 Completed')");
    }

    #[test]
    fn what_many_runs_were_given_is_kept_once() {
        let [one, other] = [TaskRunId::now(), TaskRunId::now()].map(TaskInput::TaskRun);
        let mut ended = Ended::default();
        for run in [one, one, other, one] {
            ended.add(&State::completed(), vec![("n", vec![run]), ("m", Vec::new())]);
        }
        assert_eq!(ended.inputs, [("n", vec![one, other])]);
    }
}
