//! Timeouts of tasks.

use std::sync::mpsc;
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, runtime};
use flowkit_tests::lab::{Lab, path, rounded, seconds};
use tokio::time::{advance, sleep};

#[task(timeout = "5s")]
async fn slow(seconds: u64) -> u64 {
    sleep(Duration::from_secs(seconds)).await;
    seconds
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_in_time_is_not_disturbed() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { slow(4).await }).await.expect("it is in time"), 4);
    assert_eq!(path(&lab.task("slow").states()), "Pending > Running > Completed");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_takes_too_long_ends_as_timed_out() {
    let lab = Lab::default();
    let error = lab.run(async { slow(9).await }).await.expect_err("it takes too long");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.is_timeout());
    assert_eq!(error.elapsed().map(rounded), Some(5));
    let run = lab.task("slow");
    assert_eq!((path(&run.states()), seconds(&run.states())), ("Pending > Running > TimedOut".into(), vec![0, 0, 5]));
    assert!(run.state().is_failed(), "the state's type is FAILED");
    assert_eq!(run.state().message(), Some("Task run exceeded timeout of 5.0 second(s)"));
}

#[tokio::test(start_paused = true)]
async fn the_message_shows_fractions_as_prefect_does() {
    let lab = Lab::default();
    for (timeout, shown) in [(0.25, "0.25"), (1.5, "1.5"), (60.0, "60.0")] {
        let state = lab.run(async { slow(99).timeout(timeout).return_state().await }).await;
        let message = format!("Task run exceeded timeout of {shown} second(s)");
        assert_eq!(state.message(), Some(message.as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_for_an_upstream_does_not_count() {
    let lab = Lab::default();
    let state = lab
        .run(async {
            let long = slow(60).timeout("90s").submit();
            slow(&long).timeout("61s").return_state().await
        })
        .await;
    assert!(state.is_completed(), "{:?}", state.state());
}

#[task(retries = 2, retry_delay = "10s", timeout = "5s")]
async fn faster() -> u32 {
    let attempt = runtime::task_run().expect("a body is in a run").effort().run_count;
    sleep(Duration::from_secs(10 - 3 * u64::from(attempt))).await;
    attempt
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_retried_and_each_attempt_has_its_own() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { faster().await }).await.expect("the second attempt is in time"), 2);
    let run = lab.task("faster");
    assert_eq!(path(&run.states()), "Pending > Running > AwaitingRetry > Retrying > Completed");
    assert_eq!(seconds(&run.states()), [0, 0, 5, 15, 19]);
    lab.log(
        "Task run failed with exception: Task run exceeded timeout of 5.0 second(s) - Retry 1/2 will start 10 second(s) from now",
    );
}

#[tokio::test(start_paused = true)]
async fn when_retries_are_exhausted_by_timeouts_the_run_is_timed_out() {
    let lab = Lab::default();
    let error = lab.run(async { slow(9).retries(1).await }).await.expect_err("each attempt takes too long");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::TimedOut, Some(2)));
    assert_eq!(path(&lab.task("slow").states()), "Pending > Running > Retrying > TimedOut");
}

#[task(timeout = "5s")]
fn stuck(started: tokio::sync::mpsc::UnboundedSender<()>, go_on: mpsc::Receiver<()>) {
    let _ = started.send(());
    // Ends when the test lets go of the other end.
    let _ = go_on.recv();
}

#[flow]
async fn with_stuck() -> flowkit::Result<String> {
    let (let_go, go_on) = mpsc::channel();
    let (started, mut has_started) = tokio::sync::mpsc::unbounded_channel();
    let future = stuck(started, go_on).submit();
    // On paused time a clock does not move by itself while a thread is blocked.
    has_started.recv().await;
    advance(Duration::from_secs(6)).await;
    let state = future.wait().await;
    KEPT.lock().expect("no panic").push(let_go);
    Ok(state.to_string())
}

/// What keeps blocking bodies waiting beyond the end of their flow.
static KEPT: std::sync::Mutex<Vec<mpsc::Sender<()>>> = std::sync::Mutex::new(Vec::new());

#[tokio::test(start_paused = true)]
async fn a_blocking_body_that_takes_too_long_holds_neither_its_run_nor_its_flow() {
    let lab = Lab::default();
    let state = lab.run(async { with_stuck().await }).await.expect("the flow ends");
    assert_eq!(state, "TimedOut('Task run exceeded timeout of 5.0 second(s)', type=FAILED)");
    assert_eq!(path(&lab.task("stuck").states()), "Pending > Running > TimedOut");
    assert!(lab.flow("with-stuck").state().is_completed());
    KEPT.lock().expect("no panic").clear();
}

#[task]
async fn outer() -> flowkit::Result<u64> {
    slow(9).await
}

#[tokio::test(start_paused = true)]
async fn a_caught_timeout_is_an_error_as_any_other() {
    let lab = Lab::default();
    let value = lab.run(async { slow(9).await.or_else(|error| if error.is_timeout() { Ok(0) } else { Err(error) }) });
    assert_eq!(value.await.expect("the timeout was caught"), 0);
    let error = lab.run(async { outer().await }).await.expect_err("its task takes too long");
    assert!(error.chain().contains("exceeded timeout of 5.0 second(s)"), "{}", error.chain());
    assert!(lab.task("outer").state().is_failed());
}
