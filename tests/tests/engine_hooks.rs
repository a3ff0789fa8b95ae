//! What is called when a run enters a state, and what that changes: nothing.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{HookContext, Level, runtime};
use flowkit_tests::lab::{Lab, path};
use tokio::time::sleep;

/// Leaves a line in the run's log, so that each lab knows what was called in it.
fn note(context: HookContext) {
    tracing::info!("note {:?} {}", context.kind(), context.state().name());
}

async fn slow_note(context: HookContext) {
    sleep(Duration::from_secs(5)).await;
    note(context);
}

async fn refuse(_: HookContext) -> anyhow::Result<()> {
    anyhow::bail!("no such channel")
}

fn explode(_: HookContext) {
    panic!("boom")
}

async fn explode_later(_: HookContext) -> Result<(), String> {
    sleep(Duration::from_secs(1)).await;
    panic!("late boom")
}

async fn compare(context: HookContext) {
    let run = runtime::task_run().expect("a hook is in the run");
    assert_eq!((run.id().uuid(), run.name()), (context.id(), context.name().to_owned()));
    assert_eq!(&run.state(), context.state());
    tracing::info!("compared");
}

#[task(
    retries = 1,
    on_running = note,
    on_completion = note,
    on_failure = [note, slow_note],
    on_cancellation = note,
    on_crashed = note
)]
async fn work(failures: u32) -> Result<u32, String> {
    let attempt = runtime::task_run().expect("a body is in a run").effort().run_count;
    tracing::info!("note body");
    if attempt <= failures { Err("not yet".to_owned()) } else { Ok(attempt) }
}

#[flow(retries = 1, on_running = slow_note, on_completion = note, on_failure = note, on_cancellation = slow_note)]
async fn report(fail: bool, wait: u64) -> Result<(), String> {
    tracing::info!("note body");
    sleep(Duration::from_secs(wait)).await;
    if fail { Err("broken".to_owned()) } else { Ok(()) }
}

#[task(timeout = "1s", on_failure = self::note)]
fn blocking(fail: bool) -> Result<(), String> {
    if fail { Err("broken".to_owned()) } else { Ok(()) }
}

#[task(timeout = "1s", on_failure = note, on_cancellation = note)]
async fn endless() {
    std::future::pending().await
}

#[task(on_running = explode, on_completion = [refuse, explode, explode_later, note])]
async fn unlucky() -> u32 {
    7
}

#[task(on_completion = compare)]
async fn watched() {}

/// Returns what the hooks and bodies have noted, in order.
fn notes(lab: &Lab) -> Vec<String> {
    lab.logs().iter().filter_map(|record| Some(record.message.strip_prefix("note ")?.to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn each_attempt_and_the_end_of_a_task_call_their_hooks() {
    let lab = Lab::default();
    lab.run(async { work(1).await }).await.expect("the second attempt succeeds");
    assert_eq!(notes(&lab), ["Task Running", "body", "Task Retrying", "body", "Task Completed"]);
}

#[tokio::test(start_paused = true)]
async fn several_hooks_follow_each_other_before_the_caller_has_the_result() {
    let lab = Lab::default();
    let started = tokio::time::Instant::now();
    lab.run(async { work(9).await }).await.expect_err("it fails");
    assert_eq!(started.elapsed().as_secs(), 5);
    assert_eq!(notes(&lab)[4..], ["Task Failed", "Task Failed"]);
    let submitted = tokio::time::Instant::now();
    lab.run(async { work(9).submit().await }).await.expect_err("it fails");
    assert_eq!(submitted.elapsed().as_secs(), 5, "a submitted task is no different");
}

#[tokio::test(start_paused = true)]
async fn each_attempt_and_the_end_of_a_flow_call_their_hooks() {
    let lab = Lab::default();
    lab.run(async { report(true, 0).await }).await.expect_err("it fails");
    assert_eq!(notes(&lab), ["Flow Running", "body", "Flow Retrying", "body", "Flow Failed"]);
    let lab = Lab::default();
    lab.run(async { report(false, 0).await }).await.expect("it succeeds");
    assert_eq!(notes(&lab), ["Flow Running", "body", "Flow Completed"]);
}

#[tokio::test(start_paused = true)]
async fn blocking_tasks_and_timeouts_call_the_hooks_for_failures() {
    let lab = Lab::default();
    lab.run(async {
        let _ = blocking(true).await;
        let _ = blocking(false).await;
        let _ = endless().await;
    })
    .await;
    assert_eq!(notes(&lab), ["Task Failed", "Task TimedOut"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_calls_its_hooks_to_their_end() {
    let lab = Lab::default();
    lab.run(async {
        let task = endless().submit();
        tokio::task::yield_now().await;
        task.cancel();
        assert!(task.await.is_err_and(|error| error.is_cancelled()));
        let flow = report(false, 60).submit();
        sleep(Duration::from_secs(9)).await;
        flow.cancel();
        assert!(flow.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    assert_eq!(notes(&lab), ["Task Cancelled", "Flow Running", "body", "Flow Cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_is_one_line_of_error_and_changes_nothing() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { unlucky().await }).await.expect("hooks change nothing"), 7);
    assert_eq!(path(&lab.task("unlucky").states()), "Pending > Running > Completed");
    assert_eq!(notes(&lab), ["Task Completed"], "the hooks after it are called");
    let errors: Vec<_> = lab.logs().into_iter().filter(|record| record.level == Level::Error).collect();
    let hooks = ["explode", "refuse", "explode", "explode_later"];
    let why = ["boom", "no such channel", "boom", "late boom"];
    assert_eq!(errors.len(), 4);
    for ((record, hook), why) in errors.iter().zip(hooks).zip(why) {
        let start = format!("An error was encountered while running hook '{hook}': ");
        assert!(record.message.starts_with(&start) && record.message.ends_with(why), "{}", record.message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_is_in_the_run_and_knows_it() {
    let lab = Lab::default();
    lab.run(async { watched().name("seen").await }).await.expect("it succeeds");
    let record = lab.log("compared");
    assert_eq!(record.task_run_id, Some(lab.task("watched").id()));
    lab.log("Running hook 'compare' in response to entering state 'Completed'");
    lab.log("Hook 'compare' finished running successfully");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_never_started_calls_no_hook() {
    let lab = Lab::default();
    lab.run(async {
        let failed = blocking(true).submit();
        let _ = work(0).wait_for(&failed).await;
    })
    .await;
    assert_eq!(notes(&lab), ["Task Failed"], "only that of the one it waited for");
}

fn describe(context: HookContext) {
    let flow_run = context.flow_run().expect("it is in a flow");
    let task = context.task_run().map_or("no task", |run| run.task().name);
    tracing::info!("{task} in {} {} {:?}", flow_run.flow_name(), flow_run.parameters(), flow_run.tags());
}

#[task(on_completion = describe)]
async fn described(n: u32) -> u32 {
    n
}

#[flow(on_completion = describe, tags = ["nightly"])]
async fn describing(n: u32) -> flowkit::Result<u32> {
    described(n).await
}

#[tokio::test(start_paused = true)]
async fn a_hook_knows_the_flow_its_parameters_and_its_tags() {
    let lab = Lab::default();
    lab.run(async { describing(4).await }).await.expect("it succeeds");
    lab.log("described in describing {\"n\":4} [\"nightly\"]");
    lab.log("no task in describing {\"n\":4} [\"nightly\"]");
}
