//! The runs that are under way: who needs a sign of life, and who must be reported if the process dies.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::backend::Told;
use crate::clock::{self, Instant};
use crate::id::{FlowRunId, TaskRunId};
use crate::run::{FlowRun, TaskRun, lock};
use crate::state::{State, StateName};

pub(super) struct Active {
    heartbeat: Duration,
    flows: Mutex<HashMap<FlowRunId, (Arc<FlowRun>, Instant)>>,
    tasks: Mutex<HashMap<TaskRunId, Arc<TaskRun>>>,
    /// Who is told when somebody else touches a flow run.
    told: Mutex<HashMap<FlowRunId, Told>>,
}

impl std::fmt::Debug for Active {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Active").field("flows", &self.flows).finish_non_exhaustive()
    }
}

impl Active {
    pub(super) fn new(heartbeat: Duration) -> Self {
        Self { heartbeat, flows: Mutex::default(), tasks: Mutex::default(), told: Mutex::default() }
    }

    /// Notes that a flow run is running; its first sign of life is due at once.
    pub(super) fn flow_started(&self, run: &Arc<FlowRun>) {
        lock(&self.flows).entry(run.id).or_insert_with(|| (Arc::clone(run), clock::instant()));
    }

    /// Has `told` called when somebody else puts the flow run into a state.
    pub(super) fn watch(&self, run: FlowRunId, told: Told) {
        lock(&self.told).insert(run, told);
    }

    /// Takes back a [`watch`](Active::watch), as before the run itself proposes to end.
    pub(super) fn unwatch(&self, run: FlowRunId) -> Option<Told> {
        lock(&self.told).remove(&run)
    }

    /// The flow runs that have begun and are watched.
    pub(super) fn watched(&self) -> Vec<FlowRunId> {
        let told = lock(&self.told);
        lock(&self.flows).keys().filter(|run| told.contains_key(run)).copied().collect()
    }

    /// Says that somebody else has put a flow run into a state.
    pub(super) fn tell(&self, run: FlowRunId, state: State) {
        let told = lock(&self.told).get(&run).cloned();
        if let Some(told) = told {
            told(state);
        }
    }

    /// Tells whether there is a flow run that has gone on for longer than this.
    pub(super) fn has_older_than(&self, age: Duration) -> bool {
        let now = clock::now();
        lock(&self.flows).values().any(|(run, _)| {
            let started = run.track.with(|states| states.first().map(State::timestamp));
            started.is_some_and(|started| now.since(started) >= age)
        })
    }

    pub(super) fn flow_ended(&self, run: &FlowRun) {
        lock(&self.told).remove(&run.id);
        lock(&self.flows).remove(&run.id);
    }

    /// Notes a task run's state, the `index`-th.
    pub(super) fn task_moved(&self, run: &Arc<TaskRun>, index: usize) {
        let given_back = |state: &State| run.can_be_given_back() && state.is(StateName::Scheduled);
        let ended =
            run.track.with(|states| states.get(index).is_none_or(|state| state.is_settled() || given_back(state)));
        let mut tasks = lock(&self.tasks);
        if ended {
            tasks.remove(&run.id);
        } else if index == usize::from(run.can_be_given_back()) {
            tasks.insert(run.id, Arc::clone(run));
        }
    }

    /// Takes the flow runs whose next sign of life is due.
    pub(super) fn due(&self) -> Vec<Arc<FlowRun>> {
        let now = clock::instant();
        let mut due = Vec::new();
        for (run, next) in lock(&self.flows).values_mut() {
            if *next <= now {
                *next = now + self.heartbeat;
                due.push(Arc::clone(run));
            }
        }
        due
    }

    pub(super) fn tasks(&self) -> Vec<Arc<TaskRun>> {
        lock(&self.tasks).values().cloned().collect()
    }

    pub(super) fn flows(&self) -> Vec<Arc<FlowRun>> {
        lock(&self.flows).values().map(|(run, _)| Arc::clone(run)).collect()
    }
}
