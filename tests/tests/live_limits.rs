//! The limit of a deployment, and of a runner, at a real server: never exceeded, and given back whatever happens.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flowkit_tests::ledger::Ledger;
use flowkit_tests::live::LiveServer;
use flowkit_tests::program::{Program, Running};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(200);

/// A server whose leases are as short as can be, and where a run that finds no slot tries again soon.
fn alone() -> Option<(&'static LiveServer, MutexGuard<'static, ()>)> {
    static SERVER: std::sync::OnceLock<Option<LiveServer>> = std::sync::OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let start = || {
        LiveServer::options()
            .env("PREFECT_SERVER_CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION", "30")
            .env("PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS", "1")
            .start()
    };
    let server = SERVER.get_or_init(start).as_ref()?;
    Some((server, ONE.lock().unwrap_or_else(PoisonError::into_inner)))
}

fn full() -> bool {
    std::env::var("FLOWKIT_FULL").is_ok_and(|value| value == "1")
}

fn serve(server: &LiveServer, name: &str, options: &[&str], environment: &[(&str, &str)]) -> Running {
    let begun = server.now();
    let name_option = format!("name={name}");
    let mut args = vec![name_option.as_str()];
    args.extend(options);
    let program = Program::example("live_runner").args(&args).server(&server.api_url());
    let program = environment.iter().fold(program, |program, (name, value)| program.env(name, value)).start();
    server.served(&format!("counted/{name}"), &begun);
    program
}

fn stop(runner: Running) {
    runner.signal("TERM");
    runner.wait().succeeded();
}

fn parameters(ledger: &Ledger, seconds: f64) -> Value {
    json!({"file": ledger.path(), "seconds": seconds})
}

/// How many slots of a deployment's limit are taken.
fn taken(server: &LiveServer, deployment: &str) -> Option<u64> {
    let deployment = server.get(&format!("/deployments/name/{deployment}"));
    deployment["global_concurrency_limit"]["active_slots"].as_u64()
}

fn all_are_given_back(server: &LiveServer, deployment: &str) {
    server.eventually("free slots", |server| (taken(server, deployment) == Some(0)).then_some(()));
}

#[test]
fn no_more_runs_of_a_deployment_go_on_at_a_time_than_its_limit_says_whoever_runs_them() {
    let Some((server, _alone)) = alone() else { return };
    let options = ["isolation=in-process", "limit=10", "slots=3"];
    // A server on sqlite is slow to take more while it is busy with runs: they are there before the runners are.
    stop(serve(server, "slots", &options, &[]));
    let (ledger, count) = (Ledger::new(), if full() { 60 } else { 12 });
    let deployment = "counted/slots";
    (0..count).for_each(|_| drop(server.trigger(deployment, &parameters(&ledger, 0.5))));
    let runners = [serve(server, "slots", &options, &[]), serve(server, "slots", &options, &[])];
    assert_eq!(server.all_ended(deployment, LIMIT), [("COMPLETED".to_owned(), count)]);
    assert!(ledger.counts().values().all(|count| *count == 1), "{:?}", ledger.counts());
    assert!((1..=3).contains(&ledger.most_at_once()), "{} at once", ledger.most_at_once());
    all_are_given_back(server, deployment);
    runners.into_iter().for_each(stop);
}

#[test]
fn no_more_runs_go_on_at_a_time_than_the_limit_of_their_runner_says() {
    let Some((server, _alone)) = alone() else { return };
    for isolation in ["isolation=in-process", "isolation=process"] {
        stop(serve(server, "room", &[isolation, "limit=3"], &[]));
        let (ledger, count) = (Ledger::new(), if full() { 30 } else { 7 });
        (0..count).for_each(|_| drop(server.trigger("counted/room", &parameters(&ledger, 0.5))));
        let runner = serve(server, "room", &[isolation, "limit=3"], &[]);
        let ended = server.all_ended("counted/room", LIMIT);
        assert!(matches!(&ended[..], [(state, _)] if state == "COMPLETED"), "{ended:?}");
        assert_eq!(ledger.counts().len(), count, "{isolation}");
        assert!((1..=3).contains(&ledger.most_at_once()), "{isolation}: {} at once", ledger.most_at_once());
        stop(runner);
    }
}

#[test]
fn a_run_that_finds_no_slot_is_cancelled_where_the_deployment_says_so() {
    let Some((server, _alone)) = alone() else { return };
    let runner = serve(server, "cancelnew", &["isolation=in-process", "slots=1", "collision=cancel"], &[]);
    let ledger = Ledger::new();
    let first = server.trigger("counted/cancelnew", &parameters(&ledger, 5.0));
    server.in_state(&first, "RUNNING");
    let second = server.trigger("counted/cancelnew", &parameters(&ledger, 0.1));
    let refused = server.ended(&second);
    assert_eq!(refused["state_type"], "CANCELLED");
    assert_eq!(refused["state"]["message"], "Deployment concurrency limit reached.");
    assert_eq!(server.ended(&first)["state_type"], "COMPLETED");
    assert_eq!(ledger.counts().get(&second), None);
    all_are_given_back(server, "counted/cancelnew");
    stop(runner);
}

#[test]
fn a_slot_is_given_back_when_its_run_is_cancelled_or_crashes() {
    let Some((server, _alone)) = alone() else { return };
    let runner = serve(server, "back", &["slots=1"], &[("PREFECT_RUNNER_POLL_FREQUENCY", "1")]);
    let ledger = Ledger::new();
    let cancelled = server.trigger("counted/back", &parameters(&ledger, 60.0));
    server.in_state(&cancelled, "RUNNING");
    assert_eq!(taken(server, "counted/back"), Some(1));
    server.cancel(&cancelled);
    assert_eq!(server.ended(&cancelled)["state_type"], "CANCELLED");
    all_are_given_back(server, "counted/back");
    let crashed = server.trigger("counted/back", &parameters(&ledger, 60.0));
    let running = server.in_state(&crashed, "RUNNING");
    let process = running["infrastructure_pid"].as_str().and_then(|mark| mark.split(':').nth(3)).expect("a mark");
    let status = std::process::Command::new("kill").args(["-s", "KILL", process]).status();
    assert!(status.expect("kill is there").success());
    assert_eq!(server.ended(&crashed)["state_type"], "CRASHED");
    let next = server.trigger("counted/back", &parameters(&ledger, 0.1));
    assert_eq!(server.ended(&next)["state_type"], "COMPLETED");
    all_are_given_back(server, "counted/back");
    stop(runner);
}

#[test]
fn a_run_that_blocks_its_thread_for_longer_than_its_lease_keeps_its_slot() {
    let Some((server, _alone)) = alone() else { return };
    let runner = serve(server, "lease", &["isolation=in-process", "slots=1", "limit=1"], &[]);
    let other = serve(server, "lease", &["isolation=in-process", "slots=1"], &[]);
    let ledger = Ledger::new();
    // The server lets a new lease last 30 s, and looks every 10 s which ones have run out.
    let first = server.trigger("stubborn/lease", &parameters(&ledger, 50.0));
    server.in_state(&first, "RUNNING");
    let second = server.trigger("stubborn/lease", &parameters(&ledger, 0.1));
    assert_eq!(server.all_ended("stubborn/lease", LIMIT), [("COMPLETED".to_owned(), 2)]);
    assert_eq!(ledger.most_at_once(), 1);
    let order: Vec<String> = ledger.executions().into_iter().map(|it| it.run).collect();
    assert_eq!(order, [first, second]);
    stop(runner);
    stop(other);
}
