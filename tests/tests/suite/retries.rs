//! Whether, when and how often a failed run is tried again.

use std::fmt;

use flowkit::do_not_retry;
use flowkit::runtime::{flow_run, task_run};

use crate::suite::prelude::*;

/// How often the body at hand was started, this time included.
fn attempt() -> u32 {
    task_run().map_or(0, |run| run.effort().run_count)
}

#[task]
async fn succeeds_at(nth: u32) -> Result<u32, String> {
    if attempt() < nth { Err(format!("attempt {} fails", attempt())) } else { Ok(attempt()) }
}

#[task]
fn blocks_until(nth: u32) -> Result<u32, String> {
    if attempt() < nth { Err("not yet".to_owned()) } else { Ok(attempt()) }
}

#[task(retries = 2, retry_delay = "20ms")]
async fn declared() -> Result<(), String> {
    Err("never".to_owned())
}

#[task(retries = 3, retry_delay = ["10ms", "30ms"])]
async fn listed() -> Result<(), String> {
    Err("never".to_owned())
}

#[task(retries = 3, retry_delay = exponential("10ms", 2.0, max = "30ms"))]
async fn growing() -> Result<(), String> {
    Err("never".to_owned())
}

#[task(retries = 1)]
async fn panics_once() -> u32 {
    assert!(attempt() > 1, "the first attempt panics");
    attempt()
}

#[derive(Debug)]
enum Trouble {
    Busy,
    Gone,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Trouble {}

fn is_busy(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Busy)
}

#[task(retries = 1, retry_if = is_busy)]
async fn picky(busy: bool) -> Result<(), Trouble> {
    Err(if busy { Trouble::Busy } else { Trouble::Gone })
}

#[task(retries = 3)]
async fn resigned() -> anyhow::Result<()> {
    Err(anyhow::Error::from(do_not_retry(Trouble::Gone)).context("no use"))
}

#[flow]
async fn second_run(nth: u32) -> Result<u32, String> {
    let count = flow_run().map_or(0, |run| run.effort().run_count);
    if count < nth { Err(format!("run {count} fails")) } else { Ok(count) }
}

#[flow(retries = 1, retry_if = is_busy)]
async fn picky_flow(busy: bool) -> Result<(), Trouble> {
    Err(if busy { Trouble::Busy } else { Trouble::Gone })
}

