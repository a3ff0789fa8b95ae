//! What code learns and passes on without an argument: cancellation and tags.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::runtime::{cancelled, is_cancelled};
use flowkit::{Runtime, tags};
use tokio::time::{sleep, timeout};

#[task]
async fn last_words(said: Arc<AtomicBool>) {
    assert!(!is_cancelled());
    cancelled().await;
    said.store(is_cancelled(), Ordering::Relaxed);
    sleep(Duration::from_secs(60)).await;
    panic!("it has only one turn");
}

#[task]
fn spins(ended: Arc<AtomicBool>) -> u32 {
    while !is_cancelled() {
        std::thread::yield_now();
    }
    ended.store(true, Ordering::Release);
    0
}

#[flow]
async fn waits_for_its_end() {
    cancelled().await;
    tracing::info!("the flow was told");
}

#[flowkit::test]
async fn a_body_learns_that_its_run_is_cancelled_and_has_one_turn() {
    let said = Arc::new(AtomicBool::new(false));
    let future = last_words(Arc::clone(&said)).submit();
    sleep(Duration::from_secs(5)).await;
    assert!(!said.load(Ordering::Relaxed));
    future.cancel();
    assert!(future.wait().await.is_cancelled());
    assert!(said.load(Ordering::Relaxed));
}

#[flowkit::test]
async fn a_blocking_body_learns_that_its_run_is_cancelled() {
    let ended = Arc::new(AtomicBool::new(false));
    let future = spins(Arc::clone(&ended)).submit();
    tokio::task::yield_now().await;
    future.cancel();
    assert!(future.wait().await.is_cancelled());
    while !ended.load(Ordering::Acquire) {
        tokio::task::yield_now().await;
    }
}

#[flowkit::test]
async fn a_flow_learns_that_it_is_cancelled(runtime: Runtime) {
    let future = waits_for_its_end().submit();
    sleep(Duration::from_secs(1)).await;
    future.cancel();
    let _ = future.await;
    assert!(runtime.history().expect("it is in memory").logs().iter().any(|line| line.message == "the flow was told"));
}

#[flowkit::test]
async fn outside_of_any_run_nothing_is_ever_cancelled() {
    assert!(!is_cancelled());
    timeout(Duration::from_secs(3600), cancelled()).await.expect_err("it waits for ever");
}

#[task(tags = ["net"])]
async fn tagged() -> Vec<String> {
    flowkit::runtime::task_run().map(|run| run.tags().to_vec()).unwrap_or_default()
}

#[task]
async fn plain() -> Vec<String> {
    flowkit::runtime::task_run().map(|run| run.tags().to_vec()).unwrap_or_default()
}

#[flow(tags = ["daily"])]
async fn inner() -> flowkit::Result<Vec<String>> {
    let mut all = flowkit::runtime::flow_run().map(|run| run.tags().to_vec()).unwrap_or_default();
    all.push("then".to_owned());
    all.extend(plain().await?);
    Ok(all)
}

#[flowkit::test]
async fn scoped_tags_add_to_those_of_definition_and_call_without_doubles() -> flowkit::Result<()> {
    let scope = tags(["b", "net", "a"]);
    assert_eq!(scope.clone().scope(async { tagged().await }).await?, ["a", "b", "net"]);
    assert_eq!(scope.clone().scope(async { tagged().tags(["c"]).await }).await?, ["a", "b", "c", "net"]);
    assert_eq!(scope.scope(async { plain().await }).await?, ["a", "b", "net"]);
    assert_eq!(plain().await?, [""; 0]);
    Ok(())
}

#[flowkit::test]
async fn scoped_tags_reach_submitted_and_mapped_tasks_and_add_up_when_nested() -> flowkit::Result<()> {
    let all = tags(["a"]).scope(async {
        let outer = plain().submit();
        let both = tags(["b"]).scope(async { plain().submit() }).await;
        let mapped = flowkit::map(0..2, |_| plain()).submit();
        flowkit::Result::Ok((outer.await?, both.await?, mapped.await?))
    });
    let (outer, both, mapped) = all.await?;
    assert_eq!((outer, both), (vec!["a".to_owned()], vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(mapped, [["a"], ["a"]]);
    Ok(())
}

#[flowkit::test]
async fn scoped_tags_are_those_of_a_flow_and_of_everything_in_it(runtime: Runtime) -> flowkit::Result<()> {
    let all = tags(["a"]).scope(async { inner().await }).await?;
    assert_eq!(all, ["a", "daily", "then", "a"]);
    assert_eq!(runtime.history().expect("it is in memory").flow_runs()[0].tags(), ["a", "daily"]);
    Ok(())
}
