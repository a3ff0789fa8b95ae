//! Cancelling: one run, a flow with everything below it, and a future that is dropped.

use std::future::IntoFuture;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, FlowFuture};
use flowkit_tests::lab::{Lab, path, rounded, seconds};
use tokio::time::{sleep, timeout};

type Count = Arc<AtomicU32>;

#[task]
async fn nap(seconds: u64) -> u64 {
    sleep(Duration::from_secs(seconds)).await;
    seconds
}

#[task(retries = 3, retry_delay = "1h")]
async fn stubborn(started: Count) -> Result<(), String> {
    started.fetch_add(1, Ordering::Relaxed);
    Err("again".to_owned())
}

#[task(retries = 3)]
async fn passes_on(seconds: u64) -> flowkit::Result<u64> {
    nap(seconds).await
}

#[task]
async fn count(started: Count) {
    started.fetch_add(1, Ordering::Relaxed);
}

fn after(seconds: u64) -> impl Future<Output = ()> {
    sleep(Duration::from_secs(seconds))
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_stops_at_its_await_and_ends_as_cancelled() {
    let lab = Lab::default();
    lab.run(async {
        let future = nap(60).submit();
        after(2).await;
        future.cancel();
        let error = future.await.expect_err("it was cancelled");
        assert!(error.is_cancelled(), "{error:?}");
    })
    .await;
    let run = lab.task("nap");
    assert_eq!((path(&run.states()), seconds(&run.states())), ("Pending > Running > Cancelled".into(), vec![0, 0, 2]));
    assert_eq!(run.state().message(), Some("Task run was cancelled."));
}

#[tokio::test(start_paused = true)]
async fn a_task_cancelled_before_it_starts_never_runs() {
    let (lab, started) = (Lab::default(), Count::default());
    lab.run(async {
        let future = count(Arc::clone(&started)).submit();
        future.cancel();
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    let run = lab.task("count");
    assert_eq!((path(&run.states()), run.effort().run_count), ("Pending > Cancelled".into(), 0));
    assert_eq!(started.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_is_cancelled_while_it_waits_for_its_retry() {
    let (lab, started) = (Lab::default(), Count::default());
    lab.run(async {
        let future = stubborn(Arc::clone(&started)).submit();
        after(5).await;
        future.cancel();
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    let run = lab.task("stubborn");
    assert_eq!(path(&run.states()), "Pending > Running > AwaitingRetry > Cancelled");
    assert_eq!(seconds(&run.states()), [0, 0, 0, 5]);
    assert_eq!(started.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_is_cancelled_while_it_waits_for_its_upstream_which_goes_on() {
    let (lab, started) = (Lab::default(), Count::default());
    lab.run(async {
        let upstream = nap(9).submit();
        let future = count(Arc::clone(&started)).wait_for(&upstream).submit();
        after(1).await;
        future.cancel();
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
        assert_eq!(upstream.await.expect("nobody cancelled it"), 9);
    })
    .await;
    let run = lab.task("count");
    assert_eq!((path(&run.states()), seconds(&run.states())), ("Pending > Cancelled".into(), vec![0, 1]));
    assert_eq!(started.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_depends_on_a_cancelled_one_is_not_ready() {
    let lab = Lab::default();
    lab.run(async {
        let upstream = nap(9).submit();
        let downstream = nap(&upstream).submit();
        after(1).await;
        upstream.cancel();
        assert_eq!(downstream.wait().await.name(), "NotReady");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_whose_body_passes_the_cancellation_on_is_cancelled_and_not_retried() {
    let lab = Lab::default();
    lab.run(async {
        let future = passes_on(60).submit();
        after(2).await;
        future.cancel();
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    assert_eq!(path(&lab.task("passes_on").states()), "Pending > Running > Cancelled");
    assert_eq!(path(&lab.task("nap").states()), "Pending > Running > Cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_cancels_the_tasks_it_submitted() {
    let lab = Lab::default();
    lab.run(async {
        let future = submits().submit();
        after(2).await;
        future.cancel();
        after(1).await;
    })
    .await;
    for run in lab.all_tasks() {
        assert_eq!((path(&run.states()), seconds(&run.states())[2]), ("Pending > Running > Cancelled".into(), 2));
    }
}

#[task]
async fn submits() {
    drop(nap(60).submit());
    sleep(Duration::from_secs(70)).await;
}

#[tokio::test(start_paused = true)]
async fn cancelling_after_the_end_changes_nothing() {
    let lab = Lab::default();
    lab.run(async {
        let future = nap(1).submit();
        assert!(future.wait().await.is_completed());
        future.cancel();
        assert!(future.await.is_ok());
    })
    .await;
    assert!(lab.task("nap").state().is_completed());
}

#[flow]
async fn inner(seconds: u64) -> flowkit::Result<u64> {
    drop(nap(seconds).submit());
    nap(seconds).await
}

/// Everything a flow can have below it: awaited, submitted, mapped, nested.
#[flow]
async fn outer(seconds: u64) -> flowkit::Result<u64> {
    drop(nap(seconds).submit());
    drop(inner(seconds).submit());
    let mapped = flowkit::map([seconds; 3], nap).limit(2).submit();
    drop(passes_on(seconds).submit());
    flowkit::map([seconds; 3], nap).limit(2).await?;
    inner(seconds).await?;
    Ok(mapped.await?.len() as u64)
}

#[flow]
async fn body_is_done(seconds: u64) {
    drop(inner(seconds).submit());
}

#[flow(retries = 1, retry_delay = "1h")]
async fn stubborn_flow() -> Result<(), String> {
    Err("again".to_owned())
}

/// Cancels a flow after three seconds.
async fn cancelled<T: Clone + Send + 'static>(call: FlowCall<T>) -> FlowFuture<T> {
    let future = call.submit();
    after(3).await;
    future.cancel();
    let error = match future.clone().await {
        Ok(_) => panic!("it was cancelled"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error:?}");
    future
}

fn all_stopped_at(lab: &Lab, second: u64) {
    let root = lab.all_flows()[0].states()[0].timestamp();
    let ended = |name: &str, state: flowkit::State| {
        assert_eq!(state.name(), "Cancelled", "{name}");
        assert_eq!(rounded(state.timestamp().since(root)), second, "{name}");
    };
    lab.all_flows().iter().for_each(|run| ended(run.flow().name, run.state()));
    lab.all_tasks().iter().for_each(|run| ended(run.task().name, run.state()));
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_flow_cancels_everything_below_it_before_it_ends_itself() {
    let lab = Lab::default();
    lab.run(async {
        let future = cancelled(outer(60)).await;
        assert_eq!(
            future.state().map(|state| state.to_string()).as_deref(),
            Some("Cancelled('Flow run was cancelled.')")
        );
        // No time passes, and no other task gets a turn, between the end of the flow and this.
        assert_eq!(lab.all_flows().len(), 2);
        all_stopped_at(&lab, 3);
    })
    .await;
    assert_eq!(
        lab.all_tasks().len(),
        1 + 1 + 2 + 3 + 2 + 2,
        "of three items two were begun, one of the submitted was not run"
    );
    let never_ran = lab.all_tasks().iter().filter(|run| path(&run.states()) == "Pending > Cancelled").count();
    assert_eq!(never_ran, 1);
}

#[tokio::test(start_paused = true)]
async fn a_flow_cancelled_while_it_waits_for_the_work_it_submitted_is_cancelled() {
    let lab = Lab::default();
    lab.run(async {
        let _ = cancelled(body_is_done(60)).await;
        all_stopped_at(&lab, 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_flow_is_cancelled_while_it_waits_for_its_retry() {
    let lab = Lab::default();
    let _ = lab.run(async { cancelled(stubborn_flow()).await }).await;
    let run = lab.flow("stubborn-flow");
    assert_eq!(path(&run.states()), "Pending > Running > AwaitingRetry > Cancelled");
    assert_eq!(seconds(&run.states()), [0, 0, 0, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_flow_cancelled_before_it_starts_never_runs() {
    let lab = Lab::default();
    lab.run(async {
        let future = outer(60).submit();
        future.cancel();
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    assert_eq!(path(&lab.flow("outer").states()), "Pending > Cancelled");
    assert!(lab.all_tasks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_flow_whose_future_is_dropped_is_cancelled_with_everything_below_it() {
    let lab = Lab::default();
    lab.run(async {
        timeout(Duration::from_secs(3), outer(60).into_future()).await.expect_err("it takes longer");
        assert_eq!(lab.flow("outer").state().message(), Some("Flow run was dropped before it ended."));
        // Their turns come when there is nothing else to do; the clock stands still until then.
        after(1).await;
        all_stopped_at(&lab, 3);
    })
    .await;
}

#[flow]
async fn drops_a_subflow() -> &'static str {
    timeout(Duration::from_secs(3), outer(60).into_future()).await.expect_err("it takes longer");
    timeout(Duration::from_secs(1), flowkit::map([60; 3], nap).into_future()).await.expect_err("it takes longer");
    "done"
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_drops_a_subflow_or_a_map_ends_after_everything_in_them() {
    let lab = Lab::default();
    lab.run(async {
        assert_eq!(drops_a_subflow().await.expect("it goes on"), "done");
        assert!(lab.all_tasks().iter().all(|run| run.state().is_cancelled()));
        assert_eq!(seconds(&lab.flow("drops-a-subflow").states()), [0, 0, 4]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_that_is_awaited_with_a_question_mark_fails_its_flow() {
    let lab = Lab::default();
    let error = lab.run(async { loses_a_task().await }).await.expect_err("its task was cancelled");
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(lab.flow("loses-a-task").state().name(), "Failed", "nobody cancelled the flow itself");
}

#[flow]
async fn loses_a_task() -> flowkit::Result<u64> {
    let future = nap(9).submit();
    future.cancel();
    future.await
}

/// The future of a run that is to cancel itself.
static OWN: Mutex<Option<FlowFuture<u32>>> = Mutex::new(None);

#[flow]
async fn cancels_itself() -> flowkit::Result<u32> {
    OWN.lock().expect("nobody panics").take().expect("it is submitted").cancel();
    nap(1).await?;
    Ok(7)
}

#[tokio::test(start_paused = true)]
async fn a_flow_cancelled_before_its_first_wait_is_cancelled_and_not_failed() {
    let lab = Lab::default();
    let state = lab
        .run(async {
            let own = cancels_itself().submit();
            *OWN.lock().expect("nobody panics") = Some(own.clone());
            own.wait().await
        })
        .await;
    assert_eq!(state.expect("it was made").name(), "Cancelled");
    assert!(lab.task("nap").state().is_cancelled());
}
