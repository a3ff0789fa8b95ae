//! The port of deployments, for those of this process.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use tokio::sync::Notify;
use uuid::Uuid;

use super::book::Claimed;
use super::kept::Deployment;
use super::start::seen;
use crate::backend::memory::Memory;
use crate::clock::{self, Timestamp};
use crate::deploy::{
    Claim, Deploy, DeploymentRun, DeploymentSpec, DueRun, NewDeploymentRun, RegisteredDeployment, Verdict,
};
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::run::{FlowRun, lock};
use crate::state::{State, StateName, StateType};

impl Memory {
    pub(in crate::backend::memory) fn run_of(&self, id: FlowRunId) -> Result<Arc<FlowRun>, Error> {
        let none = || Error::new(ErrorKind::Refused, format!("there is no flow run {id} in this process"));
        self.recent.flow_run(id).ok_or_else(none)
    }

    /// Puts a run that no engine has into a state.
    pub(in crate::backend::memory) fn put(&self, run: &Arc<FlowRun>, state: State) {
        run.track.push(state.clone());
        self.deployments.keep(|keeper| keeper.entered(run, &state));
        self.note(run, &state);
    }

    fn claim_now(&self, id: FlowRunId) -> Claim {
        let now = clock::now();
        // It is decided when somebody could start it, so that a busy process is as good a reason for missing dates as a
        // suspended one.
        self.decide(id, now);
        let (long, claimed) = self.deployments.book(|book| (book.is_long(), book.claim(id, now)));
        if long {
            self.deployments.tell();
        }
        match claimed {
            Claimed::Yes(run, states) => {
                for name in states {
                    self.put(&run, State::new(name, clock::now()));
                }
                Claim::Ours
            }
            Claimed::NoRoom(run, state) => {
                let why = format!("there is no room below the deployment's concurrency limit: {state}");
                self.put(&run, state);
                Claim::NotOurs(why)
            }
            Claimed::No(why) => why,
        }
    }

    fn conclude_now(&self, id: FlowRunId, verdict: Verdict) -> Result<bool, Error> {
        let run = self.run_of(id)?;
        let current = run.state();
        if current.is_final() {
            return Ok(false);
        }
        let (name, message) = match verdict {
            Verdict::Crashed(message) if current.state_type() != StateType::Cancelling => (StateName::Crashed, message),
            Verdict::Crashed(message) | Verdict::Cancelled(message) => (StateName::Cancelled, message),
        };
        self.put(&run, State::new(name, clock::now()).with_message(message));
        Ok(true)
    }
}

impl Deploy for Memory {
    fn is_local(&self) -> bool {
        true
    }

    fn register(&self, spec: DeploymentSpec) -> BoxFuture<'_, Result<RegisteredDeployment, Error>> {
        ready(self.register_now(spec)).boxed()
    }

    fn pause(&self, deployment: Uuid) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.change(deployment, |it, now| it.pause(true, now))).boxed()
    }

    fn leave(&self, deployment: Uuid) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.change(deployment, Deployment::leave)).boxed()
    }

    #[cfg(feature = "endpoint")]
    fn resume(&self, deployment: Uuid) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.change(deployment, |it, now| it.pause(false, now))).boxed()
    }

    #[cfg(feature = "endpoint")]
    fn set_active(&self, deployment: Uuid, schedule: Uuid, active: bool) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.change(deployment, |it, now| it.set_active(schedule, active, now))).boxed()
    }

    fn start(&self, run: NewDeploymentRun) -> BoxFuture<'_, Result<DeploymentRun, Error>> {
        ready(self.start_now(run)).boxed()
    }

    fn look(&self, run: FlowRunId) -> BoxFuture<'_, Result<DeploymentRun, Error>> {
        ready(self.run_of(run).map(|run| seen(&run))).boxed()
    }

    fn due(&self, deployments: Vec<Uuid>, before: Timestamp) -> BoxFuture<'_, Result<Vec<DueRun>, Error>> {
        ready(Ok(self.deployments.book(|book| book.due(&deployments, before)))).boxed()
    }

    fn listen(&self, _: Vec<Uuid>, told: &Arc<Notify>) {
        lock(&self.deployments.listeners).push(Arc::downgrade(told));
    }

    fn ended(&self, run: FlowRunId) -> Option<BoxFuture<'static, DeploymentRun>> {
        let mut told = self.deployments.end_of(run, || self.recent.flow_run(run).map(|run| seen(&run)))?;
        let ended = async move {
            loop {
                if let Some(ended) = told.borrow_and_update().clone() {
                    return ended;
                }
                if told.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        Some(ended.boxed())
    }

    fn claim(&self, run: FlowRunId) -> BoxFuture<'_, Result<Claim, Error>> {
        ready(Ok(self.claim_now(run))).boxed()
    }

    fn cancelling(&self, runs: Vec<FlowRunId>) -> BoxFuture<'_, Result<Vec<FlowRunId>, Error>> {
        let wanted = |id: &FlowRunId| {
            let state = self.recent.flow_run(*id).map(|run| run.state().state_type());
            matches!(state, Some(StateType::Cancelling | StateType::Cancelled))
        };
        ready(Ok(runs.into_iter().filter(wanted).collect())).boxed()
    }

    /// The runs of an earlier process are gone with it.
    fn left_behind(&self, _: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<FlowRunId>, Error>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn conclude(&self, run: FlowRunId, verdict: Verdict) -> BoxFuture<'_, Result<bool, Error>> {
        ready(self.conclude_now(run, verdict)).boxed()
    }
}
