//! Deployments that are served without a server: their runs start when they are due.

use std::sync::Arc;
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{
    DeploymentDetails, ErrorKind, FlowRun, History, Isolation, Runtime, Schedule, ServeCall, StateName, Timestamp,
    run_deployment,
};
use flowkit_tests::lab::path;
use serde_json::json;
use tokio::time::sleep;

const HOUR: Duration = Duration::from_secs(3600);

/// Loads pages.
#[flow(run_name = "load-{pages}")]
async fn load(#[param(default = 3)] pages: u32, #[param(default = "out".to_owned())] path: String) -> u32 {
    tracing::info!("writing to {path}");
    pages
}

/// Takes a while.
#[flow]
async fn slow(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

fn history(runtime: &Runtime) -> &dyn History {
    runtime.history().expect("a runtime in memory has a history")
}

/// Serves for a while.
async fn serve_for(runtime: &Runtime, time: Duration, serving: ServeCall) {
    let ended = runtime.run(async { tokio::time::timeout(time, serving.into_future()).await }).await;
    assert!(ended.is_err(), "serving goes on until it is stopped: {ended:?}");
}

/// Does something while a deployment is served.
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

/// The runs that are not only planned.
fn begun(runtime: &Runtime) -> Vec<Arc<FlowRun>> {
    let runs = history(runtime).flow_runs();
    runs.into_iter().filter(|run| !run.state().is(StateName::Scheduled)).collect()
}

fn only(runtime: &Runtime) -> DeploymentDetails {
    let mut all = history(runtime).deployments();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// The dates of a schedule between the registration of its deployment and an hour later.
fn dates_of_an_hour(deployment: &DeploymentDetails, number: usize) -> Vec<Timestamp> {
    let dates = deployment.schedules[number].schedule.next_dates(deployment.created, 1000).expect("dates");
    dates.into_iter().take_while(|date| *date < deployment.created.after(HOUR)).collect()
}

#[flowkit::test]
async fn every_form_of_schedule_starts_runs_when_they_are_due() {
    let runtime = Runtime::ephemeral();
    let schedules = [
        Schedule::cron("*/10 * * * *").parameter("path", "cron"),
        Schedule::interval("7m").parameter("path", "interval"),
        Schedule::rrule("FREQ=MINUTELY;INTERVAL=20").parameter("path", "rrule"),
    ];
    let serving = load.serve("often").schedules(schedules).parameter("pages", 7).tags(["team-a"]);
    serve_for(&runtime, HOUR, serving).await;
    let deployment = only(&runtime);
    for (number, form) in ["cron", "interval", "rrule"].into_iter().enumerate() {
        let runs: Vec<_> = begun(&runtime).into_iter().filter(|run| run.parameters()["path"] == form).collect();
        let due: Vec<_> = runs.iter().filter_map(|run| run.scheduled_start_time()).collect();
        let expected = dates_of_an_hour(&deployment, number);
        assert!(expected.len() >= 2, "{expected:?}");
        assert_eq!(due, expected, "{form}");
        for run in runs {
            let late = run.start_time().expect("it ran").since(run.scheduled_start_time().expect("it was planned"));
            assert!(late < Duration::from_millis(20), "{late:?}");
            assert_eq!(path(&run.states()), "Scheduled > Pending > Submitting > Running > Completed");
            assert_eq!(run.states()[0].message(), Some("Flow run scheduled"));
            assert_eq!((run.name(), run.tags()), ("load-7", &["auto-scheduled".to_owned(), "team-a".to_owned()][..]));
            assert_eq!(run.parameters(), &json!({"pages": 7, "path": form}));
            let of = run.deployment().expect("it is a deployment's");
            assert_eq!((of.id, of.name.as_str()), (deployment.id, "often"));
            let logs = history(&runtime).logs_of(run.id());
            assert!(logs.iter().any(|record| record.message == format!("writing to {form}")), "{logs:?}");
        }
    }
}

#[flowkit::test]
async fn the_next_runs_can_be_seen_before_they_are_due() {
    let runtime = Runtime::ephemeral();
    let serving = load.serve("nightly").cron("0 8 * * *").cron("0 20 * * *");
    while_served(&runtime, serving, async {
        sleep(Duration::from_millis(1)).await;
        let deployment = only(&runtime);
        assert_eq!((deployment.full_name().as_str(), deployment.paused), ("load/nightly", false));
        assert_eq!(deployment.description.as_deref(), Some("Loads pages."));
        let next = deployment.next_dates(4);
        assert_eq!(next.len(), 4);
        assert!(next.windows(2).all(|pair| pair[1].since(pair[0]) == 12 * HOUR), "{next:?}");
        let mut planned: Vec<_> = history(&runtime).flow_runs().iter().map(|run| run.scheduled_start_time()).collect();
        planned.sort_unstable();
        assert_eq!(planned, [Some(next[0]), Some(next[1])], "one run of each schedule is planned");
    })
    .await;
}

#[flowkit::test]
async fn a_started_run_has_what_it_was_started_with() {
    let runtime = Runtime::ephemeral();
    let serving = load.serve("d").parameters(json!({"pages": 5, "path": "a"})).tags(["b"]);
    let run = while_served(&runtime, serving, async {
        sleep(Duration::from_secs(1)).await;
        load.run_deployment("d").parameter("path", "c").tags(["a"]).idempotency_key("once").await.expect("it runs")
    })
    .await;
    assert!(run.state.is_completed(), "{run:?}");
    let record = history(&runtime).flow_run(run.id).expect("it is in the history");
    assert_eq!(record.parameters(), &json!({"pages": 5, "path": "c"}));
    assert_eq!((record.tags(), record.name()), (&["a".to_owned(), "b".to_owned()][..], "load-5"));
    assert_eq!(path(&record.states()), "Scheduled > Pending > Submitting > Running > Completed");
    let again = runtime.run(async { run_deployment("load/d").idempotency_key("once").await }).await;
    assert_eq!(again.expect("it is known").id, run.id);
}

#[flowkit::test]
async fn a_run_may_be_started_for_a_later_time() {
    let runtime = Runtime::ephemeral();
    while_served(&runtime, load.serve("d"), async {
        sleep(Duration::from_secs(1)).await;
        let due = begin(&runtime).after(HOUR);
        let run = run_deployment("load/d").scheduled_time(due).name("later").await.expect("it runs");
        let record = history(&runtime).flow_run(run.id).expect("it is in the history");
        let late = record.start_time().expect("it ran").since(due);
        assert!(late < Duration::from_millis(20), "{late:?}");
    })
    .await;
}

fn begin(runtime: &Runtime) -> Timestamp {
    only(runtime).created
}

#[flowkit::test]
async fn parameters_that_do_not_fit_and_unknown_deployments_are_clear_errors() {
    let runtime = Runtime::ephemeral();
    let error =
        |run: flowkit::RunDeployment| async { runtime.run(run.into_future()).await.expect_err("it is refused") };
    runtime.run(async { load.deployment("d").await }).await.expect("it is registered");
    runtime.run(async { slow.deployment("d").await }).await.expect("it is registered");
    let wrong = error(run_deployment("load/d").parameter("pages", "many")).await;
    assert_eq!(wrong.kind(), ErrorKind::Parameters);
    assert_eq!(wrong.to_string(), "the parameters do not fit deployment 'load/d'");
    assert!(wrong.chain().to_string().contains("parameter `pages`: invalid type"), "{}", wrong.chain());
    let missing = error(run_deployment("slow/d")).await;
    assert!(missing.chain().to_string().contains("missing parameter `seconds`"), "{}", missing.chain());
    let unknown = error(run_deployment("load/e")).await.to_string();
    assert!(
        unknown.starts_with("there is no deployment 'load/e' in this process, which has load/d, slow/d"),
        "{unknown}"
    );
}

#[flowkit::test]
async fn a_process_of_its_own_for_each_run_takes_a_server() {
    let error = Runtime::ephemeral().run(load.serve("d").isolation(Isolation::Process).into_future()).await;
    let error = error.expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::Settings);
    assert!(error.to_string().contains("set PREFECT_API_URL"), "{error}");
}

#[flowkit::test]
async fn two_deployments_of_one_name_are_refused_before_anything_is_registered() {
    let runtime = Runtime::ephemeral();
    let twins = [load.deployment("a").interval("1s"), load.deployment("a").interval("2s")];
    let error = runtime.run(async { flowkit::serve(twins).await }).await.expect_err("one would be lost").to_string();
    assert_eq!(error, "two of the deployments to be served are called 'load/a': give each a name of its own");
    assert!(history(&runtime).deployments().is_empty());
}

#[flowkit::test]
async fn registering_again_changes_a_deployment_in_place() {
    let runtime = Runtime::ephemeral();
    let register = |call: flowkit::DeploymentCall| async { runtime.run(call.into_future()).await.expect("it works") };
    let first = register(load.deployment("d").schedule(Schedule::cron("0 1 * * *").slug("a")).cron("0 3 * * *")).await;
    let before = only(&runtime);
    let second = register(load.deployment("d").schedule(Schedule::cron("0 2 * * *").slug("a")).tags(["x"])).await;
    let after = only(&runtime);
    assert_eq!((first.id, before.created), (second.id, after.created));
    assert_eq!((after.schedules.len(), &after.tags[..]), (1, &["x".to_owned()][..]));
    assert_eq!(before.schedules[0].id, after.schedules[0].id, "it is the same schedule");
    assert_eq!(history(&runtime).flow_runs().len(), 1, "what was planned before is not to be");
}

#[flowkit::test]
async fn a_planned_run_that_is_cancelled_never_starts_and_the_next_one_does() {
    let runtime = Runtime::ephemeral();
    while_served(&runtime, load.serve("d").interval("1h"), async {
        sleep(Duration::from_secs(1)).await;
        let planned = history(&runtime).flow_runs().remove(0);
        runtime.cancel_flow_run(planned.id()).await.expect("it has not begun");
        let again = runtime.cancel_flow_run(planned.id()).await.expect_err("it has ended");
        assert!(again.to_string().contains("has ended already"), "{again}");
        sleep(HOUR + HOUR / 2).await;
        assert_eq!(path(&planned.states()), "Scheduled > Cancelled");
        assert_eq!(begun(&runtime).len(), 1, "nothing ran yet: {:?}", begun(&runtime));
        sleep(HOUR).await;
        let runs = begun(&runtime);
        assert_eq!(runs.len(), 2);
        assert_eq!(runs[1].scheduled_start_time().map(|due| due.since(begin(&runtime))), Some(2 * HOUR));
    })
    .await;
}

#[flowkit::test]
async fn a_run_under_way_is_cancelled() {
    let runtime = Runtime::ephemeral();
    while_served(&runtime, slow.serve("d").concurrency_limit(1), async {
        sleep(Duration::from_secs(1)).await;
        let run = run_deployment("slow/d").parameter("seconds", 60).timeout(0_u64).await.expect("it is started");
        let next = run_deployment("slow/d").parameter("seconds", 1).timeout(0_u64).await.expect("it is started");
        sleep(Duration::from_secs(1)).await;
        runtime.cancel_flow_run(run.id).await.expect("it runs");
        sleep(Duration::from_secs(2)).await;
        let states = |run: &flowkit::DeploymentRun| history(&runtime).flow_run(run.id).map(|run| path(&run.states()));
        let cancelled = "Scheduled > Pending > Submitting > Running > Cancelling > Cancelled";
        assert_eq!(states(&run).as_deref(), Some(cancelled));
        let waited = "Scheduled > AwaitingConcurrencySlot > Pending > Submitting > Running > Completed";
        assert_eq!(states(&next).as_deref(), Some(waited), "its place was free at once");
    })
    .await;
}

/// Starts another deployment's run and tells how it ended.
#[flow]
async fn starter(name: String) -> flowkit::Result<String> {
    let run = run_deployment(&name).timeout("5m").await?;
    Ok(format!("{} {}", run.name, run.state))
}

#[flowkit::test]
async fn a_run_that_a_flow_starts_is_its_subflow() {
    let runtime = Runtime::ephemeral();
    let said = while_served(&runtime, load.serve("d"), async {
        sleep(Duration::from_secs(1)).await;
        starter("load/d".to_owned()).await.expect("it succeeds")
    })
    .await;
    assert_eq!(said, "load-3 Completed()");
    let runs = history(&runtime).flow_runs();
    let of = |name: &str| runs.iter().find(|run| run.flow_name() == name).cloned().expect("it ran");
    let (parent, child) = (of("starter"), of("load"));
    assert_eq!((child.parent_flow_run_id(), child.root_flow_run_id()), (Some(parent.id()), parent.id()));
    let tasks = history(&runtime).task_runs();
    let stand_in = tasks.iter().find(|task| Some(task.id()) == child.parent_task_run()).expect("it stands for the run");
    assert_eq!(stand_in.flow_run().map(|run| run.id()), Some(parent.id()));
    assert_eq!(path(&stand_in.states()), "Pending > Scheduled > Pending > Submitting > Running > Completed");
}

#[flow]
async fn approved() -> flowkit::Result<()> {
    flowkit::suspend_flow_run().await
}

#[flowkit::test]
async fn a_suspended_run_is_run_again_once_it_is_resumed() {
    let runtime = Runtime::ephemeral();
    while_served(&runtime, approved.serve("d").concurrency_limit(1), async {
        sleep(Duration::from_secs(1)).await;
        let run = run_deployment("approved/d").timeout(0_u64).await.expect("it is started");
        let other = run_deployment("approved/d").timeout(0_u64).await.expect("it is started");
        sleep(Duration::from_secs(1)).await;
        let states = |run: &flowkit::DeploymentRun| history(&runtime).flow_run(run.id).map(|run| path(&run.states()));
        let suspended = "Scheduled > Pending > Submitting > Running > Suspended";
        assert_eq!(states(&run).as_deref(), Some(suspended));
        assert!(states(&other).is_some_and(|states| states.ends_with("Running > Suspended")), "the place was free");
        runtime.resume_flow_run(run.id).await.expect("it is suspended");
        sleep(Duration::from_secs(1)).await;
        let again = format!("{suspended} > Resuming > Pending > Submitting > Running > Completed");
        assert_eq!(states(&run), Some(again));
        runtime.cancel_flow_run(other.id).await.expect("it is suspended");
        assert!(states(&other).is_some_and(|states| states.ends_with("Suspended > Cancelled")));
    })
    .await;
}

#[flowkit::test]
async fn runs_that_have_not_ended_stay_in_the_history() {
    let runtime = Runtime::builder().keep_flow_runs(5).ephemeral();
    while_served(&runtime, slow.serve("d").parameter("seconds", 0).cron("0 0 1 1 *"), async {
        sleep(Duration::from_secs(1)).await;
        let long = run_deployment("slow/d").parameter("seconds", 3000).timeout(0_u64).await.expect("it is started");
        for _ in 0..200 {
            run_deployment("slow/d").parameter("seconds", 1).await.expect("it runs");
        }
        let runs = history(&runtime).flow_runs();
        assert!(runs.len() <= 7, "{}", runs.len());
        assert!(runs[0].state().is(StateName::Scheduled), "the run of the new year is planned");
        let long = history(&runtime).flow_run(long.id).expect("it goes on");
        assert!(long.state().is(StateName::Running));
    })
    .await;
}

#[flow(retries = 1, retry_delay = "30s")]
async fn flaky() -> Result<(), String> {
    let attempt = flowkit::runtime::flow_run().map_or(0, |run| run.run_count());
    if attempt > 1 { Ok(()) } else { Err("no luck".to_owned()) }
}

#[flowkit::test]
async fn a_failed_run_of_a_deployment_is_retried_and_keeps_its_place() {
    let runtime = Runtime::ephemeral();
    while_served(&runtime, flaky.serve("d").concurrency_limit(1), async {
        sleep(Duration::from_secs(1)).await;
        let run = run_deployment("flaky/d").timeout(0_u64).await.expect("it is started");
        sleep(Duration::from_secs(10)).await;
        assert_eq!(only(&runtime).active_runs, 1);
        sleep(Duration::from_secs(30)).await;
        let record = history(&runtime).flow_run(run.id).expect("it is in the history");
        let retried = "Scheduled > Pending > Submitting > Running > AwaitingRetry > Retrying > Completed";
        assert_eq!((path(&record.states()).as_str(), record.run_count()), (retried, 2));
        assert_eq!(only(&runtime).active_runs, 0);
    })
    .await;
}
