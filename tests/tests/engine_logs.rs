//! `tracing` events and `println!` as log lines of the right run.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{Level, LogRecord};
use flowkit_tests::lab::{Lab, rounded};
use tokio::time::sleep;
use tracing::Instrument;

async fn helper(text: &str) {
    sleep(Duration::from_secs(1)).await;
    tracing::info!("{text}");
}

#[task]
async fn talk() {
    tracing::info!("in the body");
    helper("in a nested function").await;
    tokio::spawn(helper("in a spawned helper").in_current_span()).await.expect("it does not panic");
    tracing::info_span!("own span").in_scope(|| tracing::info!("in a span of the user's"));
}

#[task]
fn talk_blocking() {
    tracing::info!("in a blocking body");
    let span = tracing::Span::current();
    std::thread::scope(|scope| {
        scope.spawn(|| span.in_scope(|| tracing::info!("in a thread of its own")));
    });
}

#[flow]
async fn talking() -> flowkit::Result<()> {
    tracing::info!("in the flow");
    talk().await?;
    talk_blocking().submit().await?;
    tokio::spawn(helper("in a helper of the flow").in_current_span()).await.expect("it does not panic");
    tracing::info!("in the flow again");
    Ok(())
}

fn ids(record: &LogRecord) -> (bool, bool) {
    (record.flow_run_id.is_some(), record.task_run_id.is_some())
}

