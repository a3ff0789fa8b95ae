//! One deployment as it is kept: what it is, when its runs are due, and which of them have a place.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::deploy::{
    Collision, DeploymentDetails, DeploymentSpec, KeptDeployment, KeptSchedule, OwnFlow, ScheduleDetails, ScheduleSpec,
};
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
    /// Whether it is paused because nobody serves it any more.
    left: bool,
    created: Timestamp,
    updated: Timestamp,
    schedules: Vec<Scheduled>,
    timetable: Timetable<Uuid>,
    /// The run that is planned for the next date of each schedule.
    planned: HashMap<Uuid, (Timestamp, FlowRunId)>,
    /// Dates to come of schedules that have had their runs: they were called off, or begun before their time.
    gone: HashSet<(Uuid, Timestamp)>,
    /// The runs that have a place below the concurrency limit.
    pub(super) placed: HashSet<FlowRunId>,
}

/// A schedule of a deployment.
#[derive(Clone, Debug)]
struct Scheduled {
    id: Uuid,
    /// What the program says.
    spec: ScheduleSpec,
    /// Whether it starts runs: what the program says, or what somebody has said since.
    active: bool,
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
            id: spec.own_id(),
            paused: spec.paused,
            left: false,
            spec,
            flow,
            created: now,
            updated: now,
            schedules: Vec::new(),
            timetable: Timetable::new(),
            planned: HashMap::new(),
            gone: HashSet::new(),
            placed: HashSet::new(),
        };
        new.schedules = with_ids(&new.spec.schedules, &[]);
        new.plan_from(now)?;
        Ok(new)
    }

    /// Changes it in place: id, runs, and schedules that have slugs stay what they are.
    pub(super) fn update(&mut self, mut new: Self) {
        new.follow(&self.kept());
        self.schedules = new.schedules;
        self.paused = new.paused;
        self.left = false;
        self.spec = new.spec;
        self.flow = new.flow;
        self.updated = new.updated;
        self.timetable = new.timetable;
    }

    /// Takes over what was known of the same deployment before: what somebody has paused or switched off stays so until
    /// the program says something else than it did, but for what was paused because nobody served it any more.
    pub(super) fn follow(&mut self, before: &KeptDeployment) {
        self.created = before.created;
        self.schedules = with_ids(&self.spec.schedules, &before.schedules);
        if !before.left && before.said_paused == self.spec.paused {
            self.paused = before.paused;
        }
        // They are the schedules that it was made with, which have no mistakes.
        let _ = self.plan_from(self.updated);
    }

    /// Everything of it that is to outlive the process.
    pub(super) fn kept(&self) -> KeptDeployment {
        let spec = &self.spec;
        let schedules = self.schedules.iter().map(|schedule| KeptSchedule {
            id: schedule.id,
            slug: schedule.spec.slug.clone(),
            rule: schedule.spec.rule.clone(),
            parameters: schedule.spec.parameters.clone(),
            active: schedule.active,
            said_active: schedule.spec.active,
        });
        KeptDeployment {
            id: self.id,
            flow: spec.flow.to_owned(),
            name: spec.name.clone(),
            description: spec.description.clone(),
            version: spec.version.version.clone(),
            tags: spec.tags.clone(),
            parameters: spec.parameters.clone(),
            schema: spec.schema.clone(),
            enforce_schema: spec.enforce_schema,
            schedules: schedules.collect(),
            paused: self.paused,
            said_paused: spec.paused,
            left: self.left,
            concurrency_limit: spec.concurrency.as_ref().map(|concurrency| concurrency.limit),
            entrypoint: spec.entrypoint.clone(),
            created: self.created,
            updated: self.updated,
        }
    }

    pub(super) fn pause(&mut self, paused: bool, now: Timestamp) -> Result<(), Error> {
        (self.paused, self.left, self.updated) = (paused, false, now);
        self.plan_from(now)
    }

    /// Pauses it until it is registered again, unless somebody has paused it before.
    pub(super) fn leave(&mut self, now: Timestamp) -> Result<(), Error> {
        self.left |= !self.paused;
        (self.paused, self.updated) = (true, now);
        self.plan_from(now)
    }

    /// The id of the schedule that has this number in the program, and whether it starts runs.
    #[cfg(feature = "embedded")]
    pub(super) fn schedule(&self, number: usize) -> Option<(Uuid, bool)> {
        self.schedules.get(number).map(|schedule| (schedule.id, schedule.active && !self.paused))
    }

    /// Switches a schedule on or off.
    #[cfg(feature = "endpoint")]
    pub(super) fn set_active(&mut self, schedule: Uuid, active: bool, now: Timestamp) -> Result<(), Error> {
        let found = self.schedules.iter_mut().find(|known| known.id == schedule);
        let schedule = found.ok_or_else(|| {
            let why = format!("deployment '{}' has no schedule {schedule}", self.spec.full_name());
            Error::new(crate::error::ErrorKind::Refused, why)
        })?;
        schedule.active = active;
        self.updated = now;
        self.plan_from(now)
    }

    /// Begins a new timetable, in which dates after `now` count.
    fn plan_from(&mut self, now: Timestamp) -> Result<(), Error> {
        self.gone.retain(|(_, date)| *date > now);
        self.timetable = Timetable::new();
        for schedule in self.schedules.iter().filter(|_| !self.paused) {
            let dates = schedule.spec.schedule.clone().active(schedule.active);
            self.timetable.insert(schedule.id, &dates, now).map_err(|error| {
                let place = format!("deployment '{}'", self.spec.full_name());
                Error::new(error.kind(), format!("{place}: {error}"))
            })?;
        }
        Ok(())
    }

    /// Lists the planned runs whose dates have come.
    pub(super) fn come(&self, now: Timestamp) -> Vec<FlowRunId> {
        self.planned.values().filter(|(at, _)| *at <= now).map(|(_, run)| *run).collect()
    }

    /// Gives up all runs that are planned. Those whose dates have come wait from now on as if somebody had started them.
    pub(super) fn unplan(&mut self, now: Timestamp) -> Vec<FlowRunId> {
        self.planned.drain().filter(|(_, (at, _))| *at > now).map(|(_, (_, run))| run).collect()
    }

    /// Takes note of dates to come whose runs are not to be planned.
    pub(super) fn leave_out(&mut self, dates: impl IntoIterator<Item = (Uuid, Timestamp)>) {
        self.gone.extend(dates);
    }

    /// Decides, as somebody could start a run that was planned, which dates of its schedule run. `None` if it was not planned,
    /// or is to come.
    pub(super) fn decide(&mut self, run: FlowRunId, now: Timestamp) -> Option<Decision> {
        let (schedule, due) = self
            .planned
            .iter()
            .find_map(|(schedule, (at, planned))| (*planned == run && *at <= now).then_some((*schedule, *at)))?;
        self.planned.remove(&schedule);
        let misfire = self.schedules.iter().find(|known| known.id == schedule)?.spec.schedule.get_misfire();
        let mut others = self.timetable.take_due_of(&schedule, now);
        let runs = others.contains(&due);
        others.retain(|date| *date != due);
        Some(Decision { schedule, due, misfire, runs, others })
    }

    /// Lists the dates that a run is to be planned for.
    pub(super) fn unplanned(&mut self) -> Vec<Due<Uuid>> {
        loop {
            let mut upcoming = self.timetable.upcoming();
            upcoming.retain(|due| !self.planned.contains_key(&due.key));
            let gone = upcoming.iter().filter(|due| self.gone.contains(&(due.key, due.at)));
            let gone: Vec<Uuid> = gone.map(|due| due.key).collect();
            if gone.is_empty() {
                return upcoming;
            }
            for schedule in gone {
                self.timetable.take_next(&schedule);
            }
        }
    }

    pub(super) fn planned(&mut self, due: &Due<Uuid>, run: FlowRunId) {
        self.planned.insert(due.key, (due.at, run));
    }

    /// Takes note that a planned run is called off or begun before its time: its date is gone.
    pub(super) fn done_with(&mut self, run: FlowRunId) {
        let of = self.planned.iter().find(|(_, (_, planned))| *planned == run);
        if let Some((schedule, date)) = of.map(|(schedule, (date, _))| (*schedule, *date)) {
            self.planned.remove(&schedule);
            self.timetable.take_next(&schedule);
            self.gone.insert((schedule, date));
        }
    }

    /// The parameters that a run of a schedule has.
    pub(super) fn parameters_of(&self, schedule: Uuid) -> Map<String, Value> {
        let mut parameters = self.spec.parameters.clone();
        let own = self.schedules.iter().find(|known| known.id == schedule);
        parameters.extend(own.map(|schedule| schedule.spec.parameters.clone()).unwrap_or_default());
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
        let schedules = self.schedules.iter().map(|schedule| ScheduleDetails {
            id: schedule.id,
            slug: schedule.spec.slug.clone(),
            active: schedule.active,
            rule: schedule.spec.rule.clone(),
            parameters: schedule.spec.parameters.clone(),
            schedule: schedule.spec.schedule.clone().active(schedule.active),
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

/// Gives schedules their ids: a slug keeps that of the schedule which had it, or which it replaces, before; without one, a
/// schedule that says the same keeps it, so that runs that wait stay its own. One of a slug that somebody has switched stays
/// as it is as long as the program says what it said then.
fn with_ids(new: &[ScheduleSpec], known: &[KeptSchedule]) -> Vec<Scheduled> {
    let mut before: HashMap<usize, &KeptSchedule> = HashMap::new();
    // One that has the slug comes before one that is replaced by it.
    let has_slug = |known: &&KeptSchedule| new.iter().any(|spec| spec.slug.is_some() && spec.slug == known.slug);
    let (first, others): (Vec<_>, Vec<_>) = known.iter().partition(has_slug);
    for known in first.into_iter().chain(others) {
        if let Some(number) = known.known().among(new) {
            before.entry(number).or_insert(known);
        }
    }
    let scheduled = |(number, spec): (usize, &ScheduleSpec)| {
        let before = before.get(&number);
        let mut spec = spec.clone();
        before.into_iter().for_each(|before| spec.anchor_as(&before.rule));
        let switched = before.filter(|before| spec.slug.is_some() && before.said_active == spec.active);
        Scheduled {
            id: before.map_or_else(Uuid::new_v4, |before| before.id),
            active: switched.map_or(spec.active, |before| before.active),
            spec,
        }
    };
    new.iter().enumerate().map(scheduled).collect()
}
