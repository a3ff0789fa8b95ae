//! When a failed task is tried again, and what its run tells of it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, RetryDelay, runtime};
use flowkit_tests::lab::{Lab, path, rounded, seconds};
use tokio::time::sleep;

/// Tells which attempt the body at hand is in, counted from 1.
fn attempt() -> u32 {
    runtime::task_run().expect("a body is in a run").effort().run_count
}

#[task(retries = 2)]
async fn flaky(failures: u32) -> Result<u32, String> {
    let attempt = attempt();
    if attempt <= failures { Err(format!("attempt {attempt}")) } else { Ok(attempt) }
}

#[task(retries = 3, retry_delay = ["2s", "5s"])]
async fn patient() -> Result<(), String> {
    Err("never".to_owned())
}

#[tokio::test(start_paused = true)]
async fn the_body_is_started_until_it_succeeds() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { flaky(2).await }).await.expect("the third attempt succeeds"), 3);
    let run = lab.task("flaky");
    assert_eq!(run.effort().run_count, 3);
    assert_eq!(run.retries(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_delay_a_retry_follows_directly() {
    let lab = Lab::default();
    lab.run(async { flaky(2).await }).await.expect("the third attempt succeeds");
    assert_eq!(path(&lab.task("flaky").states()), "Pending > Running > Retrying > Retrying > Completed");
}

#[tokio::test(start_paused = true)]
async fn when_retries_are_exhausted_the_last_error_is_the_result() {
    let lab = Lab::default();
    let error = lab.run(async { flaky(9).await }).await.expect_err("it fails each time");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Failed, Some(3)));
    assert!(error.chain().ends_with("failed: attempt 3"), "{}", error.chain());
    let run = lab.task("flaky");
    assert_eq!(path(&run.states()), "Pending > Running > Retrying > Retrying > Failed");
    assert_eq!(run.state().message(), Some("Task run encountered an exception: attempt 3"));
    assert_eq!(run.state().details().retriable, Some(false));
}

#[tokio::test(start_paused = true)]
async fn a_list_of_delays_is_followed_and_its_last_one_repeated() {
    let lab = Lab::default();
    let error = lab.run(async { patient().await }).await.expect_err("it fails each time");
    assert_eq!(error.elapsed().map(rounded), Some(12));
    let run = lab.task("patient");
    let states = run.states();
    let cycle = "AwaitingRetry > Retrying";
    assert_eq!(path(&states), format!("Pending > Running > {cycle} > {cycle} > {cycle} > Failed"));
    assert_eq!(seconds(&states), [0, 0, 0, 2, 2, 7, 7, 12, 12]);
}

#[tokio::test(start_paused = true)]
async fn awaiting_retry_tells_when_the_retry_will_start() {
    let lab = Lab::default();
    let _ = lab.run(async { patient().await }).await;
    let states = lab.task("patient").states();
    let waits: Vec<_> = states.iter().filter_map(|state| Some((state, state.details().scheduled_time?))).collect();
    assert_eq!(waits.len(), 3);
    for ((state, until), seconds) in waits.into_iter().zip([2, 5, 5]) {
        assert_eq!(state.name(), "AwaitingRetry");
        assert_eq!(until.since(state.timestamp()), Duration::from_secs(seconds));
    }
}

