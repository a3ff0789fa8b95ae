//! Which late runs of a schedule are left out. Pure, but that it is remembered whose schedules are whose.
//!
//! The server knows no such policy. It tells which schedule has made a run, by an id that is another one whenever a
//! deployment is registered again and its schedules have no slugs. So schedules are known by what they say as well.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use flowkit_client::model::{DeploymentSchedule, FlowRun, StateType};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::deploy::{Known, ScheduleSpec, policy_of_others};
use crate::run::lock;
use crate::schedule::{Misfire, ON_TIME};

/// The policies of the deployments that this process has registered.
#[derive(Debug, Default)]
pub(in crate::backend::server) struct Misfires(Mutex<HashMap<Uuid, Policies>>);

impl Misfires {
    pub(super) fn remember(&self, deployment: Uuid, policies: Policies) {
        lock(&self.0).insert(deployment, policies);
    }

    /// Gathers the schedules that have late runs among these, with all their runs that wait.
    pub(super) fn late(&self, runs: &[FlowRun], now: Timestamp) -> Vec<LateRuns> {
        let known = lock(&self.0);
        let mut gathered: BTreeMap<(Uuid, Origin), LateRuns> = BTreeMap::new();
        for run in runs {
            let Some((deployment, schedule, due)) = made_by_schedule(run) else { continue };
            let Some((origin, misfire)) = known.get(&deployment).map(|policies| policies.of(schedule)) else {
                continue;
            };
            let entry = gathered.entry((deployment, origin)).or_insert_with(|| {
                let schedules = known.get(&deployment).map_or_else(Vec::new, |policies| policies.ids(origin));
                LateRuns { misfire, schedules, waiting: Vec::new() }
            });
            entry.waiting.push((run.id, due));
        }
        gathered.into_values().filter(|schedule| schedule.is_late(now)).collect()
    }
}

/// The deployment, the schedule and the date of a run that a schedule has made and nobody has begun yet.
fn made_by_schedule(run: &FlowRun) -> Option<(Uuid, Uuid, Timestamp)> {
    let creator = run.created_by.as_ref().filter(|creator| creator.kind.as_deref() == Some("SCHEDULE"))?;
    // One that waits for room below a concurrency limit, or to be retried, is late on purpose.
    let waits = run.state_type == Some(StateType::Scheduled)
        && matches!(run.state_name.as_deref(), Some("Scheduled" | "Late"))
        && run.run_count == 0;
    let due = run.next_scheduled_start_time.or(run.expected_start_time)?;
    (waits && run.auto_scheduled).then_some((run.deployment_id?, creator.id?, due.into()))
}

/// A schedule of a deployment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Origin {
    /// The one of this number in the program.
    Own(usize),
    /// One that the program does not know, or not any more, by its id.
    Other(Uuid),
}

/// The policies of the schedules of one deployment.
#[derive(Debug)]
pub(super) struct Policies {
    own: HashMap<Uuid, (usize, Misfire)>,
    /// That of schedules that the program does not know.
    others: Misfire,
}

impl Policies {
    /// Finds out which of the schedules at the server are which of the program's.
    pub(super) fn new<'a>(specs: &[ScheduleSpec], at_server: impl IntoIterator<Item = &'a DeploymentSchedule>) -> Self {
        let mut own = HashMap::new();
        for schedule in at_server {
            let known =
                Known { slug: schedule.slug.as_deref(), rule: &schedule.schedule, parameters: &schedule.parameters };
            if let Some(number) = known.among(specs) {
                own.insert(schedule.id, (number, specs[number].schedule.get_misfire()));
            }
        }
        Self { own, others: policy_of_others(specs) }
    }

    fn of(&self, schedule: Uuid) -> (Origin, Misfire) {
        match self.own.get(&schedule) {
            Some((number, misfire)) => (Origin::Own(*number), *misfire),
            None => (Origin::Other(schedule), self.others),
        }
    }

    fn ids(&self, origin: Origin) -> Vec<Uuid> {
        match origin {
            Origin::Own(number) => self.own.iter().filter(|(_, known)| known.0 == number).map(|(id, _)| *id).collect(),
            Origin::Other(schedule) => vec![schedule],
        }
    }
}

/// The runs of a schedule that wait, some of them late.
#[derive(Debug, PartialEq)]
pub(super) struct LateRuns {
    pub(super) misfire: Misfire,
    /// The ids that the schedule has or had.
    pub(super) schedules: Vec<Uuid>,
    waiting: Vec<(Uuid, Timestamp)>,
}

impl LateRuns {
    fn is_late(&self, now: Timestamp) -> bool {
        self.misfire != Misfire::RunAll && self.waiting.iter().any(|(_, due)| now.since(*due) > ON_TIME)
    }

