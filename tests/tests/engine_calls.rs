//! Calling tasks: lazily, here, beside the present code, and from anywhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use flowkit::prelude::*;
use flowkit_tests::lab::{Lab, path, rounded, seconds};
use tokio::time::{Instant, sleep};

#[task]
async fn double(n: u32) -> u32 {
    n * 2
}

#[task]
fn add(a: u32, b: u32) -> u32 {
    a + b
}

#[task]
async fn nap(seconds: u64) -> u64 {
    sleep(Duration::from_secs(seconds)).await;
    seconds
}

#[task]
async fn refuse() -> Result<(), String> {
    Err("no".to_owned())
}

/// A value that counts how often it was cloned.
#[derive(Debug, Default)]
struct Counted(Arc<AtomicU32>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

#[task]
async fn make(count: Arc<AtomicU32>) -> Counted {
    Counted(count)
}

#[tokio::test(start_paused = true)]
async fn a_call_does_nothing_until_it_is_awaited_or_submitted() {
    let lab = Lab::default();
    lab.run(async {
        let call = double(1);
        sleep(Duration::from_secs(1)).await;
        drop(call);
    })
    .await;
    assert!(lab.all_tasks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_await_gives_the_value_and_leaves_a_completed_run() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { double(21).await }).await.expect("it succeeds"), 42);
    let run = lab.task("double");
    assert_eq!(path(&run.states()), "Pending > Running > Completed");
    assert_eq!(run.effort().run_count, 1);
}

#[tokio::test(start_paused = true)]
async fn a_blocking_body_gives_its_value_too() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { add(1, 2).await }).await.expect("it succeeds"), 3);
    assert_eq!(path(&lab.task("add").states()), "Pending > Running > Completed");
}

#[tokio::test(start_paused = true)]
async fn awaited_calls_follow_each_other_and_submitted_ones_run_side_by_side() {
    let lab = Lab::default();
    lab.run(async {
        let start = Instant::now();
        let _ = (nap(3).await, nap(4).await);
        assert_eq!(rounded(start.elapsed()), 7);

        let start = Instant::now();
        let futures = [nap(3).submit(), nap(5).submit(), nap(4).submit()];
        let mut values = Vec::new();
        for future in futures {
            values.push(future.await.expect("it succeeds"));
        }
        assert_eq!((values, rounded(start.elapsed())), (vec![3, 5, 4], 5));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_submitted_run_exists_at_once_and_goes_on_by_itself() {
    let lab = Lab::default();
    lab.run(async {
        let future = nap(2).submit();
        assert_eq!(future.state().name(), "Pending");
        assert_eq!(lab.task("nap").id(), future.id());
        assert!(!future.is_done());
        sleep(Duration::from_secs(1)).await;
        assert_eq!(future.state().name(), "Running");
        sleep(Duration::from_secs(2)).await;
        assert_eq!(future.state().name(), "Completed");
        assert!(future.is_done());
        assert_eq!(future.run().map(|run| run.id()), Some(future.id()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_handle_gives_the_result_and_only_the_last_does_not_clone_it() {
    let clones = Arc::new(AtomicU32::new(0));
    let lab = Lab::default();
    lab.run(async {
        let future = make(Arc::clone(&clones)).submit();
        let other = future.clone();
        (&future).await.expect("it succeeds");
        assert_eq!(clones.load(Ordering::Relaxed), 1);
        future.await.expect("it succeeds");
        assert_eq!(clones.load(Ordering::Relaxed), 2);
        other.await.expect("it succeeds");
        assert_eq!(clones.load(Ordering::Relaxed), 2, "the last handle takes the value");
    })
    .await;
    assert_eq!(lab.all_tasks().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn wait_gives_the_final_state_however_the_run_ended() {
    let lab = Lab::default();
    lab.run(async {
        assert_eq!(nap(1).submit().wait().await.name(), "Completed");
        assert_eq!(refuse().submit().wait().await.name(), "Failed");
        let cancelled = nap(9).submit();
        cancelled.cancel();
        assert_eq!(cancelled.wait().await.name(), "Cancelled");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn dropping_a_handle_does_not_stop_the_run() {
    let lab = Lab::default();
    lab.run(async {
        drop(nap(2).submit());
        sleep(Duration::from_secs(3)).await;
    })
    .await;
    let run = lab.task("nap");
    assert_eq!((path(&run.states()), seconds(&run.states())), ("Pending > Running > Completed".into(), vec![0, 0, 2]));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_of_an_await_cancels_the_run() {
    let lab = Lab::default();
    lab.run(async { tokio::time::timeout(Duration::from_secs(1), nap(9).into_future()).await.expect_err("too long") })
        .await;
    let run = lab.task("nap");
    assert_eq!((path(&run.states()), seconds(&run.states())), ("Pending > Running > Cancelled".into(), vec![0, 0, 1]));
}

#[tokio::test(start_paused = true)]
async fn return_state_gives_the_state_beside_the_result_and_no_error_of_its_own() {
    let lab = Lab::default();
    lab.run(async {
        let good = double(4).return_state().await;
        assert!(good.state().is_completed());
        assert_eq!(good.result().expect("it succeeds"), 8);
        let bad = refuse().return_state().await;
        assert!(bad.is_failed(), "a finished run is seen as its state");
        assert_eq!(bad.message(), Some("Task run encountered an exception: no"));
        assert!(bad.result().is_err());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_outside_of_any_flow_has_no_flow_run_and_no_parent() {
    let lab = Lab::default();
    lab.run(async { double(1).await }).await.expect("it succeeds");
    let run = lab.task("double");
    assert!(run.flow_run().is_none() && run.parent().is_none());
    assert!(lab.all_flows().is_empty());
}

#[tokio::test]
async fn a_task_needs_no_runtime_of_flowkits_own() {
    assert_eq!(double(2).await.expect("it succeeds"), 4);
    assert_eq!(double(3).submit().await.expect("it succeeds"), 6);
}

#[tokio::test(start_paused = true)]
async fn untracked_runs_only_the_body() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { add(2, 2).untracked().await }).await.expect("it succeeds"), 4);
    let error = lab.run(async { refuse().retries(3).untracked().await }).await.expect_err("it fails");
    assert_eq!(error.chain(), "task `refuse` failed: no");
    assert!(lab.all_tasks().is_empty());
}

#[task]
async fn outer() -> flowkit::Result<u32> {
    let inner = double(5).submit();
    Ok(inner.await? + double(1).await?)
}

#[task]
fn outer_blocking() -> u32 {
    tokio::runtime::Handle::current().block_on(async { double(6).await.expect("it succeeds") })
}

#[flow]
async fn nesting() -> flowkit::Result<u32> {
    Ok(outer().await? + outer_blocking().await?)
}

#[tokio::test(start_paused = true)]
async fn a_task_called_in_a_task_records_it_as_its_parent() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { nesting().await }).await.expect("it succeeds"), 24);
    let (outer, blocking, flow) = (lab.task("outer"), lab.task("outer_blocking"), lab.flow("nesting"));
    let parents: Vec<_> = lab.tasks("double").iter().map(|run| run.parent()).collect();
    assert_eq!(parents, [Some(outer.id()), Some(outer.id()), Some(blocking.id())]);
    for run in lab.all_tasks() {
        assert_eq!(run.flow_run().map(|flow| flow.id()), Some(flow.id()));
    }
    assert_eq!(outer.parent(), None);
}
