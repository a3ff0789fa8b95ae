//! Deployments that are kept in a file: what an earlier process has left of them goes on.

use std::path::PathBuf;
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{
    DeploymentDetails, FlowRunFilter, FlowRunRecord, Misfire, Records, Runtime, Schedule, ServeCall, StateName,
    Timestamp, run_deployment,
};
use flowkit_tests::lab::path;
use rusqlite::Connection;
use serde_json::json;
use tokio::time::{advance, sleep};

const MINUTE: Duration = Duration::from_secs(60);

#[flow]
async fn work(#[param(default = 0)] seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

/// A file, which one runtime after the other writes.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn db(&self) -> PathBuf {
        self.folder.path().join("runs.db")
    }

    fn file(&self) -> Connection {
        Connection::open(self.db()).expect("a database")
    }

    async fn open(&self) -> Runtime {
        self.open_for(Duration::ZERO).await
    }

    /// Opens it once nothing is left of the runtime before, nor of a process that another test is about to start: until
    /// that has begun, it has what this one has open.
    async fn open_for(&self, keep: Duration) -> Runtime {
        let began = std::time::Instant::now();
        loop {
            match Runtime::builder().keep_for(keep).embedded(self.db()).build() {
                Ok(runtime) => return runtime,
                Err(refused) => assert!(began.elapsed() < Duration::from_secs(20), "nobody else writes: {refused}"),
            }
            tokio::task::yield_now().await;
        }
    }

    fn records(&self) -> Records {
        Records::open(self.db()).expect("a reader")
    }

    /// All runs, the first due first.
    fn runs(&self) -> Vec<FlowRunRecord> {
        let mut runs = self.records().flow_runs(&FlowRunFilter::new().limit(10_000)).expect("runs");
        runs.sort_by_key(|run| run.scheduled_start_time);
        runs
    }

    fn run(&self, name: &str) -> FlowRunRecord {
        let mut named = self.runs();
        named.retain(|run| run.name == name);
        assert_eq!(named.len(), 1, "how often there is `{name}`");
        named.remove(0)
    }

    fn states(&self, name: &str) -> String {
        path(&self.records().flow_run_states(self.run(name).id).expect("states"))
    }
}

/// The present moment, which may be one of a paused clock.
async fn present() -> Timestamp {
    let runtime = Runtime::ephemeral();
    runtime.run(async { work.deployment("clock").await }).await.expect("it is registered");
    only(&runtime).created
}

async fn while_served<F: Future>(runtime: &Runtime, serving: ServeCall, act: F) -> F::Output {
    runtime
        .run(async {
            tokio::select! {
                ended = serving.into_future() => panic!("serving goes on until it is stopped: {ended:?}"),
                done = act => done,
            }
        })
        .await
}