    /// The runs that are left out, with their dates. `newest` is the newest date that has come, if its run does not wait
    /// any more.
    pub(super) fn left_out(&self, newest: Option<Timestamp>, now: Timestamp) -> Vec<(Uuid, Timestamp)> {
        self.misfire.left_out(&self.waiting, newest, now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::schedule::Schedule;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_micros(second * 1_000_000)
    }

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn spec(schedule: &Schedule) -> ScheduleSpec {
        ScheduleSpec::new(schedule, schedule.to_json(at(0)).expect("a schedule"), at(0))
    }

    fn stored(number: u128, rule: &Value, slug: Option<&str>) -> DeploymentSchedule {
        let json = json!({"id": id(number), "schedule": rule, "slug": slug, "active": true, "parameters": {}});
        serde_json::from_value(json).expect("as the server sends it")
    }

    fn run(number: u128, schedule: u128, due: i64, more: &Value) -> FlowRun {
        let mut json = json!({
            "id": id(number), "flow_id": id(0), "deployment_id": id(9), "auto_scheduled": true,
            "created_by": {"id": id(schedule), "type": "SCHEDULE"}, "state_type": "SCHEDULED", "state_name": "Late",
            "next_scheduled_start_time": at(due).to_utc(),
        });
        let fields = more.as_object().expect("fields").clone();
        json.as_object_mut().expect("an object").extend(fields);
        serde_json::from_value(json).expect("as the server sends it")
    }

    fn misfires() -> Misfires {
        let specs = [
            spec(&Schedule::cron("* * * * *")),
            spec(&Schedule::interval("1h").misfire(Misfire::Skip).slug("hourly")),
            spec(&Schedule::rrule("FREQ=MINUTELY").misfire(Misfire::RunAll)),
        ];
        let at_server = [
            stored(1, &json!({"cron": "* * * * *", "timezone": null, "day_or": true}), None),
            stored(2, &json!({"cron": "* * * * *", "timezone": "UTC", "day_or": true}), None),
            stored(3, &json!({"interval": 3600.0, "timezone": "UTC"}), Some("hourly")),
            stored(4, &json!({"rrule": "DTSTART:20200101T000000\nFREQ=MINUTELY", "timezone": "UTC"}), None),
            stored(5, &json!({"cron": "5 * * * *", "timezone": "UTC", "day_or": true}), None),
        ];
        let misfires = Misfires::default();
        misfires.remember(id(9), Policies::new(&specs, &at_server));
        misfires
    }

    fn left_out(runs: &[FlowRun], newest: Option<i64>) -> Vec<u128> {
        let late = misfires().late(runs, at(1000));
        let mut left: Vec<u128> = late
            .iter()
            .flat_map(|schedule| schedule.left_out(newest.map(at), at(1000)))
            .map(|(run, _)| run.as_u128())
            .collect();
        left.sort_unstable();
        left
    }

    #[test]
    fn of_the_late_runs_of_a_schedule_the_newest_stays_whatever_its_id_was() {
        let none = json!({});
        let runs = [run(10, 1, 100, &none), run(11, 2, 200, &none), run(12, 2, 1060, &none), run(13, 5, 100, &none)];
        assert_eq!(left_out(&runs, None), [10], "that of an unknown schedule is its newest");
        assert_eq!(left_out(&runs, Some(300)), [10, 11, 13], "a newer one runs already");
        assert_eq!(left_out(&[run(10, 1, 990, &none), run(11, 1, 980, &none)], Some(995)), [11], "10 s are not late");
    }

    #[test]
    fn each_schedule_has_its_policy() {
        let none = json!({});
        assert_eq!(left_out(&[run(10, 3, 100, &none), run(11, 3, 990, &none)], None), [10]);
        assert_eq!(left_out(&[run(10, 4, 100, &none), run(11, 4, 200, &none)], None), Vec::<u128>::new());
    }

    #[test]
    fn only_runs_that_a_schedule_made_and_nobody_began_are_left_out() {
        for more in [
            json!({"created_by": null, "auto_scheduled": false}),
            json!({"created_by": {"id": id(9), "type": "DEPLOYMENT"}}),
            json!({"state_name": "AwaitingConcurrencySlot"}),
            json!({"state_name": "AwaitingRetry", "run_count": 1}),
            json!({"deployment_id": id(8)}),
        ] {
            assert_eq!(left_out(&[run(10, 3, 100, &more)], None), Vec::<u128>::new(), "{more}");
        }
    }

    #[test]
    fn the_reason_names_the_policy() {
        let told = Misfire::Grace(Duration::from_secs(60)).reason(at(10), at(100));
        assert_eq!(
            told,
            "Not started: it was due 90 s earlier, and its schedule's misfire policy is grace: dates missed by more \
             than 60s do not run."
        );
    }
}
