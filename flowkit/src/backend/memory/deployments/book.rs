//! What is known of deployments and of the runs that wait for somebody to start them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::kept::Deployment;
use crate::clock::Timestamp;
use crate::deploy::{Claim, Collision, DeploymentDetails, DueRun, Target};
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::run::FlowRun;
use crate::state::{State, StateName};

/// How many runs are listed at once. Whoever starts them is told when there is reason to ask again.
const AT_ONCE: usize = 200;

/// How many idempotency keys are kept before it is looked which of them belong to runs that are forgotten.
const FEW_KEYS: usize = 1000;

/// Everything that one lock guards.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) deployments: HashMap<Uuid, Deployment>,
    /// The first due first.
    waiting: BTreeMap<Place, Waiting>,
    places: HashMap<FlowRunId, Place>,
    /// How many runs have ever waited.
    count: u64,
    /// Runs that are claimed and that nobody has taken over yet.
    claimed: HashMap<FlowRunId, Uuid>,
    keys: HashMap<(Uuid, String), FlowRunId>,
    keys_kept: usize,
}

/// Where a run stands among those that wait: when it is due, and its number.
type Place = (Timestamp, u64);

/// A run that waits to be started.
#[derive(Debug)]
struct Waiting {
    run: Arc<FlowRun>,
    deployment: Uuid,
    /// It has been due, and there was no room for it below the deployment's concurrency limit.
    held_back: bool,
}

/// What becomes of a run that somebody would like to start.
pub(super) enum Claimed {
    /// It is theirs; it enters these states.
    Yes(Arc<FlowRun>, [StateName; 2]),
    /// There is no room; it enters this state.
    NoRoom(Arc<FlowRun>, State),
    No(Claim),
}

impl Book {
    pub(super) fn find(&mut self, target: &Target) -> Result<&mut Deployment, Error> {
        let full_name = match target {
            Target::Id(id) => id.to_string(),
            Target::Name { flow, deployment } => format!("{flow}/{deployment}"),
        };
        let is_it = |known: &Deployment| match target {
            Target::Id(id) => known.id == *id,
            Target::Name { flow, deployment } => known.spec.flow == flow && known.spec.name == *deployment,
        };
        let mut names: Vec<String> = self.deployments.values().map(|known| known.spec.full_name()).collect();
        self.deployments.values_mut().find(|known| is_it(known)).ok_or_else(|| {
            names.sort_unstable();
            let has = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let why = format!(
                "there is no deployment '{full_name}' in this process, which has {has}; with PREFECT_API_URL set, those of a server are found"
            );
            Error::new(ErrorKind::Definition, why)
        })
    }

    pub(super) fn details(&self) -> Vec<DeploymentDetails> {
        let mut all: Vec<DeploymentDetails> = self.deployments.values().map(Deployment::details).collect();
        all.sort_by_cached_key(DeploymentDetails::full_name);
        all
    }

    /// Takes note of a run that waits.
    pub(super) fn wait(&mut self, run: &Arc<FlowRun>, due: Timestamp) {
        if let Some(of) = &run.background.deployment {
            let waiting = Waiting { run: Arc::clone(run), deployment: of.id, held_back: false };
            let place = (due, self.count);
            self.count += 1;
            self.waiting.insert(place, waiting);
            self.places.insert(run.id, place);
        }
    }

    /// Takes a run from those that nobody does; tells its deployment if it was among them.
    pub(super) fn withdraw(&mut self, run: FlowRunId) -> Option<Uuid> {
        let waiting = self.remove(run);
        if let Some(deployment) = waiting.as_ref().and_then(|waiting| self.deployments.get_mut(&waiting.deployment)) {
            deployment.done_with(run);
        }
        waiting.map(|waiting| waiting.deployment).or_else(|| self.claimed.remove(&run))
    }

    /// The deployment of a run that waits.
    pub(super) fn deployment_of(&self, run: FlowRunId) -> Option<Uuid> {
        self.waiting.get(self.places.get(&run)?).map(|waiting| waiting.deployment)
    }

