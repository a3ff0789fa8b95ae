//! Work that is started beside the present code, and the end of the flow that started it.

use futures::StreamExt as _;

use crate::suite::common::*;
use crate::suite::prelude::*;

#[task]
async fn leaves_work() {
    drop(nap(20).submit());
}

#[task]
async fn outer(n: u32) -> flowkit::Result<u32> {
    let inner = double(n).submit();
    triple(&inner).await
}

#[flow]
async fn forgets_a_subflow() -> &'static str {
    drop(child(1).submit());
    "done"
}

#[flow]
async fn fails_early() -> Result<(), String> {
    drop(nap(20).submit());
    Err("early".to_owned())
}

#[flow]
async fn panics_early() {
    drop(nap(20).submit());
    panic!("early");
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        scene(
            "an_awaited_task_runs_here",
            || async { double(21).await },
            expect![[r#"
            flow scene: Pending > Running > Completed
              INFO Beginning flow run '~scene~' for flow 'scene'
              INFO Finished in state Completed()
              double-*: Pending > Running > Completed
                INFO Finished in state Completed()
            = Ok(42)
        "#]],
        )
        .with_logs(),
        scene(
            "a_submitted_task_runs_beside",
            || async { double(21).submit().await },
            expect![[r#"
            flow scene: Pending > Running > Completed
              double-*: Pending > Running > Completed
            = Ok(42)
        "#]],
        ),
        scene(
            "a_call_that_is_dropped_leaves_nothing",
            || async {
                drop(double(1));
                Ok(())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                = Ok(())
            "#]],
        ),
        scene(
            "a_flow_ends_after_the_work_it_submitted",
            || async {
                drop(nap(20).submit());
                Ok("done")
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  nap-*: Pending > Running > Completed
                = Ok("done")
            "#]],
        ),
        scene(
            "a_failure_that_nobody_looks_at_does_not_fail_the_flow",
            || async {
                drop(fail("unseen").submit());
                Ok("done")
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  fail-*: Pending > Running > Failed(Task run encountered an exception: unseen)
                = Ok("done")
            "#]],
        ),
        scene(
            "work_that_a_task_submitted_ends_before_the_flow",
            || async { leaves_work().await },
            expect![[r#"
            flow scene: Pending > Running > Completed
              leaves_work-*: Pending > Running > Completed
                nap-*: Pending > Running > Completed
            = Ok(())
        "#]],
        ),
        flow(
            "a_flow_ends_after_the_subflow_it_submitted",
            forgets_a_subflow,
            expect![[r#"
                flow forgets-a-subflow: Pending > Running > Completed
                  child-0: Pending > Pending > Running > Completed
                    flow child {"n":1}: Pending > Running > Completed
                      double-*: Pending > Running > Completed
                = Ok("done")
            "#]],
        ),
        flow(
            "a_flow_that_fails_ends_after_the_work_it_submitted",
            fails_early,
            expect![[r#"
            flow fails-early: Pending > Running > Failed(Flow run encountered an exception: early)
              nap-*: Pending > Running > Completed
            = Err(flow run '~fails-early~' failed: early)
        "#]],
        ),
        flow(
            "a_flow_that_panics_ends_after_the_work_it_submitted",
            panics_early,
            expect![[r#"
            flow panics-early: Pending > Running > Failed(Flow run encountered an exception: panicked at tests/tests/suite/submits.rs:_: early)
              nap-*: Pending > Running > Completed
            = Err(flow run '~panics-early~' panicked at tests/tests/suite/submits.rs:_: early)
        "#]],
        ),
        scene(
            "a_task_called_in_a_task_is_below_it",
            || async { outer(1).await },
            expect![[r#"
            flow scene: Pending > Running > Completed
              outer-*: Pending > Running > Completed
                double-*: Pending > Running > Completed
                triple-* (n <- double-*): Pending > Running > Completed
            = Ok(6)
        "#]],
        ),
        scene(
            "several_handles_give_the_same_result_of_one_run",
            || async {
                let future = double(4).submit();
                let other = future.clone();
                Ok((future.await?, other.await?))
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-*: Pending > Running > Completed
                = Ok((8, 8))
            "#]],
        ),
        scene(
            "resolve_all_gives_values_in_order",
            || async { flowkit::resolve_all((1..=3).map(|n| double(n).submit())).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  3 x double-*: Pending > Running > Completed
                = Ok([2, 4, 6])
            "#]],
        ),
        scene(
            "resolve_all_fails_with_the_first_failure_in_order",
            || async { flowkit::resolve_all([even(2).submit(), even(3).submit(), even(5).submit()]).await },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'even-*' failed: 3 is odd)
                  even-*: Pending > Running > Completed
                  even-*: Pending > Running > Failed(Task run encountered an exception: 3 is odd)
                  even-*: Pending > Running > Failed(Task run encountered an exception: 5 is odd)
                = Err(flow run '~scene~' failed: task run 'even-*' failed: 3 is odd)
            "#]],
        ),
        scene(
            "as_completed_gives_every_future_once",
            || async {
                let futures: Vec<_> = (1..=3).map(|n| double(n).submit()).collect();
                let mut values: Vec<u32> =
                    flowkit::as_completed(&futures).then(|future| async { future.await.unwrap_or(0) }).collect().await;
                values.sort_unstable();
                Ok(values)
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  3 x double-*: Pending > Running > Completed
                = Ok([2, 4, 6])
            "#]],
        ),
        scene(
            "wait_parts_what_has_ended_from_what_has_not",
            || async {
                let futures = vec![double(1).submit(), forever().submit()];
                until_task(&futures[0], "Completed").await;
                until_task(&futures[1], "Running").await;
                let (done, pending) = flowkit::wait(&futures, "20ms").await?;
                let counts = (done.len(), pending.len());
                pending.iter().for_each(TaskFuture::cancel);
                Ok(counts)
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-*: Pending > Running > Completed
                  forever-*: Pending > Running > Cancelled(Task run was cancelled.)
                = Ok((1, 1))
            "#]],
        ),
        scene(
            "a_wait_that_is_given_up_leaves_the_run_alone",
            || async {
                let future = forever().name("long").submit();
                let waited = future.wait_timeout("20ms").await.expect_err("it has no end").is_timeout();
                let state = future.state().name().to_owned();
                future.cancel();
                Ok((waited, state))
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  long: Pending > Running > Cancelled(Task run was cancelled.)
                = Ok((true, "Running"))
            "#]],
        ),
        scene(
            "a_spawned_future_can_stay_in_its_run",
            || async {
                let helper = tokio::spawn(flowkit::runtime::in_current_run(async { double(1).await }));
                helper.await.expect("it does not panic")
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-*: Pending > Running > Completed
                = Ok(2)
            "#]],
        ),
        behaviour(
            "a_task_outside_of_any_flow_has_no_flow_run",
            |stage| async move { stage.task(double(1)).await },
            expect![[r#"
                double-*: Pending > Running > Completed
                = Ok(2)
            "#]],
        ),
        behaviour(
            "a_failed_task_outside_of_any_flow_is_reported_too",
            |stage| async move { stage.task(fail("alone").retries(1)).await },
            expect![[r#"
                fail-*: Pending > Running > Retrying > Failed(Task run encountered an exception: alone)
                = Err(task run 'fail-*' failed: alone)
            "#]],
        ),
        behaviour(
            "tasks_outside_of_any_flow_are_linked",
            |stage| async move {
                let first = double(1).name("first").submit();
                stage.saw_task(&first);
                stage.task(triple(&first).name("second")).await
            },
            expect![[r#"
                first: Pending > Running > Completed
                second (n <- first): Pending > Running > Completed
                = Ok(6)
            "#]],
        ),
        scene(
            "untracked_runs_only_the_body",
            || async { double(3).untracked().await },
            expect![[r#"
            flow scene: Pending > Running > Completed
            = Ok(6)
        "#]],
        ),
    ]
}
