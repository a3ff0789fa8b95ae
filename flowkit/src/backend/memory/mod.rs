//! The backend that is there when nothing is set: in memory, without a file, a port or a thread.

mod artifacts;
mod blocks;
mod deployments;
mod feed;
mod history;
mod inbox;
mod interact;
mod slots;
mod variables;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use crate::artifacts::{Artifact, Artifacts};
use crate::asset::AssetEvent;
#[cfg(feature = "endpoint")]
use crate::backend::Kept;
use crate::backend::{Answer, Backend, Existing, History, NewFlowRun, ParentRun, Proposal, Told, Undelivered};
use crate::blocks::Blocks;
use crate::clock;
use crate::def::{FlowDef, TaskDef};
#[cfg(feature = "embedded")]
use crate::deploy::Keeper;
use crate::deploy::{Deploy, DeploymentDetails};
use crate::error::{Error, ErrorKind};
use crate::event::{Event, LogRecord};
use crate::feed::Feed;
use crate::id::{FlowRunId, TaskRunId, id_of};
use crate::interact::Interact;
use crate::names;
use crate::orchestrate;
use crate::run::{FlowRun, TaskRun, Track};
use crate::slots::Slots;
use crate::state::{State, StateName, StateType};
use crate::variables::{Variable, Variables};

use artifacts::Shown;
use blocks::Saved;
use deployments::Deployments;
use feed::Happenings;
pub(crate) use history::Limits;
use history::Recent;
use inbox::Inboxes;
use slots::Counting;
use variables::Named;

/// Keeps the most recent runs and logs in memory.
#[derive(Debug)]
pub(crate) struct Memory {
    recent: Recent,
    inboxes: Inboxes,
    deployments: Deployments,
    variables: Named,
    artifacts: Shown,
    blocks: Saved,
    slots: Counting,
    happenings: Arc<Happenings>,
}

