//! Delays that grow, and delays that are spread at random.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, RetryDelay, TaskRun};
use flowkit_tests::lab::{Lab, path, seconds};

#[task(retries = 5, retry_delay = exponential("1s", 3.0, max = "20s"))]
async fn bounded() -> Result<(), String> {
    Err("never".to_owned())
}

#[task(retries = 3, retry_delay = exponential("2s"))]
async fn doubling() -> Result<(), String> {
    Err("never".to_owned())
}

#[flow(retries = 3, retry_delay = exponential("1s", 4))]
async fn nightly() -> Result<(), String> {
    Err("never".to_owned())
}

#[task(retries = 20, retry_delay = 10, retry_jitter_factor = 0.5)]
async fn spread() -> Result<(), String> {
    Err("never".to_owned())
}

/// Returns the delays that the waiting states of a run announce, in seconds.
fn waits(run: &TaskRun) -> Vec<f64> {
    let states = run.states();
    let until = |state: &flowkit::State| Some(state.details().scheduled_time?.since(state.timestamp()).as_secs_f64());
    states.iter().filter_map(until).collect()
}

#[tokio::test(start_paused = true)]
async fn an_exponential_delay_grows_by_its_factor_up_to_its_bound() {
    let lab = Lab::default();
    let _ = lab.run(async { bounded().await }).await;
    assert_eq!(waits(&lab.task("bounded")), [1.0, 3.0, 9.0, 20.0, 20.0]);
}

#[tokio::test(start_paused = true)]
async fn an_exponential_delay_doubles_if_nothing_else_is_said() {
    let lab = Lab::default();
    let _ = lab.run(async { doubling().await }).await;
    let run = lab.task("doubling");
    assert_eq!(waits(&run), [2.0, 4.0, 8.0]);
    assert_eq!(seconds(&run.states()).last(), Some(&14));
}

#[tokio::test(start_paused = true)]
async fn a_call_and_a_value_can_ask_for_exponential_delays() {
    const VALUE: Options = Options::new().retry_delay(RetryDelay::exponential(Duration::from_secs(5), 1.0));
    let lab = Lab::default();
    lab.run(async {
        let growing = RetryDelay::exponential(Duration::from_secs(1), 10.0).at_most(Duration::from_secs(50));
        let _ = doubling().with(VALUE).name("value").await;
        let _ = doubling().with(VALUE).retry_delay(growing).name("call").await;
    })
    .await;
    let run = |name: &str| lab.tasks("doubling").into_iter().find(|run| run.name() == name).expect("it ran");
    assert_eq!(waits(&run("value")), [5.0, 5.0, 5.0]);
    assert_eq!(waits(&run("call")), [1.0, 10.0, 50.0]);
}

#[tokio::test(start_paused = true)]
async fn a_flow_is_retried_after_delays_that_grow() {
    let lab = Lab::default();
    let _ = lab.run(async { nightly().await }).await;
    let states = lab.flow("nightly").states();
    let waits = "Running > AwaitingRetry > Retrying > AwaitingRetry > Retrying > AwaitingRetry > Retrying";
    assert_eq!(path(&states), format!("Pending > {waits} > Failed"));
    assert_eq!(seconds(&states).last(), Some(&21), "1 + 4 + 16 seconds");
}

#[tokio::test(start_paused = true)]
async fn jitter_lengthens_each_delay_by_a_share_of_its_own() {
    let lab = Lab::default();
    let _ = lab.run(async { spread().await }).await;
    let mut waits = waits(&lab.task("spread"));
    assert!(waits.len() == 20 && waits.iter().all(|wait| (10.0..=15.0).contains(wait)), "{waits:?}");
    waits.dedup();
    assert!(waits.len() > 10, "they differ: {waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_beats_the_value_and_the_definition_in_jitter_too() {
    let lab = Lab::default();
    lab.run(async {
        let _ = spread().with(Options::new().retry_jitter_factor(0.0)).name("value").await;
        let _ = spread().retry_jitter_factor(0.0).name("call").await;
    })
    .await;
    for run in lab.tasks("spread") {
        assert_eq!(waits(&run), [10.0; 20], "{}", run.name());
    }
}

#[tokio::test(start_paused = true)]
async fn a_jitter_that_is_no_share_is_refused() {
    let lab = Lab::default();
    for factor in [-0.1, f64::NAN, f64::INFINITY] {
        let call = lab.run(async { spread().retry_jitter_factor(factor).await }).await;
        let error = call.expect_err("it is no share");
        assert_eq!(error.kind(), ErrorKind::Definition);
        assert!(error.to_string().contains("`retry_jitter_factor` takes a number"), "{error}");
    }
}
