//! Flows called in flows.

use crate::suite::common::*;
use crate::suite::prelude::*;

#[flow]
async fn parent(n: u32) -> flowkit::Result<u32> {
    Ok(child(n).await? + child(n).await?)
}

#[flow]
async fn side_by_side() -> flowkit::Result<u32> {
    let (a, b) = (child(1).submit(), child(1).submit());
    Ok(a.await? + b.await?)
}

#[task]
async fn calls_a_flow(n: u32) -> flowkit::Result<u32> {
    child(n).await
}

#[flow(run_name = "kid {n}", tags = ["kid"])]
async fn named_child(n: u32) -> u32 {
    n
}

#[flow(retries = 1)]
async fn second_run() -> Result<u32, String> {
    let count = flowkit::runtime::flow_run().map_or(0, |run| run.effort().run_count);
    if count < 2 { Err(format!("run {count} fails")) } else { Ok(count) }
}

#[flow]
async fn panicking_child() -> u32 {
    panic!("the child is gone")
}

#[flow]
fn blocking_child(n: u32) -> u32 {
    n + 1
}

#[flow]
async fn grandparent() -> flowkit::Result<u32> {
    parent(1).await
}

#[flow]
async fn descends(depth: u32) -> flowkit::Result<u32> {
    if depth == 0 { Ok(0) } else { Ok(1 + Box::pin(descends(depth - 1).into_future()).await?) }
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        flow("a_root_flow_stands_for_itself", || child(1), expect![[r#"
            flow child {"n":1}: Pending > Running > Completed
              INFO Beginning flow run '~child~' for flow 'child'
              INFO Finished in state Completed()
              double-*: Pending > Running > Completed
                INFO Finished in state Completed()
            = Ok(2)
        "#]]).with_logs(),
        flow("a_subflow_has_a_task_run_in_its_parent_that_mirrors_its_states", || parent(1), expect![[r#"
            flow parent {"n":1}: Pending > Running > Completed
              INFO Beginning flow run '~parent~' for flow 'parent'
              INFO Finished in state Completed()
              child-0: Pending > Pending > Running > Completed
                flow child {"n":1}: Pending > Running > Completed
                  INFO Beginning subflow run '~child~' for flow 'child'
                  INFO Finished in state Completed()
                  double-*: Pending > Running > Completed
                    INFO Finished in state Completed()
              child-1: Pending > Pending > Running > Completed
                flow child {"n":1}: Pending > Running > Completed
                  INFO Beginning subflow run '~child~' for flow 'child'
                  INFO Finished in state Completed()
                  double-*: Pending > Running > Completed
                    INFO Finished in state Completed()
            = Ok(4)
        "#]]).with_logs(),
        flow("submitted_subflows_are_subflows_as_well", side_by_side, expect![[r#"
            flow side-by-side: Pending > Running > Completed
              child-0: Pending > Pending > Running > Completed
                flow child {"n":1}: Pending > Running > Completed
                  double-*: Pending > Running > Completed
              child-1: Pending > Pending > Running > Completed
                flow child {"n":1}: Pending > Running > Completed
                  double-*: Pending > Running > Completed
            = Ok(4)
        "#]]),
        scene("a_subflow_in_a_task_is_below_that_task", || async { calls_a_flow(1).await }, expect![[r#"
            flow scene: Pending > Running > Completed
              calls_a_flow-*: Pending > Running > Completed
                child-0: Pending > Pending > Running > Completed
                  flow child {"n":1}: Pending > Running > Completed
                    double-*: Pending > Running > Completed
            = Ok(2)
        "#]]),
        scene("a_subflow_has_a_name_and_tags_of_its_own", || async { named_child(7).await }, expect![[r#"
            flow scene: Pending > Running > Completed
              named-child-0: Pending > Pending > Running > Completed
                flow named-child "kid 7" [kid] {"n":7}: Pending > Running > Completed
            = Ok(7)
        "#]]),
        flow("subflows_nest", grandparent, expect![[r#"
            flow grandparent: Pending > Running > Completed
              parent-0: Pending > Pending > Running > Completed
                flow parent {"n":1}: Pending > Running > Completed
                  child-0: Pending > Pending > Running > Completed
                    flow child {"n":1}: Pending > Running > Completed
                      double-*: Pending > Running > Completed
                  child-1: Pending > Pending > Running > Completed
                    flow child {"n":1}: Pending > Running > Completed
                      double-*: Pending > Running > Completed
            = Ok(4)
        "#]]),
        scene(
            "a_failing_subflow_fails_its_parent_if_the_error_is_passed_on",
            || async { failing_child().await },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: flow run '~failing-child~' failed: task run 'fail-*' failed: boom)
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  ERROR Encountered exception during execution: flow run '~failing-child~' failed: task run 'fail-*' failed: boom
                  ERROR Finished in state Failed('Flow run encountered an exception: flow run '~failing-child~' failed: task run 'fail-*' failed: boom')
                  failing-child-0: Pending > Pending > Running > Failed(Flow run encountered an exception: task run 'fail-*' failed: boom)
                    flow failing-child: Pending > Running > Failed(Flow run encountered an exception: task run 'fail-*' failed: boom)
                      INFO Beginning subflow run '~failing-child~' for flow 'failing-child'
                      ERROR Encountered exception during execution: task run 'fail-*' failed: boom
                      ERROR Finished in state Failed('Flow run encountered an exception: task run 'fail-*' failed: boom')
                      fail-*: Pending > Running > Failed(Task run encountered an exception: boom)
                        ERROR Task run failed with exception: boom
                        ERROR Finished in state Failed('Task run encountered an exception: boom')
                = Err(flow run '~scene~' failed: flow run '~failing-child~' failed: task run 'fail-*' failed: boom)
            "#]],
        )
        .with_logs(),
        scene(
            "a_failing_subflow_that_is_caught_does_not_fail_its_parent",
            || async { Ok(failing_child().await.is_err()) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  failing-child-0: Pending > Pending > Running > Failed(Flow run encountered an exception: task run 'fail-*' failed: boom)
                    flow failing-child: Pending > Running > Failed(Flow run encountered an exception: task run 'fail-*' failed: boom)
                      fail-*: Pending > Running > Failed(Task run encountered an exception: boom)
                = Ok(true)
            "#]],
        ),
        scene("a_subflow_that_is_retried_mirrors_its_retries", || async { second_run().await }, expect![[r#"
            flow scene: Pending > Running > Completed
              second-run-0: Pending > Pending > Running > AwaitingRetry+0(Flow run encountered an exception: run 1 fails) > Retrying > Completed
                flow second-run: Pending > Running > AwaitingRetry+0(Flow run encountered an exception: run 1 fails) > Retrying > Completed
            = Ok(2)
        "#]]),
        scene(
            "a_panic_in_a_subflow_is_its_failure",
            || async { Ok(panicking_child().await.is_err_and(|it| it.is_panic())) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  panicking-child-0: Pending > Pending > Running > Failed(Flow run encountered an exception: panicked at tests/tests/suite/subflows.rs:_: the child is gone)
                    flow panicking-child: Pending > Running > Failed(Flow run encountered an exception: panicked at tests/tests/suite/subflows.rs:_: the child is gone)
                = Ok(true)
            "#]],
        ),
        scene("a_blocking_flow_is_a_subflow", || async { blocking_child(1).await }, expect![[r#"
            flow scene: Pending > Running > Completed
              blocking-child-0: Pending > Pending > Running > Completed
                flow blocking-child {"n":1}: Pending > Running > Completed
            = Ok(2)
        "#]]),
        scene(
            "a_subflow_is_given_parameters_as_json",
            || async { child.with_parameters(serde_json::json!({"n": 4})).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  child-0: Pending > Pending > Running > Completed
                    flow child {"n":4}: Pending > Running > Completed
                      double-*: Pending > Running > Completed
                = Ok(8)
            "#]],
        ),
        scene(
            "the_result_of_a_subflow_goes_into_a_task",
            || async {
                let n = child(1).await?;
                triple(n).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  child-0: Pending > Pending > Running > Completed
                    flow child {"n":1}: Pending > Running > Completed
                      double-*: Pending > Running > Completed
                  triple-*: Pending > Running > Completed
                = Ok(6)
            "#]],
        ),
        scene(
            "the_future_of_a_subflow_is_an_argument_and_an_edge",
            || async {
                let number = child(4).submit();
                triple(&number).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  child-0: Pending > Pending > Running > Completed
                    flow child {"n":4}: Pending > Running > Completed
                      double-*: Pending > Running > Completed
                  triple-* (n <- child): Pending > Running > Completed
                = Ok(24)
            "#]],
        ),
        scene(
            "a_task_after_a_failed_subflow_is_not_ready",
            || async {
                let failed = failing_child().submit();
                Ok(triple(&failed).await.is_err_and(|error| error.is_not_ready()))
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  failing-child-0: Pending > Pending > Running > Failed(Flow run encountered an exception: task run 'fail-*' failed: boom)
                    flow failing-child: Pending > Running > Failed(Flow run encountered an exception: task run 'fail-*' failed: boom)
                      fail-*: Pending > Running > Failed(Task run encountered an exception: boom)
                  triple-* (n <- failing-child): Pending > NotReady(Upstream flow run 'failing-child' did not reach a 'COMPLETED' state.)
                = Ok(true)
            "#]],
        ),
        scene(
            "a_subflow_that_waits_for_a_failed_task_is_not_ready",
            || async {
                let failed = fail("boom").submit();
                Ok(child(1).wait_for(&failed).await.is_err_and(|error| error.is_not_ready()))
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  child-0 (wait_for <- fail-*): Pending > Pending > NotReady(Upstream task run 'fail-*' did not reach a 'COMPLETED' state.)
                    flow child {"n":1}: Pending > NotReady(Upstream task run 'fail-*' did not reach a 'COMPLETED' state.)
                  fail-*: Pending > Running > Failed(Task run encountered an exception: boom)
                = Ok(true)
            "#]],
        ),
        scene(
            "a_subflow_waits_for_a_task",
            || async {
                let first = nothing().submit();
                child(1).wait_for(&first).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  child-0 (wait_for <- nothing-*): Pending > Pending > Running > Completed
                    flow child {"n":1}: Pending > Running > Completed
                      double-*: Pending > Running > Completed
                  nothing-*: Pending > Running > Completed
                = Ok(2)
            "#]],
        ),
        flow("a_flow_calls_itself", || descends(2), expect![[r#"
            flow descends {"depth":2}: Pending > Running > Completed
              descends-0: Pending > Pending > Running > Completed
                flow descends {"depth":1}: Pending > Running > Completed
                  descends-0: Pending > Pending > Running > Completed
                    flow descends {"depth":0}: Pending > Running > Completed
            = Ok(2)
        "#]]),
    ]
}
