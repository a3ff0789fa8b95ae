//! One deployment as it is kept: what it is, when its runs are due, and which of them have a place.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::deploy::{Collision, DeploymentDetails, DeploymentSpec, OwnFlow, ScheduleDetails, ScheduleSpec};
use crate::error::Error;
use crate::id::{FlowRunId, id_of};
use crate::schedule::{Due, Misfire, Timetable};

/// A deployment.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) id: Uuid,
    pub(super) spec: DeploymentSpec,
    pub(super) flow: OwnFlow,
    pub(super) paused: bool,
    created: Timestamp,
    updated: Timestamp,
    schedules: Vec<(Uuid, ScheduleSpec)>,
    timetable: Timetable<Uuid>,
    /// The run that is planned for the next date of each schedule.
    planned: HashMap<Uuid, (Timestamp, FlowRunId)>,
    /// The runs that have a place below the concurrency limit.
    pub(super) placed: HashSet<FlowRunId>,
}

/// What becomes of a planned run whose date has come, and of the dates of its schedule since.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) schedule: Uuid,
    pub(super) due: Timestamp,
    /// What was decided by.
    pub(super) misfire: Misfire,
    /// Whether the run itself is to be.
    pub(super) runs: bool,
    /// The later dates that run too.
    pub(super) others: Vec<Timestamp>,
}

impl Deployment {
    pub(super) fn new(spec: DeploymentSpec, flow: OwnFlow, now: Timestamp) -> Result<Self, Error> {
        let mut new = Self {
            id: id_of("deployment", &spec.full_name()),
            paused: spec.paused,
            spec,
            flow,
            created: now,
            updated: now,
            schedules: Vec::new(),
            timetable: Timetable::new(),
            planned: HashMap::new(),
            placed: HashSet::new(),
        };
        new.schedules = with_ids(&new.spec.schedules, &[]);
        new.plan_from(now)?;
        Ok(new)
    }

    /// Changes it in place: id, runs, and schedules that have slugs stay what they are.
    pub(super) fn update(&mut self, new: Self) {
        self.schedules = with_ids(&new.spec.schedules, &self.schedules);
        self.paused = new.paused;
        self.spec = new.spec;
        self.flow = new.flow;
        self.updated = new.updated;
        // They are the same schedules as those of `new`, which have no mistakes.
        let _ = self.plan_from(new.updated);
    }

    pub(super) fn pause(&mut self, paused: bool, now: Timestamp) -> Result<(), Error> {
        (self.paused, self.updated) = (paused, now);
        self.plan_from(now)
    }

    /// Switches a schedule on or off.
    #[cfg(feature = "endpoint")]
    pub(super) fn set_active(&mut self, schedule: Uuid, active: bool, now: Timestamp) -> Result<(), Error> {
        let found = self.schedules.iter_mut().find(|(id, _)| *id == schedule);
        let (_, schedule) = found.ok_or_else(|| {
            let why = format!("deployment '{}' has no schedule {schedule}", self.spec.full_name());
            Error::new(crate::error::ErrorKind::Refused, why)
        })?;
        schedule.active = active;
        schedule.schedule = schedule.schedule.clone().active(active);
        self.updated = now;
        self.plan_from(now)
    }

    /// Begins a new timetable, in which dates after `now` count.
    fn plan_from(&mut self, now: Timestamp) -> Result<(), Error> {
        self.timetable = Timetable::new();
        for (id, schedule) in self.schedules.iter().filter(|_| !self.paused) {
            self.timetable.insert(*id, &schedule.schedule, now).map_err(|error| {
                let place = format!("deployment '{}'", self.spec.full_name());
                Error::new(error.kind(), format!("{place}: {error}"))
            })?;
        }
        Ok(())
    }

    /// Gives up all runs that are planned.
    pub(super) fn unplan(&mut self) -> Vec<FlowRunId> {
        self.planned.drain().map(|(_, (_, run))| run).collect()
    }