fn only(runtime: &Runtime) -> DeploymentDetails {
    let mut all = runtime.history().expect("it has a history").deployments();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// Registers a deployment and has runs of it started that nobody begins.
async fn start(runtime: &Runtime, due: Timestamp) -> (flowkit::DeploymentRun, flowkit::DeploymentRun) {
    let started = runtime.run(async {
        work.deployment("d").tags(["a"]).version("7").await?;
        let asked = run_deployment("work/d").name("asked").parameter("seconds", 7).tags(["b"]).idempotency_key("once");
        let later = run_deployment("work/d").name("later").scheduled_time(due);
        Ok::<_, flowkit::Error>((asked.timeout(0_u64).await?, later.timeout(0_u64).await?))
    });
    started.await.expect("they are started")
}

#[flowkit::test]
async fn a_run_that_nobody_began_is_run_by_the_next_process_as_it_was_asked_for() {
    let place = Place::new();
    let first = place.open().await;
    let hour = present().await.after(60 * MINUTE);
    let (asked, later) = start(&first, hour).await;
    let record = place.run("asked");
    assert_eq!((record.id, record.state.name(), record.start_time), (asked.id, "Scheduled", None));
    assert_eq!(record.deployment_id, Some(only(&first).id));
    let registered = only(&first);
    drop(first);
    advance(MINUTE).await;
    assert_eq!(place.run("asked").state.name(), "Late", "as a server calls it");

    let second = place.open().await;
    assert_eq!(place.run("asked").state.name(), "Late", "it has not crashed");
    while_served(&second, work.serve("d").tags(["a"]), sleep(90 * MINUTE)).await;
    let run = second.history().and_then(|history| history.flow_run(asked.id)).expect("it is known");
    assert_eq!(path(&run.states()), "Scheduled > Pending > Submitting > Running > Completed");
    assert_eq!(run.scheduled_start_time(), record.scheduled_start_time);
    assert_eq!(run.deployment().and_then(|of| of.version.clone()).as_deref(), Some("7"));
    let late = run.start_time().expect("it ran").since(record.scheduled_start_time.expect("it was due"));
    assert!((60..62).contains(&late.as_secs()), "{late:?}");
    assert_eq!((only(&second).id, only(&second).created), (registered.id, registered.created));
    drop(second);

    let done = place.run("asked");
    assert_eq!((done.id, &done.parameters, done.tags.join(" ").as_str()), (asked.id, &json!({"seconds": 7}), "a b"));
    assert_eq!(place.states("asked"), "Scheduled > Pending > Submitting > Running > Completed");
    let on_time = place.run("later");
    assert_eq!((on_time.id, on_time.scheduled_start_time), (later.id, Some(hour)));
    assert!(on_time.start_time.expect("it ran").since(hour) < Duration::from_secs(1));

    let third = place.open().await;
    while_served(&third, work.serve("d"), sleep(MINUTE)).await;
    assert_eq!(place.runs().len(), 2, "nothing runs again");
    let again = third.run(async { run_deployment("work/d").idempotency_key("once").await }).await;
    let again = again.expect("it is known");
    assert_eq!((again.id, again.state.name()), (asked.id, "Completed"), "the key is known in every process");
    assert_eq!(place.run("asked").run_count, 1);
}

#[flowkit::test]
async fn a_run_that_was_claimed_and_not_begun_waits_again() {
    let place = Place::new();
    let first = place.open().await;
    start(&first, present().await.after(60 * MINUTE)).await;
    drop(first);
    // As a process leaves it that dies right after it has claimed the run.
    place
        .file()
        .execute_batch(
            r#"UPDATE flow_run SET state_type = 1, state_name = 'Submitting' WHERE name = 'asked';
               INSERT INTO flow_run_state SELECT number, 1, '{"type":"PENDING","name":"Submitting","at":1795256370167099}'
                   FROM flow_run WHERE name = 'asked'"#,
        )
        .expect("it is claimed");
    let second = place.open().await;
    assert_eq!(place.states("asked"), "Scheduled > Submitting > Scheduled");
    while_served(&second, work.serve("d"), sleep(MINUTE)).await;
    drop(second);
    assert_eq!(
        place.states("asked"),
        "Scheduled > Submitting > Scheduled > Pending > Submitting > Running > Completed"
    );
}

#[flowkit::test]
async fn a_run_that_was_cancelled_before_it_began_does_not_run() {
    let place = Place::new();
    let first = place.open().await;
    let (asked, _) = start(&first, present().await.after(60 * MINUTE)).await;
    first.cancel_flow_run(asked.id).await.expect("it waits");
    assert_eq!(place.run("asked").state.name(), "Cancelled", "at once");
    drop(first);
    let second = place.open().await;
    while_served(&second, work.serve("d"), sleep(MINUTE)).await;
    assert_eq!(place.states("asked"), "Scheduled > Cancelled");
}

#[flowkit::test]
async fn a_run_under_way_has_crashed_and_is_not_run_again() {
    let place = Place::new();
    let first = place.open().await;
    while_served(&first, work.serve("d").limit(1), async {
        sleep(Duration::from_secs(1)).await;
        for name in ["first", "second"] {
            run_deployment("work/d").name(name).parameter("seconds", 3600).timeout(0_u64).await.expect("it is started");
        }
        sleep(MINUTE).await;
        assert_eq!((place.run("first").state.name(), place.run("second").state.name()), ("Running", "Late"));
        // What a process leaves that is killed.
        std::fs::copy(place.db(), place.folder.path().join("killed.db")).expect("a copy");
        let wal = |name: &str| place.folder.path().join(format!("{name}.db-wal"));
        std::fs::copy(wal("runs"), wal("killed")).expect("a copy");
    })
    .await;
    let killed = place.folder.path().join("killed.db");
    let second = Runtime::builder().embedded(&killed).build().expect("it can be opened");
    while_served(&second, work.serve("d"), sleep(120 * MINUTE)).await;
    drop(second);
    let runs = Records::open(&killed).and_then(|records| records.flow_runs(&FlowRunFilter::new())).expect("runs");
    let mut told: Vec<_> = runs.iter().map(|run| (run.name.as_str(), run.state.name(), run.run_count)).collect();
    told.sort_unstable();
    assert_eq!(told, [("first", "Crashed", 1), ("second", "Completed", 1)]);
}

/// Serves for two minutes, is away for an hour, and serves for two minutes again. Tells the dates that ran, in minutes.
async fn away(schedule: impl Fn(Timestamp) -> Schedule) -> (Vec<u64>, Place) {
    let serving = |anchor| work.serve("d").schedule(schedule(anchor));
    away_and_back(serving, serving).await
}

async fn away_and_back(
    before: impl Fn(Timestamp) -> ServeCall,
    after: impl Fn(Timestamp) -> ServeCall,
) -> (Vec<u64>, Place) {
    let place = Place::new();
    let anchor = present().await.after(Duration::from_secs(30));
    let first = place.open().await;
    while_served(&first, before(anchor), sleep(2 * MINUTE)).await;
    drop(first);
    advance(60 * MINUTE).await;
    let second = place.open().await;
    while_served(&second, after(anchor), sleep(2 * MINUTE)).await;
    drop(second);
    let begun = place.runs().into_iter().filter(|run| run.start_time.is_some());
    (begun.filter_map(|run| Some(run.scheduled_start_time?.since(anchor).as_secs() / 60)).collect(), place)
}

#[flowkit::test]
async fn dates_that_nobody_was_there_for_follow_the_policy() {
    let all: Vec<u64> = (0..=63).collect();
    for (misfire, expected) in [
        (Misfire::RunAll, all),
        (Misfire::Latest, vec![0, 1, 61, 62, 63]),
        (Misfire::Skip, vec![0, 1, 62, 63]),
        (Misfire::Grace(3 * MINUTE), vec![0, 1, 59, 60, 61, 62, 63]),
    ] {
        let (ran, place) = away(|anchor| Schedule::interval("1m").anchor(anchor).misfire(misfire)).await;
        assert_eq!(ran, expected, "{misfire:?}");
        let left_out: Vec<_> = place.runs().into_iter().filter(|run| run.state.name() == "Skipped").collect();
        assert_eq!(left_out.len(), usize::from(misfire != Misfire::RunAll), "{misfire:?}: the one that was planned");
        let planned = place.runs().into_iter().filter(|run| run.state.is(StateName::Scheduled)).count();
        assert_eq!(planned, 1, "{misfire:?}: the next one, and nothing is left of those before");
    }
}

#[flowkit::test]
async fn dates_are_made_up_by_a_schedule_of_a_slug_too_and_none_while_it_was_paused() {
    let slugged = |anchor| Schedule::interval("1m").anchor(anchor).slug("often").misfire(Misfire::RunAll);
    assert_eq!(away(slugged).await.0.len(), 64);
    let off = |anchor| slugged(anchor).active(false);
    assert_eq!(away(off).await.0.len(), 0);
}

#[flowkit::test]
async fn no_dates_are_made_up_for_what_the_program_does_not_want_any_more() {
    let all = |anchor| Schedule::interval("1m").anchor(anchor).misfire(Misfire::RunAll);
    let changes: [(&str, &dyn Fn(Timestamp) -> ServeCall); 3] = [
        ("removed", &|_| work.serve("d")),
        ("switched off", &|anchor| work.serve("d").schedule(all(anchor).active(false))),
        ("paused", &|anchor| work.serve("d").schedule(all(anchor)).paused(true)),
    ];
    for (change, after) in changes {
        let (ran, _) = away_and_back(|anchor| work.serve("d").schedule(all(anchor)), after).await;
        assert_eq!(ran, [0, 1, 2], "{change}: the last is the one that was planned");
    }
}

#[flowkit::test]
async fn a_schedule_keeps_its_id_by_its_slug_or_by_what_it_says_and_another_one_is_new() {
    let place = Place::new();
    let mut seen = Vec::new();
    for (slugged, other) in [("0 1 * * *", "0 4 * * *"), ("0 2 * * *", "0 5 * * *")] {
        let runtime = place.open().await;
        let deployment = work.deployment("d").schedule(Schedule::cron(slugged).slug("a")).cron("0 3 * * *").cron(other);
        runtime.run(deployment.into_future()).await.expect("it is registered");
        seen.push(only(&runtime));
    }
    let [before, after] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((before.id, before.created), (after.id, after.created));
    let ids = |of: &DeploymentDetails| of.schedules.iter().map(|schedule| schedule.id).collect::<Vec<_>>();
    assert_eq!(ids(before)[..2], ids(after)[..2]);
    assert!(!ids(before).contains(&ids(after)[2]));
    assert_eq!(place.runs().len(), 3, "what was planned before is planned anew");
}

#[flowkit::test]
async fn an_interval_without_an_anchor_goes_on_in_a_program_that_starts_more_often_than_that() {
    let place = Place::new();
    for _ in 0..4 {
        let runtime = place.open().await;
        while_served(&runtime, work.serve("d").interval("1h"), sleep(40 * MINUTE)).await;
    }
    let begun = place.runs().into_iter().filter(|run| run.start_time.is_some());
    let due: Vec<_> = begun.filter_map(|run| run.scheduled_start_time).collect();
    let [one, two] = due[..] else { panic!("those of 60 and 120 minutes: {due:?}") };
    assert_eq!(two.since(one), 60 * MINUTE);
}

fn of_date(place: &Place, date: Timestamp) -> Vec<String> {
    let of_date = place.runs().into_iter().filter(|run| run.scheduled_start_time == Some(date));
    of_date.map(|run| run.state.name().to_owned()).collect()
}

#[flowkit::test]
async fn a_date_that_has_come_outlives_a_registration_while_there_is_no_room_for_its_run() {
    let place = Place::new();
    let first = place.open().await;
    let date = present().await.after(10 * MINUTE);
    let serving = || work.serve("d").limit(1).schedule(Schedule::interval("1h").anchor(date));
    while_served(&first, serving(), async {
        sleep(5 * MINUTE).await;
        let busy = run_deployment("work/d").name("busy").parameter("seconds", 7200);
        busy.timeout(0_u64).await.expect("it is started");
        sleep(8 * MINUTE).await;
        work.deployment("d").schedule(Schedule::interval("1h").anchor(date)).await.expect("it is registered");
    })
    .await;
    assert_eq!(of_date(&place, date), ["Late"], "it waits for room");
    assert_eq!(of_date(&place, date.after(60 * MINUTE)), ["Scheduled"]);
    drop(first);
    let second = place.open().await;
    while_served(&second, serving(), sleep(MINUTE)).await;
    drop(second);
    assert_eq!(of_date(&place, date), ["Completed"]);
}

#[flowkit::test]
async fn a_planned_run_that_was_cancelled_is_not_planned_again() {
    let place = Place::new();
    let date = present().await.after(10 * MINUTE);
    let later = |hours: u32| date.after(60 * MINUTE * hours);
    let hourly = || Schedule::interval("1h").anchor(date);
    let first = place.open().await;
    let register = || first.run(work.deployment("d").schedule(hourly()).into_future());
    register().await.expect("it is registered");
    for hours in 0..2 {
        let planned = place.runs().into_iter().find(|run| run.scheduled_start_time == Some(later(hours)));
        first.cancel_flow_run(planned.expect("it is planned").id).await.expect("it waits");
    }
    register().await.expect("it is registered");
    drop(first);
    for (minutes, third) in [(1, "Scheduled"), (1, "Scheduled"), (150, "Completed")] {
        let next = place.open().await;
        while_served(&next, work.serve("d").schedule(hourly()), sleep(minutes * MINUTE)).await;
        drop(next);
        let states = [0, 1, 2].map(|hours| of_date(&place, later(hours)).join(" "));
        assert_eq!(states, ["Cancelled", "Cancelled", third]);
    }
}

#[flowkit::test]
async fn a_deployment_that_the_program_pauses_stays_so_and_one_that_it_resumes_does_not() {
    let place = Place::new();
    for paused in [true, true, false] {
        let runtime = place.open().await;
        let deployment = work.deployment("d").cron("0 1 * * *").paused(paused);
        runtime.run(deployment.into_future()).await.expect("it is registered");
        assert_eq!(only(&runtime).paused, paused);
        assert_eq!(place.runs().len(), usize::from(!paused));
    }
}

#[flowkit::test]
async fn a_run_that_waits_too_long_for_a_deployment_that_is_gone_is_removed() {
    let place = Place::new();
    let first = place.open().await;
    start(&first, present().await.after(60 * MINUTE)).await;
    drop(first);
    let long_ago = "UPDATE deployment_run SET due = due - 31 * 86400000000;
        UPDATE flow_run SET created = created - 31 * 86400000000";
    place.file().execute_batch(long_ago).expect("an older file");
    let month = Duration::from_secs(30 * 86_400);
    let flushed = |runtime: Runtime| async move { assert!(runtime.flush(MINUTE).await.is_empty()) };
    flushed(place.open_for(month).await).await;
    assert_eq!(place.runs().len(), 2, "the program may serve it next time");
    // What a process has no time for before it ends, the next one removes.
    for _ in 0..20 {
        flushed(place.open_for(month).await).await;
    }
    let left = |of| place.file().query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get::<_, i64>(0));
    assert_eq!(["flow_run", "flow_run_state", "deployment_run"].map(left), [Ok(0), Ok(0), Ok(0)]);
}
