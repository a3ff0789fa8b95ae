//! Futures as arguments, runs that wait for others, and upstreams that failed.

use crate::suite::common::*;
use crate::suite::prelude::*;

#[task]
async fn add(a: u32, b: u32) -> u32 {
    a + b
}

#[task]
fn add_blocking(a: u32, b: u32) -> u32 {
    a + b
}

#[task]
async fn tell(outcome: Result<u32, flowkit::Error>) -> String {
    outcome.map_or_else(|error| format!("{:?}", error.kind()), |value| value.to_string())
}

#[task]
async fn panics() -> u32 {
    panic!("no number today")
}

#[task]
async fn inner_chain(n: u32) -> flowkit::Result<u32> {
    let first = double(n).submit();
    add(&first, 1).await
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        scene("plain_values_are_arguments_without_an_edge", || async { add(1, 2).await }, expect![[r#"
            flow scene: Pending > Running > Completed
              add-*: Pending > Running > Completed
            = Ok(3)
        "#]]),
        scene(
            "a_future_is_an_argument_and_an_edge",
            || async {
                let number = double(2).name("first").submit();
                add(&number, 1).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  add-* (a <- first): Pending > Running > Completed
                  first: Pending > Running > Completed
                = Ok(5)
            "#]],
        ),
        scene(
            "a_future_is_an_argument_by_value_too",
            || async { add(1, double(2).name("given").submit()).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  add-* (b <- given): Pending > Running > Completed
                  given: Pending > Running > Completed
                = Ok(5)
            "#]],
        ),
        scene(
            "each_argument_has_edges_of_its_own",
            || async {
                let (a, b) = (double(1).name("left").submit(), double(2).name("right").submit());
                add(&a, &b).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  add-* (a <- left; b <- right): Pending > Running > Completed
                  left: Pending > Running > Completed
                  right: Pending > Running > Completed
                = Ok(6)
            "#]],
        ),
        scene(
            "one_future_can_be_two_arguments",
            || async {
                let both = double(3).name("both").submit();
                add(&both, &both).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  add-* (a <- both; b <- both): Pending > Running > Completed
                  both: Pending > Running > Completed
                = Ok(12)
            "#]],
        ),
        scene(
            "a_blocking_body_takes_futures",
            || async { add_blocking(triple(1).name("third").submit(), 1).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  add_blocking-* (a <- third): Pending > Running > Completed
                  third: Pending > Running > Completed
                = Ok(4)
            "#]],
        ),
        scene(
            "a_vector_of_futures_is_an_argument_with_an_edge_each",
            || async {
                let numbers: Vec<_> = (1..=3).map(|n| double(n).name("n{n}").submit()).collect();
                sum(&numbers).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  n1: Pending > Running > Completed
                  n2: Pending > Running > Completed
                  n3: Pending > Running > Completed
                  sum-* (numbers <- n1, n2, n3): Pending > Running > Completed
                = Ok(12)
            "#]],
        ),
        scene(
            "a_chain_of_futures_has_an_edge_for_each_link",
            || async {
                let first = double(1).name("one").submit();
                let second = double(&first).name("two").submit();
                double(&second).name("three").await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  one: Pending > Running > Completed
                  three (n <- two): Pending > Running > Completed
                  two (n <- one): Pending > Running > Completed
                = Ok(8)
            "#]],
        ),
        scene(
            "a_task_after_a_failed_one_is_not_ready",
            || async {
                let failed = fail("boom").name("upstream").submit();
                double(&failed).await
            },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'double-*' was not started: Upstream task run 'upstream' did not reach a 'COMPLETED' state: task run 'upstream' failed: boom)
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  ERROR Encountered exception during execution: task run 'double-*' was not started: Upstream task run 'upstream' did not reach a 'COMPLETED' state: task run 'upstream' failed: boom
                  ERROR Finished in state Failed('Flow run encountered an exception: task run 'double-*' was not started: Upstream task run 'upstream' did not reach a 'COMPLETED' state: task run 'upstream' failed: boom')
                  double-* (n <- upstream): Pending > NotReady(Upstream task run 'upstream' did not reach a 'COMPLETED' state.)
                    ERROR Finished in state NotReady('Upstream task run 'upstream' did not reach a 'COMPLETED' state.', type=PENDING)
                  upstream: Pending > Running > Failed(Task run encountered an exception: boom)
                    ERROR Task run failed with exception: boom
                    ERROR Finished in state Failed('Task run encountered an exception: boom')
                = Err(flow run '~scene~' failed: task run 'double-*' was not started: Upstream task run 'upstream' did not reach a 'COMPLETED' state: task run 'upstream' failed: boom)
            "#]],
        )
        .with_logs(),
        scene(
            "a_flow_goes_on_when_it_catches_that_a_task_is_not_ready",
            || async {
                let failed = fail("boom").name("upstream").submit();
                Ok(double(&failed).await.is_err_and(|error| error.is_not_ready()))
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-* (n <- upstream): Pending > NotReady(Upstream task run 'upstream' did not reach a 'COMPLETED' state.)
                  upstream: Pending > Running > Failed(Task run encountered an exception: boom)
                = Ok(true)
            "#]],
        ),
        scene(
            "not_ready_spreads_downstream",
            || async {
                let failed = fail("boom").name("upstream").submit();
                let next = double(&failed).name("next").submit();
                Ok(double(&next).name("last").await.is_err())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-* (n <- double-*): Pending > NotReady(Upstream task run 'double-*' did not reach a 'COMPLETED' state.)
                  double-* (n <- upstream): Pending > NotReady(Upstream task run 'upstream' did not reach a 'COMPLETED' state.)
                  upstream: Pending > Running > Failed(Task run encountered an exception: boom)
                = Ok(true)
            "#]],
        ),
        scene(
            "a_task_that_is_not_ready_is_not_retried",
            || async {
                let failed = fail("boom").name("upstream").submit();
                Ok(double(&failed).retries(3).await.is_err())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-* (n <- upstream): Pending > NotReady(Upstream task run 'upstream' did not reach a 'COMPLETED' state.)
                  upstream: Pending > Running > Failed(Task run encountered an exception: boom)
                = Ok(true)
            "#]],
        ),
        scene(
            "one_failed_element_makes_a_task_over_all_not_ready",
            || async {
                let numbers: Vec<_> = [2, 3].map(|n| even(n).name("n{n}").submit()).into();
                Ok(sum(&numbers).await.is_err())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  n2: Pending > Running > Completed
                  n3: Pending > Running > Failed(Task run encountered an exception: 3 is odd)
                  sum-* (numbers <- n2, n3): Pending > NotReady(Upstream task run 'n3' did not reach a 'COMPLETED' state.)
                = Ok(true)
            "#]],
        ),
        scene(
            "a_task_after_one_that_timed_out_is_not_ready",
            || async {
                let slow = forever().name("slow").timeout("20ms").submit();
                Ok(double(&slow).return_state().await.name().to_owned())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-* (n <- slow): Pending > NotReady(Upstream task run 'slow' did not reach a 'COMPLETED' state.)
                  slow: Pending > Running > TimedOut(Task run exceeded timeout of 0.02 second(s))
                = Ok("NotReady")
            "#]],
        ),
        scene(
            "a_task_after_one_that_panicked_is_not_ready",
            || async {
                let broken = panics().name("broken").submit();
                Ok(double(&broken).return_state().await.name().to_owned())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  broken: Pending > Running > Failed(Task run encountered an exception: panicked at tests/tests/suite/upstreams.rs:_: no number today)
                  double-* (n <- broken): Pending > NotReady(Upstream task run 'broken' did not reach a 'COMPLETED' state.)
                = Ok("NotReady")
            "#]],
        ),
        scene(
            "a_task_after_a_cancelled_one_is_not_ready",
            || async {
                let endless = forever().name("endless").submit();
                until_task(&endless, "Running").await;
                let after = double(&endless).name("after").submit();
                endless.cancel();
                Ok(after.wait().await.name().to_owned())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-* (n <- endless): Pending > NotReady(Upstream task run 'endless' did not reach a 'COMPLETED' state.)
                  endless: Pending > Running > Cancelled(Task run was cancelled.)
                = Ok("NotReady")
            "#]],
        ),
        scene(
            "wait_for_is_an_edge_without_a_value",
            || async {
                let first = nothing().name("first").submit();
                double(1).wait_for(&first).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-* (wait_for <- first): Pending > Running > Completed
                  first: Pending > Running > Completed
                = Ok(2)
            "#]],
        ),
        scene(
            "wait_for_takes_futures_of_several_types",
            || async {
                let (unit, number) = (nothing().name("unit").submit(), double(1).name("number").submit());
                let map = flowkit::map([1, 2], |n| double(n).name("item {n}")).submit();
                double(1).name("after").wait_for((&unit, &number, &map)).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  after (wait_for <- item 1, item 2, number, unit): Pending > Running > Completed
                  item 1: Pending > Running > Completed
                  item 2: Pending > Running > Completed
                  number: Pending > Running > Completed
                  unit: Pending > Running > Completed
                = Ok(2)
            "#]],
        ),
        scene(
            "a_task_that_waits_for_a_failed_one_is_not_ready",
            || async {
                let (good, bad) = (nothing().name("good").submit(), fail("boom").name("bad").submit());
                Ok(double(1).wait_for((&good, &bad)).return_state().await.name().to_owned())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  bad: Pending > Running > Failed(Task run encountered an exception: boom)
                  double-* (wait_for <- bad, good): Pending > NotReady(Upstream task run 'bad' did not reach a 'COMPLETED' state.)
                  good: Pending > Running > Completed
                = Ok("NotReady")
            "#]],
        ),
        scene(
            "allow_failure_gives_the_error_of_a_failed_upstream",
            || async {
                let failed = fail("boom").name("upstream").submit();
                tell(flowkit::allow_failure(&failed)).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  tell-* (outcome <- upstream): Pending > Running > Completed
                  upstream: Pending > Running > Failed(Task run encountered an exception: boom)
                = Ok("Failed")
            "#]],
        ),
        scene(
            "allow_failure_gives_the_value_of_a_good_upstream",
            || async {
                let good = double(4).name("upstream").submit();
                tell(flowkit::allow_failure(&good)).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  tell-* (outcome <- upstream): Pending > Running > Completed
                  upstream: Pending > Running > Completed
                = Ok("8")
            "#]],
        ),
        scene(
            "allow_failure_lets_a_cancelled_upstream_through",
            || async {
                let endless = forever().name("upstream").submit();
                until_task(&endless, "Running").await;
                endless.cancel();
                tell(flowkit::allow_failure(&endless)).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  tell-* (outcome <- upstream): Pending > Running > Completed
                  upstream: Pending > Running > Cancelled(Task run was cancelled.)
                = Ok("Cancelled")
            "#]],
        ),
        scene("edges_between_tasks_inside_of_a_task_are_kept", || async { inner_chain(3).await }, expect![[r#"
            flow scene: Pending > Running > Completed
              inner_chain-*: Pending > Running > Completed
                add-* (a <- double-*): Pending > Running > Completed
                double-*: Pending > Running > Completed
            = Ok(7)
        "#]]),
    ]
}