impl Memory {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            recent: Recent::new(limits),
            inboxes: Inboxes::default(),
            deployments: Deployments::default(),
            variables: Named::default(),
            artifacts: Shown::default(),
            blocks: Saved::default(),
            slots: Counting::default(),
            happenings: Arc::new(Happenings::beside(limits.flow_runs)),
        }
    }

    /// Has somebody keep what is known of deployments.
    #[cfg(feature = "embedded")]
    pub(crate) fn kept_by(limits: Limits, keeper: Arc<dyn Keeper>) -> Self {
        Self { deployments: Deployments::kept_by(keeper), ..Self::new(limits) }
    }

    /// Finds the task run that stands for a flow run in its parent.
    #[cfg(feature = "embedded")]
    pub(crate) fn stand_in_of(&self, run: FlowRunId) -> Option<Arc<TaskRun>> {
        self.recent.stand_in(run)
    }

    /// Brings back a run that another process had, in the state it was left in.
    #[cfg(feature = "embedded")]
    pub(crate) fn revive(&self, existing: Existing, new: NewFlowRun) -> Arc<FlowRun> {
        let stands_in = new.parent.as_ref().map(|parent| self.stand_in(&new, parent));
        let run = Arc::new(FlowRun {
            id: existing.id,
            def: new.def,
            name: existing.name,
            flow_id: existing.flow_id,
            parameters: existing.parameters,
            tags: existing.tags,
            retries: new.retries,
            retry_delay: new.retry_delay,
            parent_task_run: stands_in.as_ref().map(|task| task.id),
            background: existing.background,
            track: Track::default(),
        });
        run.track.push(existing.state.clone());
        self.recent.remove_flow_run(run.id);
        self.recent.add_flow_run(Arc::clone(&run), stands_in);
        self.recent.mirror(&run, &existing.state);
        run
    }

    fn create(&self, new: NewFlowRun) -> Arc<FlowRun> {
        let stands_in = new.parent.as_ref().map(|parent| self.stand_in(&new, parent));
        let background = new.background();
        let run = Arc::new(FlowRun {
            id: FlowRunId::now(),
            def: new.def,
            name: new.name.unwrap_or_else(names::generate),
            flow_id: id_of("flow", new.def.name),
            parameters: new.parameters,
            tags: new.tags,
            retries: new.retries,
            retry_delay: new.retry_delay,
            parent_task_run: stands_in.as_ref().map(|task| task.id),
            background,
            track: Track::default(),
        });
        let pending = State::new(StateName::Pending, clock::now());
        run.track.push(pending.clone());
        self.recent.add_flow_run(Arc::clone(&run), stands_in);
        self.recent.mirror(&run, &pending);
        self.tell_state(&run, &pending);
        run
    }

    /// Makes the task run that stands for a subflow in its parent's graph; it mirrors the subflow's states, the first
    /// included, so that it is pending twice, as at a server.
    fn stand_in(&self, new: &NewFlowRun, parent: &ParentRun) -> Arc<TaskRun> {
        let def = new.def;
        let task = Arc::new(TaskRun {
            id: TaskRunId::now(),
            def: stand_in_def(def),
            flow_run: Some(Arc::clone(&parent.flow_run)),
            parent: parent.task_run,
            extra: Some(Box::default()),
            track: Track::default(),
        });
        if let Some(extra) = &task.extra {
            let _ = extra.name.set(format!("{}-{}", def.name, parent.nth));
            let _ = extra.inputs.set(new.stand_in_inputs());
        }
        task.track.push(State::new(StateName::Pending, clock::now()));
        self.recent.add_task_run(&task);
        task
    }

    fn cancel_now(&self, id: FlowRunId) -> Result<State, Error> {
        let run = self.recent.flow_run(id).ok_or_else(|| {
            Error::new(ErrorKind::Backend, format!("there is no flow run with the id {id} in this process"))
        })?;
        let current = run.state();
        if current.is_final() {
            let why = format!("flow run '{}' has ended already, in state {current}", run.name);
            return Err(Error::new(ErrorKind::Aborted, why));
        }
        if current.state_type() == StateType::Cancelling {
            return Ok(current);
        }
        if self.withdraw(id) || current.is(StateName::Suspended) {
            let state = State::new(StateName::Cancelled, clock::now());
            self.put(&run, state.clone());
            return Ok(state);
        }
        let state = State::new(StateName::Cancelling, clock::now());
        self.recent.mirror(&run, &state);
        self.tell_state(&run, &state);
        Ok(state)
    }

    fn answer(&self, run: &Arc<FlowRun>, proposal: Proposal) -> Answer {
        let answer = orchestrate::answer(run, &self.inboxes.state_of(run), proposal, clock::now());
        if let Answer::Accept(state) | Answer::Reject(state) = &answer {
            self.note(run, state);
        }
        answer
    }

    /// Tells everything that follows runs of a state that one of them is in.
    fn note(&self, run: &Arc<FlowRun>, state: &State) {
        self.tell_state(run, state);
        self.recent.mirror(run, state);
        self.inboxes.seen(run, state);
        self.deployments.entered(run, state);
    }

    /// Gives a run of a deployment to the engine, which alone adds states to it from now on.
    fn hand_over(&self, existing: &Existing, new: NewFlowRun) -> Result<Arc<FlowRun>, Error> {
        let known = self.run_of(existing.id)?;
        if !self.withdraw(known.id) {
            let why = format!("flow run '{}' cannot be taken over: it does not wait to be run", known.name);
            return Err(Error::new(ErrorKind::Refused, why));
        }
        let run = deployments::adopted(&known, new);
        self.recent.replace_flow_run(&run);
        self.inboxes.replace(&run);
        Ok(run)
    }
}

