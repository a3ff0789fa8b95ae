//! What is cached, and what is taken back. Nothing is stored in files here: `live_results.rs` shows that.

use flowkit::{Secret, Transaction, transaction};

use crate::suite::common::*;
use crate::suite::prelude::*;

#[task(cache = inputs + run_id, persist_result = false)]
async fn square(n: u32) -> u32 {
    n * n
}

// Keys are in the log: those without `run_id` are the same wherever this is run.
#[task(cache = inputs - note, persist_result = false)]
async fn noted(n: u32, note: u32) -> u32 {
    n + note
}

#[task(cache_key = key_of, persist_result = false)]
async fn keyed(run: String) -> u32 {
    u32::try_from(run.len()).unwrap_or_default()
}

fn key_of(run: &String) -> String {
    format!("suite-{run}")
}

#[task(cache = inputs + run_id, persist_result = false)]
async fn refused(n: u32) -> Result<u32, String> {
    Err(format!("no {n}"))
}

#[task(cache = inputs, persist_result = false)]
async fn cube(n: u32) -> u32 {
    n * n * n
}

#[flow]
async fn asks_twice() -> flowkit::Result<u32> {
    Ok(cube(3).await? + cube(3).await?)
}

#[flow]
async fn asks_for_others() -> flowkit::Result<u32> {
    Ok(square(3).await? + square(4).await?)
}

#[flow]
async fn asks_afresh() -> flowkit::Result<u32> {
    Ok(square(3).await? + square(3).refresh_cache().await?)
}

#[flow]
async fn leaves_an_argument_out() -> flowkit::Result<u32> {
    Ok(noted(3, 1).await? + noted(3, 2).await?)
}

#[flow]
async fn has_a_key_of_its_own() -> flowkit::Result<u32> {
    let run = flowkit::runtime::flow_run().map(|run| run.id().to_string()).unwrap_or_default();
    Ok(keyed(run.clone()).await? + keyed(run).await?)
}

#[flow]
async fn fails_twice() -> String {
    let (first, second) = (refused(3).await, refused(3).await);
    format!("{} {}", first.is_err(), second.is_err())
}

fn undo(_: Transaction) {}

#[task(on_rollback = undo)]
async fn step(n: u32) -> u32 {
    n
}

#[flow]
async fn commits() -> flowkit::Result<u32> {
    let run = flowkit::runtime::flow_run().map(|run| run.id().to_string()).unwrap_or_default();
    transaction(run).persist(false).run(async |_| Ok(step(1).await? + step(2).await?)).await
}

#[flow]
async fn rolls_back() -> flowkit::Result<u32> {
    let run = flowkit::runtime::flow_run().map(|run| run.id().to_string()).unwrap_or_default();
    transaction(run).persist(false).run(async |_| Ok(step(1).await? + fail("boom").await?)).await
}

#[flow]
async fn keeps_a_secret(token: Secret, n: u32) -> usize {
    token.expose().len() + n as usize
}

#[task(run_name = name_of)]
async fn named(n: u32) -> u32 {
    n
}

fn name_of(n: &u32) -> String {
    format!("number {n}")
}

#[flow]
async fn names_by_function() -> flowkit::Result<u32> {
    named(7).await
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        flow(
            "an_equal_call_of_a_cached_task_is_cached",
            asks_twice,
            expect![[r#"
                flow asks-twice: Pending > Running > Completed
                  cube-*: Pending > Running > Cached
                  cube-*: Pending > Running > Completed
                = Ok(54)
            "#]],
        ),
        flow(
            "a_cached_task_runs_for_other_arguments",
            asks_for_others,
            expect![[r#"
            flow asks-for-others: Pending > Running > Completed
              2 x square-*: Pending > Running > Completed
            = Ok(25)
        "#]],
        ),
        flow(
            "refresh_cache_runs_the_task_again",
            asks_afresh,
            expect![[r#"
            flow asks-afresh: Pending > Running > Completed
              2 x square-*: Pending > Running > Completed
            = Ok(18)
        "#]],
        ),
        flow(
            "an_argument_that_is_left_out_does_not_matter",
            leaves_an_argument_out,
            expect![[r#"
            flow leaves-an-argument-out: Pending > Running > Completed
              noted-*: Pending > Running > Cached
              noted-*: Pending > Running > Completed
            = Ok(8)
        "#]],
        ),
        flow(
            "a_key_function_decides_which_calls_are_equal",
            has_a_key_of_its_own,
            expect![[r#"
            flow has-a-key-of-its-own: Pending > Running > Completed
              keyed-*: Pending > Running > Cached
              keyed-*: Pending > Running > Completed
            = Ok(72)
        "#]],
        ),
        flow(
            "a_failure_is_not_cached",
            fails_twice,
            expect![[r#"
            flow fails-twice: Pending > Running > Completed
              2 x refused-*: Pending > Running > Failed(Task run encountered an exception: no 3)
            = Ok("true true")
        "#]],
        ),
        flow(
            "tasks_of_a_transaction_that_is_committed_stay_completed",
            commits,
            expect![[r#"
            flow commits: Pending > Running > Completed
              2 x step-*: Pending > Running > Completed
            = Ok(3)
        "#]],
        ),
        flow(
            "tasks_of_a_transaction_that_failed_are_rolled_back",
            rolls_back,
            expect![[r#"
            flow rolls-back: Pending > Running > Failed(Flow run encountered an exception: task run 'fail-*' failed: boom)
              fail-*: Pending > Running > Failed(Task run encountered an exception: boom)
              step-*: Pending > Running > Completed > RolledBack
            = Err(flow run '~rolls-back~' failed: task run 'fail-*' failed: boom)
        "#]],
        ),
        flow(
            "a_secret_parameter_is_masked",
            || keeps_a_secret(Secret::new("hunter2-of-the-suite"), 1),
            expect![[r#"
            flow keeps-a-secret {"n":1,"token":"**********"}: Pending > Running > Completed
            = Ok(21)
        "#]],
        ),
        flow(
            "a_function_names_a_task_run",
            names_by_function,
            expect![[r#"
            flow names-by-function: Pending > Running > Completed
              number 7: Pending > Running > Completed
            = Ok(7)
        "#]],
        ),
    ]
}
