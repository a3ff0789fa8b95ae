//! Errors and panics of bodies, and the messages of their states.

use std::error::Error as StdError;
use std::{fmt, io};

use anyhow::Context as _;

use crate::suite::common::*;
use crate::suite::prelude::*;

#[derive(Debug)]
struct Payment(u32);

impl fmt::Display for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "payment {} failed", self.0)
    }
}

impl StdError for Payment {}

#[derive(Debug)]
struct Shop(Payment);

impl fmt::Display for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shop is closed")
    }
}

impl StdError for Shop {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

#[task]
async fn own() -> Result<(), Shop> {
    Err(Shop(Payment(7)))
}

#[task]
fn io_error() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::NotFound, "no such shelf"))
}

#[task]
async fn with_context() -> anyhow::Result<()> {
    Err(Payment(8)).context("while ordering").context("in the shop")
}

#[task]
async fn boxed() -> Result<(), Box<dyn StdError + Send + Sync>> {
    Err(Box::new(Payment(9)))
}

#[derive(Debug)]
struct OnlyDebug;

#[task]
async fn only_debug() -> Result<(), OnlyDebug> {
    Err(OnlyDebug)
}

#[task]
async fn words(text: &'static str) -> Result<(), &'static str> {
    Err(text)
}

#[task]
async fn panics() {
    panic!("the disk is gone");
}

#[task]
fn panics_blocking() {
    panic!("the {} is gone", "shelf");
}

#[task]
async fn panics_with_a_value() {
    std::panic::panic_any(7_u32);
}

#[task]
async fn passes_on() -> anyhow::Result<()> {
    own().await.context("passing on")?;
    Ok(())
}

#[flow]
async fn fails_itself() -> anyhow::Result<u32> {
    anyhow::bail!("the flow has had enough")
}

#[flow]
async fn panics_itself() -> u32 {
    panic!("the flow is gone")
}

#[flow]
fn blocking_flow_fails() -> Result<u32, String> {
    Err("a blocking flow fails".to_owned())
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        scene("an_error_and_its_causes_are_the_message", || async { own().await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'own-*' failed: the shop is closed: payment 7 failed)
              INFO Beginning flow run '~scene~' for flow 'scene'
              ERROR Encountered exception during execution: task run 'own-*' failed: the shop is closed: payment 7 failed
              ERROR Finished in state Failed('Flow run encountered an exception: task run 'own-*' failed: the shop is closed: payment 7 failed')
              own-*: Pending > Running > Failed(Task run encountered an exception: the shop is closed: payment 7 failed)
                ERROR Task run failed with exception: the shop is closed: payment 7 failed
                ERROR Finished in state Failed('Task run encountered an exception: the shop is closed: payment 7 failed')
            = Err(flow run '~scene~' failed: task run 'own-*' failed: the shop is closed: payment 7 failed)
        "#]]).with_logs(),
        scene("an_io_error_of_a_blocking_body_is_the_message", || async { io_error().await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'io_error-*' failed: no such shelf)
              io_error-*: Pending > Running > Failed(Task run encountered an exception: no such shelf)
            = Err(flow run '~scene~' failed: task run 'io_error-*' failed: no such shelf)
        "#]]),
        scene("the_context_of_an_anyhow_error_is_in_the_message", || async { with_context().await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'with_context-*' failed: in the shop: while ordering: payment 8 failed)
              with_context-*: Pending > Running > Failed(Task run encountered an exception: in the shop: while ordering: payment 8 failed)
            = Err(flow run '~scene~' failed: task run 'with_context-*' failed: in the shop: while ordering: payment 8 failed)
        "#]]),
        scene("a_boxed_error_is_the_message", || async { boxed().await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'boxed-*' failed: payment 9 failed)
              boxed-*: Pending > Running > Failed(Task run encountered an exception: payment 9 failed)
            = Err(flow run '~scene~' failed: task run 'boxed-*' failed: payment 9 failed)
        "#]]),
        scene("an_error_that_is_only_debug_is_shown_so", || async { only_debug().await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'only_debug-*' failed: OnlyDebug)
              only_debug-*: Pending > Running > Failed(Task run encountered an exception: OnlyDebug)
            = Err(flow run '~scene~' failed: task run 'only_debug-*' failed: OnlyDebug)
        "#]]),
        scene("an_error_of_words_is_the_message", || async { words("plain words").await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'words-*' failed: plain words)
              words-*: Pending > Running > Failed(Task run encountered an exception: plain words)
            = Err(flow run '~scene~' failed: task run 'words-*' failed: plain words)
        "#]]),
        scene(
            "the_message_of_a_state_is_the_first_line_of_an_error_and_the_caller_has_all",
            || async { words("línea uno\n  línea dos: 日本 'quoted' \"twice\"").await },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'words-*' failed: línea uno)
                  words-*: Pending > Running > Failed(Task run encountered an exception: línea uno)
                = Err(flow run '~scene~' failed: task run 'words-*' failed: línea uno
                  línea dos: 日本 'quoted' "twice")
            "#]],
        ),
        scene("an_empty_message_is_a_failure_all_the_same", || async { words("").await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'words-*' failed)
              words-*: Pending > Running > Failed(Task run encountered an exception: )
            = Err(flow run '~scene~' failed: task run 'words-*' failed)
        "#]]),
        scene("a_panic_is_a_failure_with_its_place", || async { panics().await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'panics-*' panicked at tests/tests/suite/errors.rs:_: the disk is gone)
              INFO Beginning flow run '~scene~' for flow 'scene'
              ERROR Encountered exception during execution: task run 'panics-*' panicked at tests/tests/suite/errors.rs:_: the disk is gone
              ERROR Finished in state Failed('Flow run encountered an exception: task run 'panics-*' panicked at tests/tests/suite/errors.rs:_: the disk is gone')
              panics-*: Pending > Running > Failed(Task run encountered an exception: panicked at tests/tests/suite/errors.rs:_: the disk is gone)
                ERROR Task run failed with exception: panicked at tests/tests/suite/errors.rs:_: the disk is gone
                ERROR Finished in state Failed('Task run encountered an exception: panicked at tests/tests/suite/errors.rs:_: the disk is gone')
            = Err(flow run '~scene~' failed: task run 'panics-*' panicked at tests/tests/suite/errors.rs:_: the disk is gone)
        "#]]).with_logs(),
        scene(
            "a_panic_of_a_blocking_body_is_a_failure_with_its_place",
            || async { panics_blocking().await },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'panics_blocking-*' panicked at tests/tests/suite/errors.rs:_: the shelf is gone)
                  panics_blocking-*: Pending > Running > Failed(Task run encountered an exception: panicked at tests/tests/suite/errors.rs:_: the shelf is gone)
                = Err(flow run '~scene~' failed: task run 'panics_blocking-*' panicked at tests/tests/suite/errors.rs:_: the shelf is gone)
            "#]],
        ),
        scene(
            "a_panic_with_a_value_that_is_no_text_is_a_failure",
            || async { panics_with_a_value().await },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'panics_with_a_value-*' panicked at tests/tests/suite/errors.rs:_: a value that is no text)
                  panics_with_a_value-*: Pending > Running > Failed(Task run encountered an exception: panicked at tests/tests/suite/errors.rs:_: a value that is no text)
                = Err(flow run '~scene~' failed: task run 'panics_with_a_value-*' panicked at tests/tests/suite/errors.rs:_: a value that is no text)
            "#]],
        ),
        scene(
            "other_tasks_go_on_after_a_panic",
            || async { Ok((panics().await.is_err_and(|error| error.is_panic()), double(1).await?)) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-*: Pending > Running > Completed
                  panics-*: Pending > Running > Failed(Task run encountered an exception: panicked at tests/tests/suite/errors.rs:_: the disk is gone)
                = Ok((true, 2))
            "#]],
        ),
        scene("an_error_passed_on_by_a_task_is_the_failure_of_both", || async { passes_on().await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'passes_on-*' failed: passing on: task run 'own-*' failed: the shop is closed: payment 7 failed)
              passes_on-*: Pending > Running > Failed(Task run encountered an exception: passing on: task run 'own-*' failed: the shop is closed: payment 7 failed)
                own-*: Pending > Running > Failed(Task run encountered an exception: the shop is closed: payment 7 failed)
            = Err(flow run '~scene~' failed: task run 'passes_on-*' failed: passing on: task run 'own-*' failed: the shop is closed: payment 7 failed)
        "#]]),
        flow("an_error_of_a_flow_is_its_message", fails_itself, expect![[r#"
            flow fails-itself: Pending > Running > Failed(Flow run encountered an exception: the flow has had enough)
              INFO Beginning flow run '~fails-itself~' for flow 'fails-itself'
              ERROR Encountered exception during execution: the flow has had enough
              ERROR Finished in state Failed('Flow run encountered an exception: the flow has had enough')
            = Err(flow run '~fails-itself~' failed: the flow has had enough)
        "#]]).with_logs(),
        flow("a_panic_of_a_flow_is_a_failure_with_its_place", panics_itself, expect![[r#"
            flow panics-itself: Pending > Running > Failed(Flow run encountered an exception: panicked at tests/tests/suite/errors.rs:_: the flow is gone)
              INFO Beginning flow run '~panics-itself~' for flow 'panics-itself'
              ERROR Encountered exception during execution: panicked at tests/tests/suite/errors.rs:_: the flow is gone
              ERROR Finished in state Failed('Flow run encountered an exception: panicked at tests/tests/suite/errors.rs:_: the flow is gone')
            = Err(flow run '~panics-itself~' panicked at tests/tests/suite/errors.rs:_: the flow is gone)
        "#]]).with_logs(),
        flow("an_error_of_a_blocking_flow_is_its_message", blocking_flow_fails, expect![[r#"
            flow blocking-flow-fails: Pending > Running > Failed(Flow run encountered an exception: a blocking flow fails)
            = Err(flow run '~blocking-flow-fails~' failed: a blocking flow fails)
        "#]]),
        scene(
            "return_state_of_a_failed_task_is_no_error",
            || async { Ok(words("no").return_state().await.state().to_string()) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  words-*: Pending > Running > Failed(Task run encountered an exception: no)
                = Ok("Failed('Task run encountered an exception: no')")
            "#]],
        ),
        scene(
            "return_state_of_a_good_task_has_its_value",
            || async {
                let ended = double(4).return_state().await;
                Ok((ended.name().to_owned(), ended.result()?))
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-*: Pending > Running > Completed
                = Ok(("Completed", 8))
            "#]],
        ),
        scene(
            "return_state_of_a_failed_subflow_is_no_error",
            || async { Ok(failing_child().return_state().await?.name().to_owned()) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  failing-child-0: Pending > Pending > Running > Failed(Flow run encountered an exception: task run 'fail-*' failed: boom)
                    flow failing-child: Pending > Running > Failed(Flow run encountered an exception: task run 'fail-*' failed: boom)
                      fail-*: Pending > Running > Failed(Task run encountered an exception: boom)
                = Ok("Failed")
            "#]],
        ),
        scene(
            "an_option_that_cannot_be_read_fails_the_run_before_it_starts",
            || async { double(1).timeout("30 parsecs").await },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: in the call of `double`, `30 parsecs` is not a duration: write a number with ms, s, m, h or d, such as "30s" or "1m 30s")
                  double-*: Pending > Failed(Task run could not be started: in the call of `double`, `30 parsecs` is not a duration: write a number with ms, s, m, h or d, such as "30s" or "1m 30s")
                = Err(flow run '~scene~' failed: in the call of `double`, `30 parsecs` is not a duration: write a number with ms, s, m, h or d, such as "30s" or "1m 30s")
            "#]],
        ),
        flow(
            "an_option_of_a_flow_that_cannot_be_read_fails_it_before_it_starts",
            || child(1).timeout("30 parsecs"),
            expect![[r#"
                flow child {"n":1}: Pending > Failed(Flow run could not be started: in the call of `child`, `30 parsecs` is not a duration: write a number with ms, s, m, h or d, such as "30s" or "1m 30s")
                = Err(in the call of `child`, `30 parsecs` is not a duration: write a number with ms, s, m, h or d, such as "30s" or "1m 30s")
            "#]],
        ),
    ]
}
