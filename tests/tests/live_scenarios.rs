//! Prefect's own integration scenarios, told in Rust against the same server.
//!
//! Results that another process reads back are in `live_results.rs`, suspension in `live_pause.rs`.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use expect_test::{Expect, expect};
use flowkit::prelude::*;
use flowkit::{HookContext, Runtime, pause_flow_run};
use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::suite::{Detail, Stage, draw, server as observed};
use serde_json::{Value, json};

/// Runs a program that reports to the server that these tests share, and shows what came of it.
fn told<T, F>(program: impl FnOnce(&'static LiveServer, Stage) -> F, expected: &Expect)
where
    T: std::fmt::Debug,
    F: Future<Output = T>,
{
    let Some(server) = live::server() else { return };
    let builder = Runtime::builder().server(server.api_url()).spool(server.spool());
    let runtime = builder.leave_signals_alone().build().expect("the address is sound");
    let threads = tokio::runtime::Runtime::new().expect("a runtime starts");
    let stage = Stage::of(&runtime);
    let outcome = format!("{:?}", threads.block_on(runtime.run(program(server, stage.clone()))));
    let mut last = String::new();
    for _ in 0..120 {
        if let Some(facts) = observed::runs(server, &stage.roots()) {
            last = draw(&facts, &outcome, Detail::Runs);
            if last.trim() == dedented(expected.data()).trim() {
                return;
            }
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    expected.assert_eq(&last);
}

fn dedented(text: &str) -> String {
    let indent = text.lines().filter(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start().len());
    let indent = indent.min().unwrap_or(0);
    text.lines().map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Sets the state of a flow run as the UI does, and asks again while the server is busy.
async fn set_state(server: &'static LiveServer, run: String, state: Value) {
    let path = format!("/flow_runs/{run}/set_state");
    post(server, path, json!({"state": state, "force": false})).await;
}

async fn post(server: &'static LiveServer, path: String, body: Value) {
    let asking = move || {
        server.eventually(&path, |server| {
            let reply = server.send("POST", &path, Some(&body)).ok()?;
            assert!(reply.status < 300 || reply.status == 503, "{}", reply.body);
            (reply.status < 300).then_some(())
        });
    };
    tokio::task::spawn_blocking(asking).await.expect("it does not panic");
}

async fn until_state(future: &FlowFuture<u32>, state: &str) -> String {
    flowkit_tests::suite::until_flow(future, state).await;
    future.run().expect("it has begun").id().to_string()
}

static SAD: AtomicU32 = AtomicU32::new(0);

#[task(retries = 10)]
async fn sad_task() -> Result<u32, String> {
    if SAD.fetch_add(1, Ordering::Relaxed) < 2 { Err("sad".to_owned()) } else { Ok(1) }
}

#[flow]
async fn task_retries() -> flowkit::Result<u32> {
    sad_task().await
}

#[test]
fn a_task_that_fails_twice_is_run_three_times() {
    told(
        |_, stage| async move { stage.flow(task_retries()).await },
        &expect![[r#"
        flow task-retries: Pending > Running > Completed
          sad_task-*: Pending > Running > Retrying > Retrying > Completed
        = Ok(1)
    "#]],
    );
}

static HAPPY: AtomicU32 = AtomicU32::new(0);

#[task]
async fn happy_task() -> u32 {
    HAPPY.fetch_add(1, Ordering::Relaxed) + 1
}

#[flow(retries = 10)]
async fn flow_retries() -> anyhow::Result<u32> {
    let first = happy_task().await?;
    anyhow::ensure!(attempt() >= 3, "retry me");
    Ok(first + 1)
}

/// How often the flow at hand was started.
fn attempt() -> u32 {
    flowkit::runtime::flow_run().map_or(0, |run| run.effort().run_count)
}

#[test]
fn a_flow_that_fails_twice_runs_its_finished_task_once() {
    told(
        |_, stage| async move { stage.flow(flow_retries()).await },
        &expect![[r#"
        flow flow-retries: Pending > Running > AwaitingRetry+0(Flow run encountered an exception: retry me) > Retrying > AwaitingRetry+0(Flow run encountered an exception: retry me) > Retrying > Completed
          2 x happy_task-*: Pending > Running > Cached(Taken from an earlier attempt of the flow run.)
          happy_task-*: Pending > Running > Completed
        = Ok(2)
    "#]],
    );
}

static CHILDREN: AtomicU32 = AtomicU32::new(0);
static PARENTS: AtomicU32 = AtomicU32::new(0);

#[flow]
async fn retried_child() -> anyhow::Result<String> {
    CHILDREN.fetch_add(1, Ordering::Relaxed);
    anyhow::ensure!(PARENTS.load(Ordering::Relaxed) >= 2, "not at the first time");
    Ok("hello".to_owned())
}

#[flow(retries = 10)]
async fn retried_parent() -> anyhow::Result<String> {
    PARENTS.fetch_add(1, Ordering::Relaxed);
    let said = retried_child().await?;
    anyhow::ensure!(attempt() >= 3, "once more");
    Ok(said)
}

#[test]
fn a_retried_flow_runs_a_failed_subflow_again_and_a_finished_one_not() {
    let program = |_, stage: Stage| async move {
        let said = stage.flow(retried_parent()).await?;
        Ok::<_, flowkit::Error>((said, PARENTS.load(Ordering::Relaxed), CHILDREN.load(Ordering::Relaxed)))
    };
    told(
        program,
        &expect![[r#"
        flow retried-parent: Pending > Running > AwaitingRetry+0(Flow run encountered an exception: flow run '~retried-child~' failed: not at the first time) > Retrying > AwaitingRetry+0(Flow run encountered an exception: once more) > Retrying > Completed
          retried-child-0: Pending > Pending > Running > Failed(Flow run encountered an exception: not at the first time)
            flow retried-child: Pending > Running > Failed(Flow run encountered an exception: not at the first time)
          retried-child-1: Pending > Pending > Running > Completed
            flow retried-child: Pending > Running > Completed
        = Ok(("hello", 3, 2))
    "#]],
    );
}

#[task]
async fn twice(n: u32) -> u32 {
    n * 2
}

#[flow]
async fn paused_between_tasks() -> flowkit::Result<u32> {
    let first = twice(2).await?;
    pause_flow_run().poll_interval("200ms").await?;
    twice(first).await
}

#[test]
fn a_flow_is_paused_between_two_tasks_and_resumed() {
    let program = |server, stage: Stage| async move {
        let future = paused_between_tasks().submit();
        let run = until_state(&future, "Paused").await;
        stage.saw(&future);
        post(server, format!("/flow_runs/{run}/resume"), json!({})).await;
        future.await
    };
    told(
        program,
        &expect![[r#"
        flow paused-between-tasks: Pending > Running > Paused > Running > Completed
          2 x twice-*: Pending > Running > Completed
        = Ok(8)
    "#]],
    );
}

#[task]
async fn say_hello(name: String) {
    tracing::info!("Hello {name}!");
}

#[flow]
async fn hello(name: String, count: u32) -> flowkit::Result<()> {
    flowkit::map(0..count, |n| say_hello(format!("{name}-{n}"))).submit().await.map(drop)
}

#[test]
fn a_flow_says_hello_by_mapped_tasks() {
    told(
        |_, stage| async move { stage.flow(hello("world".to_owned(), 3)).await },
        &expect![[r#"
        flow hello {"count":3,"name":"world"}: Pending > Running > Completed
          3 x say_hello-*: Pending > Running > Completed
        = Ok(())
    "#]],
    );
}

#[task]
async fn dummy_task(n: u64) -> u64 {
    tokio::time::sleep(Duration::from_millis(n * 7 % 60)).await;
    n
}

#[flow]
async fn dummy_child(tasks: u64) -> flowkit::Result<()> {
    flowkit::map(0..tasks, dummy_task).await.map(drop)
}

#[flow]
async fn dummy_parent(subflows: u32, tasks: u64) -> flowkit::Result<()> {
    let children: Vec<_> = (0..subflows).map(|_| dummy_child(tasks).submit()).collect();
    for child in children {
        child.await?;
    }
    Ok(())
}

#[test]
fn ten_subflows_of_ten_tasks_run_side_by_side() {
    told(
        |_, stage| async move { stage.flow(dummy_parent(10, 10)).await },
        &expect![[r#"
        flow dummy-parent {"subflows":10,"tasks":10}: Pending > Running > Completed
          dummy-child-0: Pending > Pending > Running > Completed
            flow dummy-child {"tasks":10}: Pending > Running > Completed
              10 x dummy_task-*: Pending > Running > Completed
          dummy-child-1: Pending > Pending > Running > Completed
            flow dummy-child {"tasks":10}: Pending > Running > Completed
              10 x dummy_task-*: Pending > Running > Completed
          dummy-child-2: Pending > Pending > Running > Completed
            flow dummy-child {"tasks":10}: Pending > Running > Completed
              10 x dummy_task-*: Pending > Running > Completed
          dummy-child-3: Pending > Pending > Running > Completed
            flow dummy-child {"tasks":10}: Pending > Running > Completed
              10 x dummy_task-*: Pending > Running > Completed
          dummy-child-4: Pending > Pending > Running > Completed
            flow dummy-child {"tasks":10}: Pending > Running > Completed
              10 x dummy_task-*: Pending > Running > Completed
          dummy-child-5: Pending > Pending > Running > Completed
            flow dummy-child {"tasks":10}: Pending > Running > Completed
              10 x dummy_task-*: Pending > Running > Completed
          dummy-child-6: Pending > Pending > Running > Completed
            flow dummy-child {"tasks":10}: Pending > Running > Completed
              10 x dummy_task-*: Pending > Running > Completed
          dummy-child-7: Pending > Pending > Running > Completed
            flow dummy-child {"tasks":10}: Pending > Running > Completed
              10 x dummy_task-*: Pending > Running > Completed
          dummy-child-8: Pending > Pending > Running > Completed
            flow dummy-child {"tasks":10}: Pending > Running > Completed
              10 x dummy_task-*: Pending > Running > Completed
          dummy-child-9: Pending > Pending > Running > Completed
            flow dummy-child {"tasks":10}: Pending > Running > Completed
              10 x dummy_task-*: Pending > Running > Completed
        = Ok(())
    "#]],
    );
}

static HOOKS: AtomicU32 = AtomicU32::new(0);
static TOLD: AtomicU32 = AtomicU32::new(0);
static STARTED: AtomicU32 = AtomicU32::new(0);

fn count_hook(_: HookContext) {
    HOOKS.fetch_add(1, Ordering::Relaxed);
}

#[flow(on_cancellation = count_hook)]
async fn cancelled_child() -> u32 {
    let helper = tokio::spawn(flowkit::runtime::in_current_run(async {
        STARTED.fetch_add(1, Ordering::Relaxed);
        flowkit::runtime::cancelled().await;
        TOLD.fetch_add(1, Ordering::Relaxed)
    }));
    // It ends when its helper does; else the helper, which listens, would have its grace for nothing.
    helper.await.unwrap_or_default()
}

#[flow(on_cancellation = count_hook)]
async fn cancelled_parent() -> flowkit::Result<u32> {
    cancelled_child().await
}

#[test]
fn a_flow_cancelled_at_the_server_cancels_its_subflow_and_calls_the_hooks_of_both() {
    let program = |server, stage: Stage| async move {
        let future = cancelled_parent().submit();
        flowkit_tests::suite::until(|| STARTED.load(Ordering::Relaxed) == 1).await;
        let run = until_state(&future, "Running").await;
        stage.saw(&future);
        set_state(server, run, json!({"type": "CANCELLING", "name": "Cancelling"})).await;
        let ended = future.await;
        flowkit_tests::suite::until(|| TOLD.load(Ordering::Relaxed) == 1).await;
        (ended, HOOKS.load(Ordering::Relaxed))
    };
    told(
        program,
        &expect![[r#"
        flow cancelled-parent: Pending > Running > Cancelling > Cancelled(Flow run was cancelled.)
          cancelled-child-0: Pending > Pending > Running > Cancelled(Flow run was cancelled.)
            flow cancelled-child: Pending > Running > Cancelled(Flow run was cancelled.)
        = (Err(flow run '~cancelled-parent~' was cancelled), 2)
    "#]],
    );
}