    /// Decides, as somebody could start a run that was planned, which dates of its schedule run. `None` if it was not planned,
    /// or is to come.
    pub(super) fn decide(&mut self, run: FlowRunId, now: Timestamp) -> Option<Decision> {
        let (schedule, due) = self
            .planned
            .iter()
            .find_map(|(schedule, (at, planned))| (*planned == run && *at <= now).then_some((*schedule, *at)))?;
        self.planned.remove(&schedule);
        let misfire =
            self.schedules.iter().find(|(id, _)| *id == schedule).map(|(_, known)| known.schedule.get_misfire())?;
        let mut others = self.timetable.take_due_of(&schedule, now);
        let runs = others.contains(&due);
        others.retain(|date| *date != due);
        Some(Decision { schedule, due, misfire, runs, others })
    }

    /// Lists the dates that a run is to be planned for.
    pub(super) fn unplanned(&mut self) -> Vec<Due<Uuid>> {
        let mut upcoming = self.timetable.upcoming();
        upcoming.retain(|due| !self.planned.contains_key(&due.key));
        upcoming
    }

    pub(super) fn planned(&mut self, due: &Due<Uuid>, run: FlowRunId) {
        self.planned.insert(due.key, (due.at, run));
    }

    /// Takes note that a planned run is called off or begun before its time: its date is gone.
    pub(super) fn done_with(&mut self, run: FlowRunId) {
        let schedule = self.planned.iter().find(|(_, (_, planned))| *planned == run).map(|(schedule, _)| *schedule);
        if let Some(schedule) = schedule {
            self.planned.remove(&schedule);
            self.timetable.take_next(&schedule);
        }
    }

    /// The parameters that a run of a schedule has.
    pub(super) fn parameters_of(&self, schedule: Uuid) -> Map<String, Value> {
        let mut parameters = self.spec.parameters.clone();
        let own = self.schedules.iter().find(|(id, _)| *id == schedule);
        parameters.extend(own.map(|(_, schedule)| schedule.parameters.clone()).unwrap_or_default());
        parameters
    }

    /// How many more runs may have a place; `None` means any number.
    pub(super) fn room(&self) -> Option<usize> {
        let limit = usize::try_from(self.spec.concurrency.as_ref()?.limit).unwrap_or(usize::MAX);
        Some(limit.saturating_sub(self.placed.len()))
    }

    pub(super) fn collision(&self) -> Collision {
        self.spec.concurrency.as_ref().and_then(|limit| limit.collision).unwrap_or(Collision::Wait)
    }

    pub(super) fn details(&self) -> DeploymentDetails {
        let spec = &self.spec;
        let schedules = self.schedules.iter().map(|(id, schedule)| ScheduleDetails {
            id: *id,
            slug: schedule.slug.clone(),
            active: schedule.active,
            rule: schedule.rule.clone(),
            parameters: schedule.parameters.clone(),
            schedule: schedule.schedule.clone(),
        });
        DeploymentDetails {
            id: self.id,
            flow_name: spec.flow.to_owned(),
            flow_id: id_of("flow", spec.flow),
            name: spec.name.clone(),
            description: spec.description.clone(),
            version: spec.version.version.clone(),
            tags: spec.tags.clone(),
            parameters: spec.parameters.clone(),
            parameter_schema: spec.schema.clone(),
            enforce_parameter_schema: spec.enforce_schema,
            schedules: schedules.collect(),
            paused: self.paused,
            concurrency_limit: spec.concurrency.as_ref().map(|concurrency| concurrency.limit),
            active_runs: self.placed.len(),
            entrypoint: spec.entrypoint.clone(),
            created: self.created,
            updated: self.updated,
        }
    }
}

/// Gives schedules their ids: a slug keeps that of the schedule which had it, or which it replaces, before.
fn with_ids(new: &[ScheduleSpec], known: &[(Uuid, ScheduleSpec)]) -> Vec<(Uuid, ScheduleSpec)> {
    let of = |slug: &Option<String>| {
        let slug = slug.as_ref()?;
        known.iter().find(|(_, known)| known.slug.as_ref() == Some(slug)).map(|(id, _)| *id)
    };
    let id = |schedule: &ScheduleSpec| of(&schedule.slug).or_else(|| of(&schedule.replaces));
    new.iter().map(|schedule| (id(schedule).unwrap_or_else(Uuid::new_v4), schedule.clone())).collect()
}