impl Backend for Memory {
    fn create_flow_run(&self, new: NewFlowRun) -> BoxFuture<'_, Result<Arc<FlowRun>, Error>> {
        ready(Ok(self.create(new))).boxed()
    }

    fn find_flow_run(&self, id: FlowRunId) -> BoxFuture<'_, Result<Existing, Error>> {
        let found = self.run_of(id).map(|run| deployments::existing(&run, self.inboxes.state_of(&run)));
        ready(found).boxed()
    }

    fn adopt_flow_run(&self, existing: Existing, new: NewFlowRun) -> BoxFuture<'_, Result<Arc<FlowRun>, Error>> {
        ready(self.hand_over(&existing, new)).boxed()
    }

    fn propose(&self, run: Arc<FlowRun>, proposal: Proposal) -> BoxFuture<'_, Answer> {
        ready(self.answer(&run, proposal)).boxed()
    }

    fn cancel(&self, run: FlowRunId) -> BoxFuture<'_, Result<State, Error>> {
        ready(self.cancel_now(run)).boxed()
    }

    /// Nobody outside of this process can touch its runs.
    fn watch(&self, _: &Arc<FlowRun>, _: Told) {}

    /// Nobody will read the history.
    fn abandon(&self, _: String) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }

    fn emit(&self, event: Event) {
        match event {
            Event::TaskState(run, 0) => self.recent.add_task_run(&run),
            Event::TaskState(..) => {}
            Event::FlowEnded(run, state) => self.note(&run, &state),
            Event::Asset(event) => self.recent.add_asset_event(*event),
            Event::Happened(emitted) => self.tell_event(emitted.here()),
            Event::Log(record) => self.recent.add_log(record),
        }
    }

    fn flush(&self, _limit: Duration) -> BoxFuture<'_, Undelivered> {
        ready(Undelivered::default()).boxed()
    }

    fn interact(&self) -> &dyn Interact {
        self
    }

    fn artifacts(&self) -> &dyn Artifacts {
        self
    }

    fn blocks(&self) -> &dyn Blocks {
        self
    }

    fn slots(&self) -> &dyn Slots {
        self
    }

    fn variables(&self) -> &dyn Variables {
        self
    }

    fn feed(&self) -> &dyn Feed {
        self
    }

    #[cfg(feature = "endpoint")]
    fn kept(self: Arc<Self>) -> Option<Arc<dyn Kept>> {
        Some(self)
    }

    fn history(&self) -> Option<&dyn History> {
        Some(self)
    }

    fn deploy(&self) -> Option<&dyn Deploy> {
        Some(self)
    }
}

impl History for Memory {
    fn flow_runs(&self) -> Vec<Arc<FlowRun>> {
        self.recent.flow_runs()
    }

    fn flow_run(&self, id: FlowRunId) -> Option<Arc<FlowRun>> {
        self.recent.flow_run(id)
    }

    fn task_runs(&self) -> Vec<Arc<TaskRun>> {
        self.recent.task_runs()
    }

    fn asset_events(&self) -> Vec<AssetEvent> {
        self.recent.asset_events()
    }

    fn logs(&self) -> Vec<LogRecord> {
        self.recent.logs()
    }

    fn logs_from(&self, from: u64, each: &mut dyn FnMut(&LogRecord)) -> u64 {
        self.recent.logs_from(from, each)
    }

    fn logs_of(&self, run: FlowRunId) -> Vec<LogRecord> {
        self.recent.logs_of(run)
    }

    fn deployments(&self) -> Vec<DeploymentDetails> {
        self.deployments.details()
    }

    fn variables(&self) -> Vec<Variable> {
        self.all_variables()
    }

    fn artifacts(&self) -> Vec<Artifact> {
        self.all_shown()
    }
}

/// The declaration of the task that stands for a flow; made once for each flow.
fn stand_in_def(def: &'static FlowDef) -> &'static TaskDef {
    use std::collections::HashMap;
    use std::sync::{Mutex, OnceLock};

    static MADE: OnceLock<Mutex<HashMap<&'static str, &'static TaskDef>>> = OnceLock::new();
    let mut made = crate::run::lock(MADE.get_or_init(Mutex::default));
    made.entry(def.key).or_insert_with(|| Box::leak(Box::new(TaskDef::new(def.name, def.key, &[]))))
}
