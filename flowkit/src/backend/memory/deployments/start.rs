//! Runs that begin to wait: those of schedules, and those that somebody starts.

use std::sync::Arc;

use uuid::Uuid;

use super::parameters;
use super::runs::{self, Wanted};
use crate::backend::memory::Memory;
use crate::clock::{self, Timestamp};
use crate::deploy::{
    Caller, Cause, DeploymentRun, DeploymentSpec, KeptDeployment, NewDeploymentRun, RegisteredDeployment,
};
use crate::error::{Error, ErrorKind};
use crate::id::{FlowRunId, TaskRunId};
use crate::names;
use crate::run::{FlowRun, TaskExtra, TaskInput, TaskRun, Track};
use crate::state::{State, StateName, StateType};

use super::kept::Deployment;

impl Memory {
    pub(super) fn register_now(&self, spec: DeploymentSpec) -> Result<RegisteredDeployment, Error> {
        let now = clock::now();
        let (registered, _) = self.enter(spec, None, now)?;
        self.go_on(registered.id, now);
        Ok(registered)
    }

    /// Takes a deployment into the book, or changes it there; tells whether it is new there. `before` is what is known of it
    /// from elsewhere, with dates to come that are not to be.
    pub(super) fn enter(
        &self,
        spec: DeploymentSpec,
        before: Option<(&KeptDeployment, &[(Uuid, Timestamp)])>,
        now: Timestamp,
    ) -> Result<(RegisteredDeployment, bool), Error> {
        let full_name = spec.full_name();
        let flow = spec.own.ok_or_else(|| {
            let why = format!(
                "deployment '{full_name}': its flow is not in this program, and without a server no other can run it"
            );
            Error::new(ErrorKind::Definition, why)
        })?;
        if spec.work_pool.is_some() {
            let why = "work pools are on a Prefect server: set PREFECT_API_URL, or leave the pool out and serve the deployment";
            return Err(Error::new(ErrorKind::Settings, format!("deployment '{full_name}': {why}")));
        }
        let mut new = Deployment::new(spec, flow, now)?;
        let id = new.id;
        self.decide_what_has_come(id, now);
        let given_up = self.deployments.book(|book| match book.deployments.get_mut(&id) {
            Some(known) => {
                known.update(new);
                Some(known.unplan(now))
            }
            None => {
                if let Some((before, gone)) = before {
                    new.leave_out(gone.iter().copied());
                    new.follow(before);
                }
                book.deployments.insert(id, new);
                None
            }
        });
        let is_new = given_up.is_none();
        self.forget(given_up.unwrap_or_default());
        Ok((RegisteredDeployment { id, full_name, ui_url: None }, is_new))
    }

    /// Has a deployment be kept as it is now, its next runs be planned, and whoever serves it come.
    pub(super) fn go_on(&self, id: Uuid, now: Timestamp) {
        self.deployments.book(|book| {
            if let Some(deployment) = book.deployments.get(&id) {
                self.deployments.keep(|keeper| keeper.deployment(deployment.kept()));
            }
        });
        self.plan(id, now);
        self.deployments.tell();
    }

    /// Changes which dates of a deployment count.
    pub(super) fn change(
        &self,
        id: Uuid,
        change: impl FnOnce(&mut Deployment, Timestamp) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let now = clock::now();
        self.decide_what_has_come(id, now);
        let given_up = self.deployments.book(|book| {
            let deployment = book.find(&crate::deploy::Target::Id(id))?;
            change(deployment, now)?;
            Ok(deployment.unplan(now))
        })?;
        self.forget(given_up);
        self.go_on(id, now);
        Ok(())
    }

    /// Plans the next run of each schedule that has none.
    fn plan(&self, id: Uuid, now: Timestamp) {
        self.deployments.book(|book| {
            let Some(deployment) = book.deployments.get_mut(&id) else { return };
            let mut made = Vec::new();
            for due in deployment.unplanned() {
                let run = self.planned(deployment, due.key, due.at, now);
                deployment.planned(&due, run.id);
                made.push((run, due));
            }
            for (run, due) in made {
                self.deployments.wait(book, &run, due.at, Cause { schedule: Some(due.key), key: None });
            }
        });
    }

    /// Has the misfire policies decide on runs that were planned, that are due, and that nobody had room for: only dates to
    /// come can be planned anew.
    fn decide_what_has_come(&self, id: Uuid, now: Timestamp) {
        let come = self.deployments.book(|book| book.deployments.get(&id).map(|deployment| deployment.come(now)));
        for run in come.into_iter().flatten() {
            self.decide(run, now);
        }
    }

