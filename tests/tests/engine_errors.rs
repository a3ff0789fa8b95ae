//! What a caller gets of a body that failed or panicked.

use std::error::Error as StdError;
use std::{fmt, io};

use anyhow::Context;
use flowkit::ErrorKind;
use flowkit::prelude::*;
use flowkit_tests::lab::{Lab, path, rounded};

#[derive(Debug, PartialEq)]
enum ShopError {
    SoldOut { item: &'static str },
    Payment(PaymentError),
}

#[derive(Debug, PartialEq)]
struct PaymentError(u32);

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SoldOut { item } => write!(f, "{item} is sold out"),
            Self::Payment(_) => f.write_str("the payment failed"),
        }
    }
}

impl fmt::Display for PaymentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}", self.0)
    }
}

impl StdError for PaymentError {}

impl StdError for ShopError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::SoldOut { .. } => None,
            Self::Payment(error) => Some(error),
        }
    }
}

#[task]
async fn buy(item: &'static str) -> Result<(), ShopError> {
    Err(if item == "tea" { ShopError::SoldOut { item } } else { ShopError::Payment(PaymentError(7)) })
}

#[task]
fn read() -> io::Result<String> {
    Err(io::Error::new(io::ErrorKind::NotFound, "no such shelf"))
}

#[task]
async fn with_context() -> anyhow::Result<()> {
    Err(ShopError::Payment(PaymentError(8))).context("while ordering").context("in the shop")
}

#[task]
async fn boxed() -> Result<(), Box<dyn StdError + Send + Sync>> {
    Err(Box::new(PaymentError(9)))
}

#[task]
async fn words() -> Result<(), String> {
    Err("plain words".to_owned())
}

#[task]
async fn static_words() -> Result<(), &'static str> {
    Err("static words")
}

#[derive(Debug, PartialEq)]
struct Undisplayed(u8);

#[task]
async fn undisplayed() -> Result<(), Undisplayed> {
    Err(Undisplayed(3))
}

async fn failure<T: Send + 'static>(call: TaskCall<T>) -> flowkit::Error {
    match Lab::default().run(async { call.await }).await {
        Ok(_) => panic!("it should fail"),
        Err(error) => error,
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_enum_is_had_back_with_what_it_wraps() {
    let error = failure(buy("tea")).await;
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(error.downcast_ref::<ShopError>(), Some(&ShopError::SoldOut { item: "tea" }));
    let error = failure(buy("milk")).await;
    assert_eq!(error.downcast_ref::<PaymentError>(), Some(&PaymentError(7)), "also a cause of the error");
    let source = error.source().and_then(|source| source.downcast_ref::<ShopError>());
    assert_eq!(source, Some(&ShopError::Payment(PaymentError(7))));
    assert!(error.chain().ends_with("failed: the payment failed: code 7"), "{}", error.chain());
    assert!(error.downcast_ref::<io::Error>().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_io_error_of_a_blocking_body_is_had_back() {
    let error = failure(read()).await;
    assert_eq!(error.downcast_ref::<io::Error>().map(io::Error::kind), Some(io::ErrorKind::NotFound));
}

#[tokio::test(start_paused = true)]
async fn an_anyhow_error_is_had_back_whole_and_by_its_parts() {
    let error = failure(with_context()).await;
    assert_eq!(error.own_as::<anyhow::Error>().map(|own| own.chain().count()), Some(4));
    assert_eq!(error.downcast_ref::<ShopError>(), Some(&ShopError::Payment(PaymentError(8))));
    assert_eq!(error.downcast_ref::<PaymentError>(), Some(&PaymentError(8)));
    assert!(error.chain().ends_with("in the shop: while ordering: the payment failed: code 8"), "{}", error.chain());
}

#[tokio::test(start_paused = true)]
async fn a_boxed_error_is_had_back() {
    let error = failure(boxed()).await;
    assert_eq!(error.downcast_ref::<PaymentError>(), Some(&PaymentError(9)));
    assert!(error.own_as::<Box<dyn StdError + Send + Sync>>().is_some());
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_no_standard_error_is_had_back_as_it_was() {
    let error = failure(words()).await;
    assert_eq!(error.own_as::<String>().map(String::as_str), Some("plain words"));
    assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("plain words"));
    assert_eq!(failure(static_words()).await.own_as::<&str>(), Some(&"static words"));
    let error = failure(undisplayed()).await;
    assert_eq!(error.own_as::<Undisplayed>(), Some(&Undisplayed(3)));
    assert!(error.chain().ends_with("Undisplayed(3)"), "{}", error.chain());
}

/// Displayed, and bound to its thread.
struct Local(std::rc::Rc<()>);

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "held by {}", std::rc::Rc::strong_count(&self.0))
    }
}

