//! Waiting for some of many runs, for a while, and for runs that may fail.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, Runtime, TaskInput};
use futures::{Stream, StreamExt};
use tokio::time::{Instant, sleep};

#[task]
async fn nap(seconds: u64) -> u64 {
    sleep(Duration::from_secs(seconds)).await;
    seconds
}

#[task]
async fn fail(after: u64) -> Result<u64, String> {
    sleep(Duration::from_secs(after)).await;
    Err(format!("boom {after}"))
}

#[task]
async fn report(one: Result<u64, flowkit::Error>, other: Result<u64, flowkit::Error>) -> Vec<String> {
    [one, other].map(|outcome| outcome.map_or_else(|error| error.chain(), |value| value.to_string())).to_vec()
}

#[task]
async fn is_cancelled(outcome: Result<u64, flowkit::Error>) -> bool {
    outcome.is_err_and(|error| error.is_cancelled())
}

#[flowkit::test]
async fn allow_failure_gives_a_task_the_error_or_the_value_of_its_upstream() -> flowkit::Result<()> {
    let (bad, good) = (fail(3).name("bad").submit(), nap(2).submit());
    let texts = report(flowkit::allow_failure(&bad), flowkit::allow_failure(&good)).await?;
    assert_eq!(texts, ["task run 'bad' failed: boom 3", "2"]);
    Ok(())
}

#[flowkit::test]
async fn an_upstream_that_may_fail_is_an_edge_of_the_run_graph(runtime: Runtime) -> flowkit::Result<()> {
    let (bad, good) = (fail(0).submit(), nap(0).submit());
    report(flowkit::allow_failure(&bad), flowkit::allow_failure(&good)).await?;
    let runs = runtime.history().expect("it is in memory").task_runs();
    let report = runs.iter().find(|run| run.task().name == "report").expect("it ran");
    let edges = [("one", vec![TaskInput::TaskRun(bad.id())]), ("other", vec![TaskInput::TaskRun(good.id())])];
    assert_eq!(report.inputs(), edges);
    Ok(())
}

#[flowkit::test]
async fn allow_failure_lets_a_cancelled_upstream_through_and_a_plain_result_is_an_argument_too() {
    let upstream = nap(60).submit();
    upstream.cancel();
    assert_eq!(is_cancelled(flowkit::allow_failure(&upstream)).await.ok(), Some(true));
    assert_eq!(is_cancelled(Ok(5)).await.ok(), Some(false));
}

#[flowkit::test]
async fn wait_parts_futures_that_are_done_from_those_that_are_not() -> flowkit::Result<()> {
    let futures = vec![nap(9).submit(), fail(1).submit(), nap(2).submit()];
    let begin = Instant::now();
    let (done, pending) = flowkit::wait(&futures, "5s").await?;
    assert_eq!(begin.elapsed().as_secs(), 5);
    let ids = |futures: &[TaskFuture<u64>]| futures.iter().map(TaskFuture::id).collect::<Vec<_>>();
    assert_eq!(ids(&done), [futures[1].id(), futures[2].id()]);
    assert_eq!(ids(&pending), [futures[0].id()]);
    assert_eq!((&pending[0]).await?, 9, "it went on");
    Ok(())
}

#[flowkit::test]
async fn wait_returns_as_soon_as_all_are_done() -> flowkit::Result<()> {
    let begin = Instant::now();
    let mapped = flowkit::map([1, 2, 3], nap).submit();
    let (done, pending) = flowkit::wait(&mapped, Duration::from_secs(3600)).await?;
    assert_eq!((done.len(), pending.len(), begin.elapsed().as_secs()), (3, 0, 3));
    let (done, pending) = flowkit::wait(Vec::<TaskFuture<u64>>::new(), 5).await?;
    assert!(done.is_empty() && pending.is_empty());
    let wrong = flowkit::wait(&done, "5 parsecs").await.expect_err("that is no time");
    assert_eq!(wrong.kind(), ErrorKind::Definition);
    Ok(())
}

#[flowkit::test]
async fn as_completed_gives_futures_in_the_order_in_which_their_runs_end() {
    let futures = [nap(3).submit(), fail(2).submit(), nap(1).submit()];
    let begin = Instant::now();
    let mut ended = flowkit::as_completed(&futures);
    assert_eq!(ended.size_hint(), (3, Some(3)));
    let mut seen = Vec::new();
    while let Some(future) = ended.next().await {
        assert!(future.is_done());
        seen.push((begin.elapsed().as_secs(), future.await.ok()));
    }
    assert_eq!(seen, [(1, Some(1)), (2, None), (3, Some(3))]);
}

#[flowkit::test]
async fn resolve_all_gives_values_in_order_or_the_first_failure_in_order() -> flowkit::Result<()> {
    let futures: Vec<_> = [2, 1].map(|seconds| nap(seconds).submit()).into();
    assert_eq!(flowkit::resolve_all(futures).await?, [2, 1]);
    let begin = Instant::now();
    let error = flowkit::resolve_all([nap(1).submit(), fail(5).submit(), fail(2).submit()]).await;
    assert_eq!(error.expect_err("two fail").own_as::<String>().map(String::as_str), Some("boom 5"));
    assert_eq!(begin.elapsed().as_secs(), 5);
    Ok(())
}

#[flowkit::test]
async fn wait_timeout_gives_the_result_or_up_and_the_run_goes_on() -> flowkit::Result<()> {
    let future = nap(60).name("long").submit();
    let error = future.wait_timeout("5s").await.expect_err("it takes a minute");
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "task run 'long' has not ended within 5.0 second(s)");
    assert_eq!(future.state().name(), "Running");
    assert_eq!(future.wait_timeout(Duration::from_secs(60)).await?, 60);
    let failed = fail(1).submit().wait_timeout(2).await.expect_err("it fails");
    assert_eq!(failed.kind(), ErrorKind::Failed);
    Ok(())
}
