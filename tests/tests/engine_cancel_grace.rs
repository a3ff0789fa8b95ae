//! What code that is told to stop may still do, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::runtime::{cancelled, is_cancelled};
use flowkit_tests::lab::{Lab, path, seconds};
use tokio::time::sleep;

type Count = Arc<AtomicU32>;

async fn after(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

/// Notes that it got to the end of its last words, which take a while.
#[task]
async fn tidy(takes: u64, tidied: Count) {
    cancelled().await;
    after(takes).await;
    tidied.fetch_add(1, Ordering::Relaxed);
}

#[task]
async fn nap(seconds: u64) {
    after(seconds).await;
}

#[task]
async fn calls_tidy(tidied: Count) -> flowkit::Result<()> {
    tidy(5, tidied).await
}

#[flow]
async fn awaits_tidy() -> flowkit::Result<()> {
    tidy(5, Count::default()).await
}

#[tokio::test(start_paused = true)]
async fn a_body_that_listens_may_end_by_itself_and_is_cancelled() {
    let (lab, tidied) = (Lab::default(), Count::default());
    lab.run(async {
        let future = tidy(5, Arc::clone(&tidied)).submit();
        after(2).await;
        future.cancel();
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    let run = lab.task("tidy");
    assert_eq!((path(&run.states()), seconds(&run.states())), ("Pending > Running > Cancelled".into(), vec![0, 0, 7]));
    assert_eq!(tidied.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_listens_is_dropped_after_the_grace() {
    let (lab, tidied) = (Lab::default(), Count::default());
    lab.run(async {
        let future = tidy(60, Arc::clone(&tidied)).submit();
        after(2).await;
        future.cancel();
        assert!(future.wait().await.is_cancelled());
    })
    .await;
    assert_eq!(seconds(&lab.task("tidy").states()), [0, 0, 32]);
    assert_eq!(tidied.load(Ordering::Relaxed), 0);
    lab.log("It did not end by itself within 30.0 second(s) and is dropped");
}

#[tokio::test(start_paused = true)]
async fn asking_once_is_enough_to_be_given_time() {
    let lab = Lab::default();
    lab.run(async {
        let future = asks_early().submit();
        after(2).await;
        future.cancel();
        future.wait().await;
    })
    .await;
    assert_eq!(seconds(&lab.task("asks_early").states()), [0, 0, 9]);
}

#[task]
async fn asks_early() {
    assert!(!is_cancelled());
    after(9).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_is_not_dropped_while_a_task_that_it_awaits_listens() {
    let (lab, tidied) = (Lab::default(), Count::default());
    lab.run(async {
        let future = calls_tidy(Arc::clone(&tidied)).submit();
        after(2).await;
        future.cancel();
        assert!(future.wait().await.is_cancelled());
    })
    .await;
    assert_eq!(tidied.load(Ordering::Relaxed), 1);
    for name in ["tidy", "calls_tidy"] {
        assert_eq!(seconds(&lab.task(name).states()), [0, 0, 7], "{name}");
    }
}

#[flow]
async fn many_tidy() -> flowkit::Result<()> {
    let listening = (0..200).map(|_| std::future::IntoFuture::into_future(tidy(5, Count::default())));
    futures::future::join_all(listening).await.into_iter().collect()
}

#[tokio::test(start_paused = true)]
async fn a_flow_is_cancelled_after_the_tasks_that_it_awaits() {
    let lab = Lab::default();
    lab.run(async {
        let future = many_tidy().submit();
        after(2).await;
        future.cancel();
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    assert!(lab.tasks("tidy").iter().all(|run| run.state().message() == Some("Task run was cancelled.")));
    assert_eq!(seconds(&lab.flow("many-tidy").states()), [0, 0, 7]);
}

#[flow]
async fn parent() -> flowkit::Result<()> {
    awaits_tidy().await
}

#[tokio::test(start_paused = true)]
async fn the_deepest_run_ends_first() {
    let lab = Lab::default();
    lab.run(async {
        let future = parent().submit();
        after(2).await;
        future.cancel();
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    let ends = [lab.task("tidy").state(), lab.flow("awaits-tidy").state(), lab.flow("parent").state()];
    assert!(ends.iter().all(|state| state.is_cancelled()));
    assert!(ends.is_sorted_by_key(|state| state.timestamp()), "{ends:?}");
}

#[tokio::test(start_paused = true)]
async fn the_hooks_of_an_awaited_task_run_before_its_flow_ends() {
    static CALLED: AtomicU32 = AtomicU32::new(0);
    async fn slowly(_: flowkit::HookContext) {
        after(3).await;
        CALLED.fetch_add(1, Ordering::Relaxed);
    }
    #[task(on_cancellation = slowly)]
    async fn hooked() {
        after(60).await;
    }
    #[flow(on_cancellation = slowly)]
    async fn awaits_hooked() -> flowkit::Result<()> {
        hooked().await
    }
    let lab = Lab::default();
    lab.run(async {
        let future = awaits_hooked().submit();
        after(1).await;
        future.cancel();
        let _ = future.await;
    })
    .await;
    assert_eq!(CALLED.load(Ordering::Relaxed), 2);
    assert_eq!(seconds(&lab.flow("awaits-hooked").states()), [0, 0, 4]);
}

#[task]
fn block(release: Arc<std::sync::Mutex<mpsc::Receiver<()>>>) {
    let _ = release.lock().map(|release| release.recv());
}

#[task]
fn block_until_asked(started: mpsc::Sender<()>) {
    let _ = started.send(());
    while !is_cancelled() {
        std::thread::yield_now();
    }
}

#[tokio::test(start_paused = true)]
async fn blocking_code_that_does_not_listen_does_not_hold_its_flow_and_is_named() {
    #[flow]
    async fn blocks(nothing: ()) -> flowkit::Result<()> {
        let (release, held) = mpsc::channel();
        let future = block(Arc::new(std::sync::Mutex::new(held))).submit();
        future.cancel();
        assert!(future.clone().await.is_err_and(|error| error.is_cancelled()));
        let (started, starting) = mpsc::channel();
        let other = block(Arc::new(std::sync::Mutex::new(starting))).submit();
        while other.state().name() != "Running" {
            tokio::task::yield_now().await;
        }
        other.cancel();
        assert!(other.await.is_err_and(|error| error.is_cancelled()));
        drop((release, started));
        Ok(nothing)
    }
    let lab = Lab::default();
    lab.run(async { blocks(()).await }).await.expect("nobody cancelled the flow");
    let line =
        "Blocking code cannot be stopped from outside: it goes on unseen until it ends or asks whether it is cancelled";
    assert!(lab.log(line).task_run_id.is_some());
}

#[tokio::test]
async fn blocking_code_that_asks_ends_by_itself() {
    let lab = Lab::default();
    lab.run(async {
        let (started, starting) = mpsc::channel();
        let future = block_until_asked(started).submit();
        tokio::task::spawn_blocking(move || starting.recv()).await.expect("no panic").expect("it starts");
        future.cancel();
        assert!(future.wait().await.is_cancelled());
    })
    .await;
    assert_eq!(path(&lab.task("block_until_asked").states()), "Pending > Running > Cancelled");
}

#[task(timeout = "3s")]
async fn times_out() {
    drop(nap(60).submit());
    after(70).await;
}

#[task]
async fn submits_and_waits() {
    drop(nap(60).submit());
    after(70).await;
}

#[flow]
async fn goes_on() {
    let _ = times_out().await;
    let dropped = std::future::IntoFuture::into_future(submits_and_waits());
    let _ = tokio::time::timeout(Duration::from_secs(2), dropped).await;
    after(1).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_task_has_submitted_is_cancelled_with_it_when_it_times_out_or_is_dropped() {
    let lab = Lab::default();
    lab.run(async { goes_on().await }).await.expect("it goes on");
    let naps: Vec<_> =
        lab.tasks("nap").iter().map(|run| (run.state().is_cancelled(), seconds(&run.states())[2])).collect();
    assert_eq!(naps, [(true, 3), (true, 2)]);
    assert_eq!(seconds(&lab.flow("goes-on").states()), [0, 0, 6]);
}

#[test]
fn a_timeout_without_timers_is_one_clear_error() {
    #[task(timeout = "3s")]
    async fn hasty() {}
    #[flow(retries = 1, retry_delay = "1s")]
    async fn patient() {}
    let lab = Lab::default();
    let no_timers = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let expected = |who: &str| {
        format!(
            "{who} has a timeout or a delay before retries, and there are no timers here: run it on a tokio runtime that is \
             built with `enable_time` or `enable_all`, as `#[tokio::main]` does"
        )
    };
    no_timers.block_on(lab.run(async {
        let error = hasty().await.expect_err("there are no timers");
        assert_eq!((error.kind(), error.to_string()), (flowkit::ErrorKind::Definition, expected("task `hasty`")));
        let error = patient().await.expect_err("there are no timers");
        assert_eq!((error.kind(), error.to_string()), (flowkit::ErrorKind::Definition, expected("flow `patient`")));
        let plain = nap(0).retries(0).submit();
        let error = plain.wait_timeout("1s").await.expect_err("there are no timers");
        assert!(error.to_string().starts_with("`wait_timeout` has a timeout, and there are no timers here"), "{error}");
        plain.cancel();
    }));
    let ended = futures::FutureExt::now_or_never(lab.run(async { hasty().await }));
    let error = ended.expect("it does not wait").expect_err("there is no runtime");
    assert_eq!(error.to_string(), expected("task `hasty`"));
}
