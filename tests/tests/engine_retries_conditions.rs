//! Errors that are not worth a retry.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, do_not_retry};
use flowkit_tests::lab::{Lab, path};

#[derive(Debug, PartialEq)]
enum Trouble {
    Busy,
    Unknown,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "busy",
            Self::Unknown => "unknown",
        })
    }
}

impl StdError for Trouble {}

fn is_busy(trouble: &Trouble) -> bool {
    *trouble == Trouble::Busy
}

fn always(_: &(dyn StdError + 'static)) -> bool {
    true
}

fn if_busy(error: &(dyn StdError + 'static)) -> bool {
    error.downcast_ref() == Some(&Trouble::Busy)
}

#[task(retries = 2, retry_delay = "1s", retry_if = is_busy)]
async fn ask(busy: bool) -> Result<(), Trouble> {
    Err(if busy { Trouble::Busy } else { Trouble::Unknown })
}

#[task(retries = 2, retry_if = is_busy)]
fn ask_blocking(busy: bool) -> Result<(), Trouble> {
    Err(if busy { Trouble::Busy } else { Trouble::Unknown })
}

#[flow(retries = 2, retry_if = is_busy)]
async fn asking(busy: bool) -> Result<(), Trouble> {
    Err(if busy { Trouble::Busy } else { Trouble::Unknown })
}

#[task(retries = 2, timeout = "1s", retry_if = is_busy)]
async fn endless(panics: bool) -> Result<(), Trouble> {
    assert!(!panics, "no luck");
    std::future::pending().await
}

#[task(retries = 3)]
async fn open(known: bool) -> anyhow::Result<()> {
    match known {
        true => Err(Trouble::Busy.into()),
        false => Err(anyhow::Error::from(do_not_retry(Trouble::Unknown)).context("cannot open")),
    }
}

#[flow(retries = 1)]
async fn opening() -> anyhow::Result<()> {
    Ok(open(false).await?)
}

#[flow(retries = 1)]
async fn hopeless() -> anyhow::Result<()> {
    Err(do_not_retry("nothing to do").into())
}

const ONCE: &str = "Pending > Running > Failed";
const THREE_TIMES: &str = "Pending > Running > Retrying > Retrying > Failed";

#[tokio::test(start_paused = true)]
async fn an_error_that_the_condition_refuses_fails_the_run_at_once() {
    let lab = Lab::default();
    let error = lab.run(async { ask(false).await }).await.expect_err("it fails");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Failed, Some(1)));
    assert_eq!(error.downcast_ref(), Some(&Trouble::Unknown));
    let run = lab.task("ask");
    assert_eq!(path(&run.states()), ONCE);
    assert_eq!(run.state().message(), Some("Task run encountered an exception: unknown"));
    lab.log("Task run failed with exception: unknown - It is not worth a retry");
}

#[tokio::test(start_paused = true)]
async fn an_error_that_the_condition_accepts_is_retried() {
    let lab = Lab::default();
    let error = lab.run(async { ask(true).await }).await.expect_err("it fails");
    assert_eq!(error.attempts(), Some(3));
    lab.log("Task run failed with exception: busy - Retries are exhausted");
}

#[tokio::test(start_paused = true)]
async fn a_blocking_body_and_a_flow_have_conditions_as_well() {
    let lab = Lab::default();
    lab.run(async {
        for busy in [false, true] {
            let _ = ask_blocking(busy).await;
            let _ = asking(busy).await;
        }
    })
    .await;
    let tasks: Vec<_> = lab.tasks("ask_blocking").iter().map(|run| path(&run.states())).collect();
    assert_eq!(tasks, [ONCE, THREE_TIMES]);
    let flows: Vec<_> = lab.flows("asking").iter().map(|run| run.effort().run_count).collect();
    assert_eq!(flows, [1, 3]);
    assert_eq!(path(&lab.flows("asking")[0].states()), ONCE);
}

#[tokio::test(start_paused = true)]
async fn timeouts_and_panics_are_retried_without_asking() {
    let lab = Lab::default();
    lab.run(async {
        let _ = endless(false).await;
        let _ = endless(true).await;
    })
    .await;
    assert!(lab.tasks("endless").iter().all(|run| run.effort().run_count == 3));
}

#[tokio::test(start_paused = true)]
async fn the_condition_of_a_call_or_a_value_takes_the_place_of_the_definitions() {
    let lab = Lab::default();
    lab.run(async {
        let _ = ask(false).retry_if(always).name("call").await;
        let _ = ask(false).with(Options::new().retry_if(always)).name("value").await;
        let _ = open(true).retry_if(if_busy).name("downcast").await;
        let _ = open(true).with(Options::new().retry_if(always)).retry_if(|_| false).name("call beats value").await;
    })
    .await;
    let runs: Vec<_> = lab.all_tasks().iter().map(|run| (run.name(), run.effort().run_count)).collect();
    let expected = [("call", 3), ("value", 3), ("downcast", 4), ("call beats value", 1)];
    assert_eq!(runs, expected.map(|(name, count)| (name.to_owned(), count)));
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_panics_is_no_reason_to_give_up() {
    let lab = Lab::default();
    let error = lab.run(async { ask(true).retry_if(|_| panic!("oh no")).await }).await.expect_err("it fails");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Failed, Some(3)));
}

#[tokio::test(start_paused = true)]
async fn a_body_can_say_that_it_is_not_to_be_retried() {
    let lab = Lab::default();
    let error = lab.run(async { open(false).retry_delay(Duration::from_secs(9)).await }).await.expect_err("it fails");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Failed, Some(1)));
    assert_eq!(error.downcast_ref(), Some(&Trouble::Unknown), "what was wrapped can be had back");
    let run = lab.task("open");
    assert_eq!(path(&run.states()), ONCE);
    assert_eq!(run.state().message(), Some("Task run encountered an exception: cannot open: unknown"));
}

#[tokio::test(start_paused = true)]
async fn the_word_of_the_body_beats_every_condition() {
    let lab = Lab::default();
    let error = lab.run(async { open(false).retry_if(always).await }).await.expect_err("it fails");
    assert_eq!(error.attempts(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_passes_such_an_error_on_is_retried_all_the_same() {
    let lab = Lab::default();
    let error = lab.run(async { opening().await }).await.expect_err("it fails");
    assert_eq!(error.attempts(), Some(2));
    assert!(lab.tasks("open").iter().all(|run| run.effort().run_count == 1));
    let error = lab.run(async { hopeless().await }).await.expect_err("it fails");
    assert_eq!(error.attempts(), Some(1), "its own error is another matter");
    assert_eq!(path(&lab.flow("hopeless").states()), ONCE);
}