#[task(retries = 1, retry_delay = "3s")]
async fn slow(failures: u32) -> Result<(), String> {
    sleep(Duration::from_secs(4)).await;
    if attempt() <= failures { Err("not yet".to_owned()) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn the_time_between_attempts_is_no_run_time() {
    let lab = Lab::default();
    lab.run(async { slow(1).await }).await.expect("the second attempt succeeds");
    let run = lab.task("slow");
    assert_eq!(seconds(&run.states()), [0, 0, 4, 7, 11]);
    let effort = run.effort();
    assert_eq!(rounded(effort.total_run_time), 8);
    let (start, end) = (effort.start_time.expect("it started"), effort.end_time.expect("it ended"));
    assert_eq!(rounded(end.since(start)), 11);
}

#[tokio::test(start_paused = true)]
async fn a_call_sets_its_own_retries_and_delays() {
    let lab = Lab::default();
    lab.run(async {
        let _ = patient().retries(1).retry_delay("10s").name("fixed").await;
        let _ = patient().retry_delays([Duration::ZERO, Duration::from_secs(1)]).name("list").await;
        let _ = patient().retries(0).name("none").await;
    })
    .await;
    let run = |name: &str| lab.tasks("patient").into_iter().find(|run| run.name() == name).expect("it ran");
    assert_eq!(seconds(&run("fixed").states()), [0, 0, 0, 10, 10]);
    assert_eq!(
        path(&run("list").states()),
        "Pending > Running > Retrying > AwaitingRetry > Retrying > AwaitingRetry > Retrying > Failed"
    );
    assert_eq!(path(&run("none").states()), "Pending > Running > Failed");
}

/// An argument that knows how often it was cloned on its way.
#[derive(Default)]
struct Fresh {
    seen: u32,
    clones: Arc<AtomicU32>,
}

impl Clone for Fresh {
    fn clone(&self) -> Self {
        self.clones.fetch_add(1, Ordering::Relaxed);
        Self { seen: self.seen, clones: Arc::clone(&self.clones) }
    }
}

#[task(retries = 2)]
async fn consume(mut fresh: Fresh, log: Arc<Mutex<Vec<u32>>>) -> Result<(), String> {
    log.lock().expect("no panic").push(fresh.seen);
    fresh.seen += 1;
    Err(format!("{} used up", fresh.seen))
}

#[tokio::test(start_paused = true)]
async fn each_attempt_gets_fresh_clones_and_the_last_the_original() {
    let (lab, log, clones) = (Lab::default(), Arc::default(), Arc::new(AtomicU32::new(0)));
    let fresh = Fresh { seen: 0, clones: Arc::clone(&clones) };
    let _ = lab.run(async { consume(fresh, Arc::clone(&log)).await }).await;
    assert_eq!(*log.lock().expect("no panic"), [0, 0, 0]);
    assert_eq!(clones.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn without_retries_an_argument_is_not_cloned() {
    let (lab, log, clones) = (Lab::default(), Arc::default(), Arc::new(AtomicU32::new(0)));
    let fresh = Fresh { seen: 0, clones: Arc::clone(&clones) };
    let _ = lab.run(async { consume(fresh, Arc::clone(&log)).retries(0).await }).await;
    assert_eq!(clones.load(Ordering::Relaxed), 0);
}

struct OnlyOne;

#[task]
async fn take(_one: OnlyOne, ran: Arc<AtomicU32>) {
    ran.fetch_add(1, Ordering::Relaxed);
}

#[tokio::test(start_paused = true)]
async fn retries_by_call_for_an_argument_that_cannot_be_cloned_are_refused() {
    let (lab, ran) = (Lab::default(), Arc::new(AtomicU32::new(0)));
    lab.run(async {
        for call in [
            take(OnlyOne, Arc::clone(&ran)).retries(1),
            take(OnlyOne, Arc::clone(&ran)).with(Options::new().retries(1)),
        ] {
            let error = call.await.expect_err("the argument is not Clone");
            assert_eq!(error.kind(), ErrorKind::Definition);
            assert_eq!(error.to_string(), "task `take` cannot be retried: one of its arguments is not Clone");
        }
        take(OnlyOne, Arc::clone(&ran)).await.expect("without retries it runs");
    })
    .await;
    assert_eq!(ran.load(Ordering::Relaxed), 1);
    assert_eq!(path(&lab.tasks("take")[0].states()), "Pending > Failed");
}

#[task(retries = 1)]
fn blocking(failures: u32) -> Result<u32, String> {
    let attempt = attempt();
    if attempt <= failures { Err("again".to_owned()) } else { Ok(attempt) }
}

#[tokio::test(start_paused = true)]
async fn a_blocking_body_is_retried_as_well() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { blocking(1).await }).await.expect("the second attempt succeeds"), 2);
    assert_eq!(path(&lab.task("blocking").states()), "Pending > Running > Retrying > Completed");
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_a_line_in_the_log() {
    let lab = Lab::default();
    let options = Options::new().retry_delay(RetryDelay::Fixed(Duration::from_secs(2)));
    let _ = lab.run(async { flaky(2).with(options).await }).await;
    lab.log("Task run failed with exception: attempt 1 - Retry 1/2 will start 2 second(s) from now");
    lab.log("Task run failed with exception: attempt 2 - Retry 2/2 will start 2 second(s) from now");
    let _ = lab.run(async { flaky(9).await }).await;
    lab.log("Task run failed with exception: attempt 1 - Retry 1/2 will start immediately");
    lab.log("Task run failed with exception: attempt 3 - Retries are exhausted");
}

/// An argument that panics when it is cloned or shown.
struct Fragile;

impl Clone for Fragile {
    fn clone(&self) -> Self {
        panic!("cannot be cloned")
    }
}

impl std::fmt::Display for Fragile {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("cannot be shown")
    }
}

#[task(retries = 1)]
async fn hold(_fragile: Fragile) {}

/// Ends in any case.
async fn soon<F: IntoFuture>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(9), future.into_future()).await.expect("nobody waits for ever")
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_arguments_are_cloned_is_a_failed_attempt() {
    let lab = Lab::default();
    lab.run(async {
        soon(hold(Fragile)).await.expect("the last attempt needs no clone");
        soon(hold(Fragile).submit()).await.expect("the last attempt needs no clone");
        soon(flowkit::map([1, 2], |_| hold(Fragile)).limit(1)).await.expect("the last attempt needs no clone");
    })
    .await;
    let runs = lab.tasks("hold");
    assert_eq!(runs.len(), 4);
    assert!(runs.iter().all(|run| path(&run.states()) == "Pending > Running > Retrying > Completed"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_name_is_made_fails_the_run_before_its_body() {
    let lab = Lab::default();
    lab.run(async {
        let call = || hold(Fragile).name("{_fragile}");
        assert!(soon(call()).await.is_err_and(|error| error.is_panic()));
        assert!(soon(call().submit()).await.is_err_and(|error| error.is_panic()));
        let mapped = soon(flowkit::map([1, 2], |_| call()).limit(1).results()).await;
        assert!(mapped.len() == 2 && mapped.into_iter().all(|result| result.is_err_and(|error| error.is_panic())));
    })
    .await;
    for run in lab.tasks("hold") {
        assert_eq!(path(&run.states()), "Pending > Failed");
        assert!(run.state().message().is_some_and(|message| message.contains("cannot be shown")));
    }
}