#[task]
async fn local() -> Result<(), Local> {
    Err(Local(std::rc::Rc::default()))
}

#[tokio::test(start_paused = true)]
async fn of_an_error_that_cannot_leave_its_thread_the_text_is_kept() {
    let error = failure(local()).await;
    assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("held by 1"));
}

#[task]
async fn passes_on_anyhow() -> anyhow::Result<()> {
    buy("tea").await?;
    Ok(())
}

#[task]
async fn passes_on_boxed() -> Result<(), Box<dyn StdError + Send + Sync>> {
    buy("tea").submit().await?;
    Ok(())
}

#[task]
async fn passes_on_own() -> flowkit::Result<()> {
    flowkit::map(["tea"], buy).await?;
    Ok(())
}

#[flow]
async fn passes_on_flow() -> anyhow::Result<()> {
    passes_on_own().await.context("in the flow")
}

#[tokio::test(start_paused = true)]
async fn the_question_mark_passes_on_an_error_that_is_still_had_back() {
    let sold_out = Some(&ShopError::SoldOut { item: "tea" });
    for error in [failure(passes_on_anyhow()).await, failure(passes_on_boxed()).await, failure(passes_on_own()).await] {
        assert_eq!(error.downcast_ref::<ShopError>(), sold_out, "{error:?}");
    }
    let error = Lab::default().run(async { passes_on_flow().await }).await.expect_err("it fails");
    assert_eq!(error.downcast_ref::<ShopError>(), sold_out, "{error:?}");
    assert!(error.chain().contains("in the flow"), "{}", error.chain());
}

#[tokio::test(start_paused = true)]
async fn an_error_tells_the_run_the_attempts_and_the_time() {
    let lab = Lab::default();
    let error = lab.run(async { words().retries(1).retry_delay("4s").await }).await.expect_err("it fails");
    assert_eq!(error.to_string(), format!("task run '{}' failed", lab.task("words").name()));
    assert_eq!((error.attempts(), error.elapsed().map(rounded)), (Some(2), Some(4)));
    assert_eq!(format!("{error:?}"), error.chain(), "what `main` prints is the whole story");
}

#[task]
async fn panics(after_await: bool) {
    if after_await {
        tokio::task::yield_now().await;
    }
    panic!("the disk is gone");
}

#[task]
fn panics_blocking() {
    let shelf: Vec<u8> = Vec::new();
    let index = shelf.len() + 1;
    drop(shelf[index..].to_vec());
}

#[flow]
async fn panicking_flow() {
    panic!("the flow is gone");
}

fn names_this_file(message: &str) -> bool {
    let place = message.split_once("engine_errors.rs:").map(|(_, place)| place);
    place.is_some_and(|place| place.starts_with(|c: char| c.is_ascii_digit()))
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failed_run_with_message_and_place_and_the_process_goes_on() {
    let lab = Lab::default();
    lab.run(async {
        for (call, text) in [
            (panics(false), "the disk is gone"),
            (panics(true), "the disk is gone"),
            (panics_blocking(), "out of range"),
        ] {
            let error = call.await.expect_err("it panics");
            assert!(error.is_panic(), "{error:?}");
            let message = error.to_string();
            assert!(message.contains(text) && names_this_file(&message), "{message}");
        }
        assert!(panics(true).submit().await.expect_err("it panics").is_panic());
        assert!(buy("tea").await.is_err_and(|error| !error.is_panic()), "other tasks run as before");
    })
    .await;
    for run in lab.tasks("panics").iter().chain(&lab.tasks("panics_blocking")) {
        assert_eq!(path(&run.states()), "Pending > Running > Failed");
        let state = run.state();
        let message = state.message().expect("there is a message");
        assert!(message.starts_with("Task run encountered an exception: panicked at "), "{message}");
        assert!(names_this_file(message), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_flow_is_a_failed_run_too() {
    let lab = Lab::default();
    let error = lab.run(async { panicking_flow().await }).await.expect_err("it panics");
    assert!(error.is_panic() && names_this_file(&error.to_string()), "{error:?}");
    let run = lab.flow("panicking-flow");
    assert_eq!(path(&run.states()), "Pending > Running > Failed");
    assert!(run.state().message().is_some_and(|message| message.contains("the flow is gone")));
}