    /// Has the misfire policy decide on a run that was planned and that somebody would like to start now.
    pub(super) fn decide(&self, id: FlowRunId, now: Timestamp) {
        let decided = self.deployments.book(|book| {
            let of = book.deployment_of(id)?;
            let deployment = book.deployments.get_mut(&of)?;
            let decision = deployment.decide(id, now)?;
            let later = |date: &Timestamp| (self.planned(deployment, decision.schedule, *date, now), *date);
            let others: Vec<_> = decision.others.iter().map(later).collect();
            let cause = Cause { schedule: Some(decision.schedule), key: None };
            others.iter().for_each(|(run, due)| self.deployments.wait(book, run, *due, cause));
            if !decision.runs {
                book.withdraw(id);
            }
            Some((of, decision))
        });
        let Some((of, decision)) = decided else { return };
        if !decision.runs
            && let Some(run) = self.recent.flow_run(id)
        {
            let why = decision.misfire.reason(decision.due, now);
            tracing::warn!(target: "flowkit::serve", "Flow run '{}' of flow '{}': {why}", run.name, run.def.name);
            self.put(&run, State::named(StateType::Cancelled, "Skipped", now).with_message(why));
        }
        self.plan(of, now);
        self.deployments.tell();
    }

    pub(super) fn planned(
        &self,
        deployment: &Deployment,
        schedule: Uuid,
        due: Timestamp,
        now: Timestamp,
    ) -> Arc<FlowRun> {
        let wanted = Wanted::by_schedule(deployment.parameters_of(schedule));
        let run = runs::scheduled(deployment, wanted, due, now);
        self.recent.add_flow_run(Arc::clone(&run), None);
        run
    }

    /// Takes a run from those that wait, because it is cancelled or somebody runs it; only one gets it.
    pub(in crate::backend::memory) fn withdraw(&self, run: FlowRunId) -> bool {
        let deployment = self.deployments.book(|book| book.withdraw(run));
        if let Some(deployment) = deployment {
            self.plan(deployment, clock::now());
            self.deployments.tell();
        }
        deployment.is_some()
    }

    /// Forgets planned runs that are not to be.
    fn forget(&self, runs: Vec<FlowRunId>) {
        for run in runs {
            if self.deployments.book(|book| book.withdraw(run)).is_some() {
                self.recent.remove_flow_run(run);
                self.deployments.keep(|keeper| keeper.forgotten(run));
            }
        }
    }

    pub(super) fn start_now(&self, new: NewDeploymentRun) -> Result<DeploymentRun, Error> {
        let now = clock::now();
        let due = new.scheduled.unwrap_or(now);
        let run = self.deployments.book(|book| {
            let deployment = book.find(&new.target)?;
            let id = deployment.id;
            let parameters = parameters::merged(&deployment.spec, deployment.flow, new.parameters)?;
            if let Some(known) = new.idempotency_key.as_ref().and_then(|key| book.key(id, key))
                && let Some(run) = self.recent.flow_run(known)
            {
                return Ok(run);
            }
            let caller = new.caller.as_ref().and_then(|caller| Some((caller, self.recent.flow_run(caller.flow_run)?)));
            let deployment = book.find(&new.target)?;
            let stand_in = caller.as_ref().map(|(caller, above)| self.deployment_stand_in(deployment, caller, above));
            let wanted = Wanted {
                name: new.name.as_deref().and_then(names::fit),
                parameters,
                tags: new.tags,
                parent_task_run: stand_in.as_ref().map(|task| task.id),
                parent_flow_run: caller.as_ref().map(|(_, above)| above.id),
                root_flow_run: caller.as_ref().map(|(_, above)| above.root_flow_run_id()),
                message: None,
            };
            let run = runs::scheduled(deployment, wanted, due, now);
            self.recent.add_flow_run(Arc::clone(&run), stand_in);
            self.recent.mirror(&run, &run.state());
            let cause = Cause { schedule: None, key: new.idempotency_key.as_deref() };
            self.deployments.wait(book, &run, due, cause);
            if let Some(key) = new.idempotency_key {
                book.remember(id, key, run.id, || self.recent.flow_run_ids());
            }
            Ok(run)
        })?;
        self.deployments.tell();
        Ok(seen(&run))
    }

    /// Makes the task run that stands for a deployment's run in the graph of the flow run that starts it.
    fn deployment_stand_in(&self, deployment: &Deployment, caller: &Caller, above: &Arc<FlowRun>) -> Arc<TaskRun> {
        let def = deployment.flow.def;
        let task = Arc::new(TaskRun {
            id: TaskRunId::now(),
            def: super::super::stand_in_def(def),
            flow_run: Some(Arc::clone(above)),
            parent: caller.task_run,
            extra: Some(Box::<TaskExtra>::default()),
            track: Track::default(),
        });
        if let Some(extra) = &task.extra {
            let _ = extra.name.set(format!("{}-{}", deployment.spec.full_name(), caller.nth));
            let mut inputs: Vec<_> = def.params.iter().map(|param| (param.name, Vec::new())).collect();
            inputs.extend(caller.task_run.map(|task| ("__parents__", vec![TaskInput::TaskRun(task)])));
            let _ = extra.inputs.set(inputs);
        }
        task.track.push(State::new(StateName::Pending, clock::now()));
        self.recent.add_task_run(&task);
        task
    }
}

/// A run as others see it.
pub(super) fn seen(run: &FlowRun) -> DeploymentRun {
    DeploymentRun { id: run.id, name: run.name.clone(), state: run.state() }
}