#[flow(retries = 2)]
async fn resigned_flow() -> anyhow::Result<()> {
    Err(do_not_retry("nothing to do").into())
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        scene("a_task_that_succeeds_is_run_once", || async { succeeds_at(1).retries(3).await }, expect![[r#"
            flow scene: Pending > Running > Completed
              succeeds_at-*: Pending > Running > Completed
            = Ok(1)
        "#]]),
        scene(
            "a_failed_task_is_run_again_at_once_without_a_delay",
            || async { succeeds_at(2).retries(1).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  succeeds_at-*: Pending > Running > Retrying > Completed
                = Ok(2)
            "#]],
        ),
        scene(
            "a_task_is_tried_once_more_than_it_has_retries",
            || async { succeeds_at(9).retries(2).await },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'succeeds_at-*' failed: attempt 3 fails)
                  succeeds_at-*: Pending > Running > Retrying > Retrying > Failed(Task run encountered an exception: attempt 3 fails)
                = Err(flow run '~scene~' failed: task run 'succeeds_at-*' failed: attempt 3 fails)
            "#]],
        ),
        scene(
            "a_retry_is_told_in_the_log",
            || async { succeeds_at(2).retries(1).retry_delay("10ms").await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  INFO Finished in state Completed()
                  succeeds_at-*: Pending > Running > AwaitingRetry+0.01 > Retrying > Completed
                    INFO Task run failed with exception: attempt 1 fails - Retry 1/1 will start 0.01 second(s) from now
                    INFO Finished in state Completed()
                = Ok(2)
            "#]],
        )
        .with_logs(),
        scene("exhausted_retries_are_told_in_the_log", || async { succeeds_at(9).retries(1).await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'succeeds_at-*' failed: attempt 2 fails)
              INFO Beginning flow run '~scene~' for flow 'scene'
              ERROR Encountered exception during execution: task run 'succeeds_at-*' failed: attempt 2 fails
              ERROR Finished in state Failed('Flow run encountered an exception: task run 'succeeds_at-*' failed: attempt 2 fails')
              succeeds_at-*: Pending > Running > Retrying > Failed(Task run encountered an exception: attempt 2 fails)
                INFO Task run failed with exception: attempt 1 fails - Retry 1/1 will start immediately
                ERROR Task run failed with exception: attempt 2 fails - Retries are exhausted
                ERROR Finished in state Failed('Task run encountered an exception: attempt 2 fails')
            = Err(flow run '~scene~' failed: task run 'succeeds_at-*' failed: attempt 2 fails)
        "#]])
            .with_logs(),
        scene("a_task_waits_for_its_declared_delay_before_each_retry", || async { declared().await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'declared-*' failed: never)
              declared-*: Pending > Running > AwaitingRetry+0.02 > Retrying > AwaitingRetry+0.02 > Retrying > Failed(Task run encountered an exception: never)
            = Err(flow run '~scene~' failed: task run 'declared-*' failed: never)
        "#]]),
        scene("a_list_of_delays_repeats_its_last", || async { listed().await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'listed-*' failed: never)
              listed-*: Pending > Running > AwaitingRetry+0.01 > Retrying > AwaitingRetry+0.03 > Retrying > AwaitingRetry+0.03 > Retrying > Failed(Task run encountered an exception: never)
            = Err(flow run '~scene~' failed: task run 'listed-*' failed: never)
        "#]]),
        scene("exponential_delays_grow_up_to_their_limit", || async { growing().await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'growing-*' failed: never)
              growing-*: Pending > Running > AwaitingRetry+0.01 > Retrying > AwaitingRetry+0.02 > Retrying > AwaitingRetry+0.03 > Retrying > Failed(Task run encountered an exception: never)
            = Err(flow run '~scene~' failed: task run 'growing-*' failed: never)
        "#]]),
        scene(
            "no_retries_on_the_call_beat_those_of_the_definition",
            || async { declared().retries(0).await },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'declared-*' failed: never)
                  declared-*: Pending > Running > Failed(Task run encountered an exception: never)
                = Err(flow run '~scene~' failed: task run 'declared-*' failed: never)
            "#]],
        ),
        scene(
            "the_delay_of_a_call_beats_the_one_of_the_definition",
            || async { declared().retry_delay("50ms").await },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'declared-*' failed: never)
                  declared-*: Pending > Running > AwaitingRetry+0.05 > Retrying > AwaitingRetry+0.05 > Retrying > Failed(Task run encountered an exception: never)
                = Err(flow run '~scene~' failed: task run 'declared-*' failed: never)
            "#]],
        ),
        scene("a_blocking_body_is_retried", || async { blocks_until(2).retries(1).await }, expect![[r#"
            flow scene: Pending > Running > Completed
              blocks_until-*: Pending > Running > Retrying > Completed
            = Ok(2)
        "#]]),
        scene("a_panic_is_retried", || async { panics_once().await }, expect![[r#"
            flow scene: Pending > Running > Completed
              panics_once-*: Pending > Running > Retrying > Completed
            = Ok(2)
        "#]]),
        scene("an_error_that_the_condition_accepts_is_retried", || async { picky(true).await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'picky-*' failed: Busy)
              picky-*: Pending > Running > Retrying > Failed(Task run encountered an exception: Busy)
            = Err(flow run '~scene~' failed: task run 'picky-*' failed: Busy)
        "#]]),
        scene(
            "an_error_that_the_condition_refuses_fails_the_run_at_once",
            || async { picky(false).await },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'picky-*' failed: Gone)
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  ERROR Encountered exception during execution: task run 'picky-*' failed: Gone
                  ERROR Finished in state Failed('Flow run encountered an exception: task run 'picky-*' failed: Gone')
                  picky-*: Pending > Running > Failed(Task run encountered an exception: Gone)
                    ERROR Task run failed with exception: Gone - It is not worth a retry
                    ERROR Finished in state Failed('Task run encountered an exception: Gone')
                = Err(flow run '~scene~' failed: task run 'picky-*' failed: Gone)
            "#]],
        )
        .with_logs(),
        scene("a_body_can_say_that_it_is_not_to_be_retried", || async { resigned().await }, expect![[r#"
            flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'resigned-*' failed: no use: Gone)
              resigned-*: Pending > Running > Failed(Task run encountered an exception: no use: Gone)
            = Err(flow run '~scene~' failed: task run 'resigned-*' failed: no use: Gone)
        "#]]),
        scene("a_submitted_task_is_retried", || async { succeeds_at(2).retries(1).submit().await }, expect![[r#"
            flow scene: Pending > Running > Completed
              succeeds_at-*: Pending > Running > Retrying > Completed
            = Ok(2)
        "#]]),
        scene(
            "each_item_of_a_map_has_retries_of_its_own",
            || async { flowkit::map([1, 2, 3], |nth| succeeds_at(nth).retries(2)).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  succeeds_at-*: Pending > Running > Completed
                  succeeds_at-*: Pending > Running > Retrying > Completed
                  succeeds_at-*: Pending > Running > Retrying > Retrying > Completed
                = Ok([1, 2, 3])
            "#]],
        ),
        flow("a_failed_flow_is_run_again", || second_run(2).retries(1), expect![[r#"
            flow second-run {"nth":2}: Pending > Running > AwaitingRetry+0(Flow run encountered an exception: run 1 fails) > Retrying > Completed
            = Ok(2)
        "#]]),
        flow(
            "a_failed_flow_waits_before_it_is_run_again",
            || second_run(2).retries(1).retry_delay("1s"),
            expect![[r#"
                flow second-run {"nth":2}: Pending > Running > AwaitingRetry+1(Flow run encountered an exception: run 1 fails) > Retrying > Completed
                = Ok(2)
            "#]],
        ),
        flow("a_flow_is_run_once_more_than_it_has_retries", || second_run(9).retries(2), expect![[r#"
            flow second-run {"nth":9}: Pending > Running > AwaitingRetry+0(Flow run encountered an exception: run 1 fails) > Retrying > AwaitingRetry+0(Flow run encountered an exception: run 2 fails) > Retrying > Failed(Flow run encountered an exception: run 3 fails)
            = Err(flow run '~second-run~' failed: run 3 fails)
        "#]]),
        flow("a_retry_of_a_flow_is_told_in_its_log", || second_run(2).retries(1), expect![[r#"
            flow second-run {"nth":2}: Pending > Running > AwaitingRetry+0(Flow run encountered an exception: run 1 fails) > Retrying > Completed
              INFO Beginning flow run '~second-run~' for flow 'second-run'
              ERROR Encountered exception during execution: run 1 fails
              INFO Received non-final state 'AwaitingRetry' when proposing a final state and will attempt to run again...
              INFO Finished in state Completed()
            = Ok(2)
        "#]]).with_logs(),
        flow("a_flow_whose_condition_refuses_the_error_is_not_run_again", || picky_flow(false), expect![[r#"
            flow picky-flow {"busy":false}: Pending > Running > Failed(Flow run encountered an exception: Gone)
            = Err(flow run '~picky-flow~' failed: Gone)
        "#]]),
        flow("a_flow_whose_condition_accepts_the_error_is_run_again", || picky_flow(true), expect![[r#"
            flow picky-flow {"busy":true}: Pending > Running > AwaitingRetry+0(Flow run encountered an exception: Busy) > Retrying > Failed(Flow run encountered an exception: Busy)
            = Err(flow run '~picky-flow~' failed: Busy)
        "#]]),
        flow("a_flow_can_say_that_it_is_not_to_be_run_again", resigned_flow, expect![[r#"
            flow resigned-flow: Pending > Running > Failed(Flow run encountered an exception: nothing to do)
            = Err(flow run '~resigned-flow~' failed: nothing to do)
        "#]]),
    ]
}