#[tokio::test(start_paused = true)]
async fn events_at_any_depth_are_log_lines_of_their_run() {
    let lab = Lab::default();
    lab.run(async { talking().await }).await.expect("it succeeds");
    let (flow, task, blocking) = (lab.flow("talking"), lab.task("talk"), lab.task("talk_blocking"));
    for (message, owner) in [
        ("in the flow", None),
        ("in the body", Some(&task)),
        ("in a nested function", Some(&task)),
        ("in a spawned helper", Some(&task)),
        ("in a span of the user's", Some(&task)),
        ("in a blocking body", Some(&blocking)),
        ("in a thread of its own", Some(&blocking)),
        ("in a helper of the flow", None),
        ("in the flow again", None),
    ] {
        let record = lab.log(message);
        assert_eq!(record.flow_run_id, Some(flow.id()), "{message}");
        assert_eq!(record.task_run_id, owner.map(|run| run.id()), "{message}");
        assert_eq!(record.level, Level::Info);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_outside_of_any_flow_has_lines_with_its_own_id_only() {
    let lab = Lab::default();
    lab.run(async { talk_blocking().await }).await.expect("it succeeds");
    assert_eq!(ids(&lab.log("in a blocking body")), (false, true));
}

#[tokio::test(start_paused = true)]
async fn an_event_outside_of_any_run_is_no_log_line() {
    let lab = Lab::default();
    lab.run(async { tracing::info!("outside of a run") }).await;
    tracing::info!("outside of everything");
    assert!(lab.logs().is_empty());
}

#[task]
async fn loud() {
    tracing::error!("an error");
    tracing::warn!("a warning");
    tracing::info!("some information");
    tracing::debug!("a detail");
    tracing::info!(page = 3, url = "x", "a line with fields");
    tracing::info!(count = 1);
}

#[tokio::test(start_paused = true)]
async fn levels_are_kept_and_what_is_below_info_is_left_out() {
    let lab = Lab::default();
    lab.run(async { loud().await }).await.expect("it succeeds");
    assert_eq!(lab.log("an error").level, Level::Error);
    assert_eq!(lab.log("a warning").level, Level::Warning);
    assert_eq!(lab.log("some information").level, Level::Info);
    assert!(lab.logs_with("a detail").is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_fields_of_an_event_follow_its_message() {
    let lab = Lab::default();
    lab.run(async { loud().await }).await.expect("it succeeds");
    assert_eq!(lab.logs_with("a line with fields page=3 url=x").len(), 1);
    assert_eq!(lab.logs_with("count=1").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_line_has_the_time_at_which_it_was_written() {
    let lab = Lab::default();
    lab.run(async { talk().await }).await.expect("it succeeds");
    let gap = lab.log("in a nested function").timestamp.since(lab.log("in the body").timestamp);
    assert_eq!(rounded(gap), 1);
}

#[task(log_prints)]
async fn prints() {
    println!("printed by {}", "a task");
}

#[task(log_prints = false)]
async fn prints_privately() {
    println!("kept to itself");
}

#[task(log_prints)]
fn prints_blocking() {
    println!("printed by a blocking task");
}

#[task]
async fn prints_as_its_flow() {
    println!("printed by a task that says nothing");
}

#[flow(log_prints)]
async fn printing() -> flowkit::Result<()> {
    println!("printed by a flow");
    prints_as_its_flow().await?;
    prints().await?;
    prints_blocking().await?;
    prints_privately().await
}

#[tokio::test(start_paused = true)]
async fn with_log_prints_a_printed_line_is_a_log_line() {
    let lab = Lab::default();
    lab.run(async { printing().await }).await.expect("it succeeds");
    let (flow, task) = (lab.flow("printing"), lab.task("prints"));
    let line = lab.log("printed by a flow");
    assert_eq!((line.flow_run_id, line.task_run_id, line.level), (Some(flow.id()), None, Level::Info));
    let line = lab.log("printed by a task");
    assert_eq!((line.flow_run_id, line.task_run_id), (Some(flow.id()), Some(task.id())));
    assert_eq!(lab.log("printed by a blocking task").task_run_id, Some(lab.task("prints_blocking").id()));
    assert!(lab.logs_with("kept to itself").is_empty());
}

#[flow]
async fn not_printing() -> flowkit::Result<()> {
    println!("printed by a flow that says nothing");
    prints_as_its_flow().await
}

#[tokio::test(start_paused = true)]
async fn a_task_that_says_nothing_of_log_prints_does_as_its_flow() {
    let lab = Lab::default();
    lab.run(async { printing().await }).await.expect("it succeeds");
    let line = lab.log("printed by a task that says nothing");
    assert_eq!(line.task_run_id, Some(lab.task("prints_as_its_flow").id()));

    let lab = Lab::default();
    lab.run(async { not_printing().await }).await.expect("it succeeds");
    assert!(lab.logs_with("printed by a task that says nothing").is_empty());
    assert!(lab.logs_with("printed by a flow that says nothing").is_empty());
    lab.run(async { prints_as_its_flow().with(Options::new().log_prints(true)).await }).await.expect("it succeeds");
    assert_eq!(lab.logs_with("printed by a task that says nothing").len(), 1, "a call can turn it on");
}

#[tokio::test(start_paused = true)]
async fn a_call_can_turn_log_prints_off() {
    let lab = Lab::default();
    lab.run(async { prints().with(Options::new().log_prints(false)).await }).await.expect("it succeeds");
    assert!(lab.logs_with("printed by a task").is_empty());
    lab.run(async { prints().await }).await.expect("it succeeds");
    assert_eq!(lab.logs_with("printed by a task").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_line_of_a_run_tells_its_final_state() {
    let lab = Lab::default();
    lab.run(async { printing().await }).await.expect("it succeeds");
    let flow = lab.flow("printing");
    let of_flow: Vec<_> = lab.logs().into_iter().filter(|line| line.task_run_id.is_none()).collect();
    let beginning = format!("Beginning flow run '{}' for flow 'printing'", flow.name());
    assert_eq!(of_flow.first().map(|line| line.message.as_str()), Some(beginning.as_str()));
    assert_eq!(of_flow.last().map(|line| line.message.as_str()), Some("Finished in state Completed()"));
    for task in lab.all_tasks() {
        let last = lab.logs().into_iter().rfind(|line| line.task_run_id == Some(task.id()));
        assert_eq!(last.map(|line| line.message).as_deref(), Some("Finished in state Completed()"));
    }
}
