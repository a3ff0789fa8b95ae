//! What an earlier process has left of a deployment: its runs that had not begun, and dates that nobody was there for.
//!
//! It is as if a server had kept them: those of schedules that were to come are planned anew, those that are late follow
//! the misfire policies of the schedules, and what somebody has started waits for its time, or runs now.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::runs;
use crate::backend::memory::Memory;
use crate::clock::{self, Timestamp};
use crate::deploy::{
    Before, Cause, DeploymentSpec, KeptRun, RegisteredDeployment, ScheduleSpec, Target, policy_of_others,
};
use crate::error::Error;
use crate::id::FlowRunId;
use crate::schedule::Misfire;
use crate::state::{State, StateName, StateType};

/// What becomes of what was left.
#[derive(Debug, Default)]
struct Fates {
    /// The runs that are not to be, since their dates are planned anew.
    forgotten: HashSet<FlowRunId>,
    /// Those that their schedules leave out.
    left_out: HashMap<FlowRunId, (Timestamp, Misfire)>,
    /// The numbers in the program of the schedules that have made the others.
    schedules: HashMap<FlowRunId, usize>,
    /// The dates that runs are made up for, with their schedules, by id and by their numbers in the program.
    made_up: Vec<(Timestamp, Uuid, Option<usize>)>,
}

impl Fates {
    /// `starts_runs` tells whether the schedule that has a number in the program does so now.
    fn decide(before: &Before, specs: &[ScheduleSpec], starts_runs: impl Fn(usize) -> bool, now: Timestamp) -> Self {
        let mut fates = Self::default();
        let mut of_schedules: BTreeMap<Uuid, Vec<(FlowRunId, Timestamp)>> = BTreeMap::new();
        for kept in &before.waiting {
            // One that waits for room below a concurrency limit is late on purpose.
            if let Some(schedule) = kept.schedule
                && kept.run.state.is(StateName::Scheduled)
            {
                of_schedules.entry(schedule).or_default().push((kept.run.id, kept.due));
            }
        }
        for (schedule, runs) in of_schedules {
            let known = before.deployment.schedules.iter().find(|known| known.id == schedule);
            let number = known.and_then(|known| known.known().among(specs));
            let misfire = number.map_or_else(|| policy_of_others(specs), |number| specs[number].schedule.get_misfire());
            let last = runs.iter().map(|(_, due)| *due).max().unwrap_or(now);
            // What nobody wants any more is not made up for.
            let known =
                known.filter(|known| known.active && !before.deployment.paused && number.is_some_and(&starts_runs));
            let missed = known.map(|known| misfire.made_up(known.dates(last, now), now)).unwrap_or_default();
            let (to_come, late): (Vec<_>, Vec<_>) = runs.into_iter().partition(|(_, due)| *due > now);
            fates.forgotten.extend(to_come.iter().map(|(run, _)| *run));
            let left_out = misfire.left_out(&late, missed.iter().copied(), now);
            fates.left_out.extend(left_out.into_iter().map(|(run, due)| (run, (due, misfire))));
            fates
                .schedules
                .extend(number.into_iter().flat_map(|number| late.iter().map(move |(run, _)| (*run, number))));
            fates.made_up.extend(missed.into_iter().map(|date| (date, schedule, number)));
        }
        fates
    }
}

impl Memory {
    /// Tells whether a deployment has been registered in this process.
    pub(crate) fn has_deployment(&self, id: Uuid) -> bool {
        self.deployments.book(|book| book.deployments.contains_key(&id))
    }

    /// Registers a deployment, of which an earlier process has left something.
    pub(crate) fn register_after(&self, spec: DeploymentSpec, before: Before) -> Result<RegisteredDeployment, Error> {
        let now = clock::now();
        let specs = spec.schedules.clone();
        let (registered, is_new) = self.enter(spec, Some((&before.deployment, &before.gone)), now)?;
        if is_new {
            let starts_runs = |number| {
                let schedule = self.deployments.book(|book| book.deployments.get(&registered.id)?.schedule(number));
                schedule.is_some_and(|(_, starts_runs)| starts_runs)
            };
            let fates = Fates::decide(&before, &specs, starts_runs, now);
            self.restore(registered.id, before.waiting, &fates, now);
        }
        self.go_on(registered.id, now);
        Ok(registered)
    }

    fn restore(&self, id: Uuid, waiting: Vec<KeptRun>, fates: &Fates, now: Timestamp) {
        let Some(def) = self.deployments.book(|book| Some(book.deployments.get(&id)?.flow.def)) else { return };
        let (mut again, mut left_out) = (0, 0);
        for kept in waiting {
            let (run, due) = (kept.run.id, kept.due);
            if fates.forgotten.contains(&run) {
                self.deployments.keep(|keeper| keeper.forgotten(run));
                continue;
            }
            let record = Arc::new(runs::restored(def, kept.run, kept.states));
            self.recent.add_flow_run(Arc::clone(&record), None);
            match fates.left_out.get(&run) {
                Some((due, misfire)) => {
                    let why = misfire.reason(*due, now);
                    tracing::warn!(target: "flowkit::serve", "Flow run '{}' of flow '{}': {why}", record.name, def.name);
                    self.put(&record, State::named(StateType::Cancelled, "Skipped", now).with_message(why));
                    left_out += 1;
                }
                None => {
                    self.deployments.book(|book| {
                        let own = fates.schedules.get(&run).zip(book.deployments.get(&id));
                        let own = own.and_then(|(number, deployment)| Some(deployment.schedule(*number)?.0));
                        let cause = Cause { schedule: own.or(kept.schedule), key: None };
                        self.deployments.wait(book, &record, due, cause);
                    });
                    again += 1;
                }
            }
        }
        self.deployments.book(|book| {
            for (date, schedule, number) in &fates.made_up {
                let Some(deployment) = book.deployments.get(&id) else { return };
                let schedule = number.and_then(|number| deployment.schedule(number)).map_or(*schedule, |(own, _)| own);
                let run = self.planned(deployment, schedule, *date, now);
                self.deployments.wait(book, &run, *date, Cause { schedule: Some(schedule), key: None });
            }
        });
        let made_up = fates.made_up.len();
        if again + left_out + made_up > 0 {
            tracing::info!(
                target: "flowkit::serve",
                "Of an earlier process: {again} run(s) wait again, {made_up} more are made up for dates since, {left_out} are left out"
            );
        }
    }

    /// The run that was started with an idempotency key in this process, if it is still known.
    pub(crate) fn started_with(&self, target: &Target, key: &str) -> Option<FlowRunId> {
        let run = self.deployments.book(|book| {
            let id = book.find(target).ok()?.id;
            book.key(id, key)
        })?;
        self.recent.flow_run(run).map(|run| run.id)
    }

    /// Takes note that an idempotency key was used for this run, which may be one of an earlier process.
    pub(crate) fn remember_key(&self, deployment: Uuid, key: String, kept: KeptRun) {
        let run = kept.run.id;
        let Some(def) = self.deployments.book(|book| Some(book.deployments.get(&deployment)?.flow.def)) else { return };
        if self.recent.flow_run(run).is_none() {
            self.recent.add_flow_run(Arc::new(runs::restored(def, kept.run, kept.states)), None);
        }
        self.deployments.book(|book| book.remember(deployment, key, run, || self.recent.flow_run_ids()));
    }
}