    fn remove(&mut self, run: FlowRunId) -> Option<Waiting> {
        self.waiting.remove(&self.places.remove(&run)?)
    }

    /// Takes note that a run needs its place no longer; tells whether somebody may wait for it.
    pub(super) fn over(&mut self, run: &FlowRun) -> bool {
        self.claimed.remove(&run.id);
        let of = run.background.deployment.as_ref().and_then(|of| self.deployments.get_mut(&of.id));
        of.is_some_and(|of| of.placed.remove(&run.id) && of.room().is_some())
    }

    /// Lists the first runs of some deployments that can be started before a time, if nothing else comes in between.
    pub(super) fn due(&self, deployments: &[Uuid], before: Timestamp) -> Vec<DueRun> {
        let room = |id: &Uuid| self.deployments.get(id).and_then(Deployment::room).unwrap_or(usize::MAX);
        let mut room: HashMap<Uuid, usize> = deployments.iter().map(|id| (*id, room(id))).collect();
        let mut goes = |waiting: &Waiting| match room.get_mut(&waiting.deployment) {
            None => false,
            Some(_) if !waiting.held_back => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        };
        let soon = self.waiting.iter().take_while(|((due, _), _)| *due <= before);
        let soon = soon.filter(|(_, waiting)| goes(waiting)).take(AT_ONCE);
        soon.map(|((due, _), waiting)| DueRun {
            id: waiting.run.id,
            name: waiting.run.name.clone(),
            deployment: waiting.deployment,
            due: Some(*due),
        })
        .collect()
    }

    /// Tells whether more runs wait than are listed at once.
    pub(super) fn is_long(&self) -> bool {
        self.waiting.len() >= AT_ONCE
    }

    /// Gives a run to whoever would like to start it, unless it is gone or there is no room for it.
    pub(super) fn claim(&mut self, id: FlowRunId, now: Timestamp) -> Claimed {
        let no = |why: &str| Claimed::No(Claim::NotOurs(why.to_owned()));
        let Some(place) = self.places.get(&id).copied() else { return no("it does not wait any more") };
        if place.0 > now {
            return no("it is not due yet");
        }
        let Some(waiting) = self.waiting.get_mut(&place) else { return no("it does not wait any more") };
        let run = Arc::clone(&waiting.run);
        let Some(of) = self.deployments.get_mut(&waiting.deployment) else { return no("its deployment is gone") };
        if of.room() != Some(0) {
            of.placed.insert(id);
            self.claimed.insert(id, of.id);
            self.remove(id);
            return Claimed::Yes(run, [StateName::Pending, StateName::Submitting]);
        }
        match of.collision() {
            Collision::Wait if waiting.held_back => no("there is still no room below the deployment's limit"),
            Collision::Wait => {
                waiting.held_back = true;
                let state = State::new(StateName::AwaitingConcurrencySlot, now).with_scheduled_time(now);
                Claimed::NoRoom(run, state)
            }
            Collision::Cancel => {
                self.remove(id);
                let why = "Deployment concurrency limit reached.";
                Claimed::NoRoom(run, State::new(StateName::Cancelled, now).with_message(why))
            }
        }
    }

    pub(super) fn key(&self, deployment: Uuid, key: &str) -> Option<FlowRunId> {
        self.keys.get(&(deployment, key.to_owned())).copied()
    }

    /// Remembers that a key was used for a run; `known` lists the runs that are not forgotten.
    pub(super) fn remember(
        &mut self,
        deployment: Uuid,
        key: String,
        run: FlowRunId,
        known: impl FnOnce() -> HashSet<FlowRunId>,
    ) {
        if self.keys.len() >= self.keys_kept.max(FEW_KEYS) {
            let known = known();
            self.keys.retain(|_, run| known.contains(run));
            self.keys_kept = self.keys.len() * 2;
        }
        self.keys.insert((deployment, key), run);
    }
}
