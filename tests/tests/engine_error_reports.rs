//! What the log and the states tell of an error: everything once, where it happened, and one line above that.

use std::error::Error as StdError;
use std::fmt;
use std::process::Command;

use anyhow::Context;
use flowkit::prelude::*;
use flowkit_tests::lab::Lab;

#[task]
async fn deep() -> anyhow::Result<()> {
    let broken: Result<(), std::io::Error> = Err(std::io::Error::other("no disk\nand no memory"));
    broken.context("cannot write rows").context("cannot load")
}

#[flow]
async fn middle() -> anyhow::Result<()> {
    deep().await.context("the middle\nhas two lines")
}

#[flow]
async fn top() -> flowkit::Result<()> {
    middle().await
}

#[tokio::test(start_paused = true)]
async fn the_whole_chain_is_logged_once_and_messages_of_states_are_one_line() {
    let lab = Lab::default();
    lab.run(async { top().await }).await.expect_err("it fails");
    let whole = "cannot load: cannot write rows: no disk\nand no memory";
    // With RUST_BACKTRACE set, the backtrace that anyhow captured follows in the same record.
    let told = format!("Task run failed with exception: {whole}");
    assert_eq!(lab.logs().iter().filter(|line| line.message.starts_with(&told)).count(), 1, "{:#?}", lab.logs());
    let full = lab.logs().iter().filter(|line| line.message.contains("and no memory")).count();
    assert_eq!(full, 1, "{:#?}", lab.logs());
    lab.log("Encountered exception during execution: the middle");

    let short = "cannot load: cannot write rows: no disk";
    let message = |state: flowkit::State| state.message().map(str::to_owned).expect("there is a message");
    assert_eq!(message(lab.task("deep").state()), format!("Task run encountered an exception: {short}"));
    assert_eq!(message(lab.flow("middle").state()), "Flow run encountered an exception: the middle");
    let above = message(lab.flow("top").state());
    assert!(above.starts_with("Flow run encountered an exception: flow run '"), "{above}");
    assert!(above.ends_with("' failed: the middle"), "{above}");
}

#[tokio::test(start_paused = true)]
async fn the_caller_still_has_the_whole_chain() {
    let error = Lab::default().run(async { top().await }).await.expect_err("it fails");
    assert!(error.chain().ends_with("cannot load: cannot write rows: no disk\nand no memory"), "{error:?}");
}

#[derive(Debug)]
struct Outer(Box<dyn StdError>);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer")
    }
}

impl StdError for Outer {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

fn nested() -> Outer {
    Outer(Box::new(Outer("inner".into())))
}

#[task]
fn boxed() -> Result<(), Box<dyn StdError>> {
    Err(Box::new(nested()))
}

#[task]
fn local() -> Result<(), Outer> {
    Err(nested())
}

#[tokio::test(start_paused = true)]
async fn an_error_that_cannot_leave_its_thread_keeps_the_text_of_its_chain() {
    let lab = Lab::default();
    for error in lab.run(async { [boxed().await, local().await] }).await {
        assert!(error.expect_err("it fails").chain().ends_with("failed: outer: inner"));
    }
}

#[task]
async fn starved(_after: ()) {}

#[flow]
async fn with_starved() -> flowkit::Result<()> {
    let deep = deep().submit();
    starved(&deep).await
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_task_that_was_not_started_tells_why_once() {
    let lab = Lab::default();
    let error = lab.run(async { with_starved().await }).await.expect_err("it was not started");
    let chain = error.chain();
    assert_eq!(chain.matches("did not reach a 'COMPLETED' state").count(), 1, "{chain}");
    assert_eq!(chain.matches("cannot load").count(), 1, "{chain}");
}

#[task]
async fn asserts() {
    assert_eq!(1 + 1, 3, "sums");
}

#[tokio::test(start_paused = true)]
async fn the_message_of_a_panic_is_one_line_in_the_state_and_whole_in_the_log() {
    let lab = Lab::default();
    let error = lab.run(async { asserts().await }).await.expect_err("it panics");
    assert!(error.is_panic() && error.to_string().contains("left: 2"), "{error}");
    let state = lab.task("asserts").state();
    let message = state.message().expect("there is a message");
    assert!(message.ends_with("assertion `left == right` failed: sums"), "{message}");
    assert!(lab.logs().iter().any(|line| line.message.contains("left: 2")), "{:#?}", lab.logs());
}

#[task]
async fn raises() -> anyhow::Result<()> {
    anyhow::bail!("raised")
}

#[task]
fn panics() {
    panic!("in the pool");
}

#[flow]
async fn both() -> anyhow::Result<()> {
    let _ = panics().await;
    raises().await?;
    Ok(())
}

/// Runs in a process of its own, where backtraces are captured.
#[tokio::test(start_paused = true)]
async fn a_backtrace_that_was_captured_is_in_the_log_once() {
    const INSIDE: &str = "FLOWKIT_TEST_WITH_BACKTRACES";
    if std::env::var_os(INSIDE).is_none() {
        let myself = std::env::current_exe().expect("this test is a program");
        let name = "a_backtrace_that_was_captured_is_in_the_log_once";
        let mut command = Command::new(myself);
        let ended = command.args([name, "--exact"]).env(INSIDE, "1").env("RUST_BACKTRACE", "1").output();
        let ended = ended.expect("it starts");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
        return;
    }
    let lab = Lab::default();
    lab.run(async { both().await }).await.expect_err("it fails");
    let lines: Vec<String> = lab.logs().into_iter().map(|line| line.message).collect();
    let traces: Vec<&String> = lines.iter().filter(|line| line.contains("Stack backtrace")).collect();
    assert_eq!(traces.len(), 2, "{lines:#?}");
    assert!(traces[0].starts_with("Stack backtrace of the panic:\n") && traces[0].contains("panics"), "{}", traces[0]);
    let raised = "Task run failed with exception: raised\nStack backtrace:\n";
    assert!(traces[1].starts_with(raised) && traces[1].contains("raises"), "{}", traces[1]);
    assert!(lab.all_tasks().iter().all(|run| !run.state().message().is_some_and(|text| text.contains("backtrace"))));
}
