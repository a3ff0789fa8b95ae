//! One task over many items.

use futures::StreamExt as _;

use crate::suite::common::*;
use crate::suite::prelude::*;

#[task]
async fn scale(factor: u32, n: u32) -> u32 {
    factor * n
}

#[task]
async fn doubled_sum(upto: u32) -> flowkit::Result<u32> {
    Ok(flowkit::map(1..=upto, double).await?.into_iter().sum())
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        scene(
            "a_map_runs_a_task_for_each_value_and_keeps_the_order",
            || async { flowkit::map(1..=3, double).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  3 x double-*: Pending > Running > Completed
                = Ok([2, 4, 6])
            "#]],
        ),
        scene(
            "a_map_over_futures_has_an_edge_from_each_to_its_own_item",
            || async {
                let numbers: Vec<_> = (1..=2).map(|n| double(n).name("n{n}").submit()).collect();
                flowkit::map(&numbers, |n| triple(n).name("of {n}")).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  n1: Pending > Running > Completed
                  n2: Pending > Running > Completed
                  of 2 (n <- n1): Pending > Running > Completed
                  of 4 (n <- n2): Pending > Running > Completed
                = Ok([6, 12])
            "#]],
        ),
        scene(
            "a_map_over_a_map_links_the_items",
            || async {
                let first = flowkit::map(1..=2, |n| double(n).name("n{n}")).submit();
                flowkit::map(&first, triple).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  n1: Pending > Running > Completed
                  n2: Pending > Running > Completed
                  triple-* (n <- n1): Pending > Running > Completed
                  triple-* (n <- n2): Pending > Running > Completed
                = Ok([6, 12])
            "#]],
        ),
        scene(
            "a_constant_of_a_map_is_captured_by_the_closure",
            || async {
                let factor = 10;
                flowkit::map(1..=2, |n| scale(factor, n)).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  2 x scale-*: Pending > Running > Completed
                = Ok([10, 20])
            "#]],
        ),
        scene(
            "a_constant_that_is_a_future_is_an_edge_of_each_item",
            || async {
                let factor = double(5).name("factor").submit();
                flowkit::map(1..=2, |n| scale(&factor, n)).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  factor: Pending > Running > Completed
                  2 x scale-* (factor <- factor): Pending > Running > Completed
                = Ok([10, 20])
            "#]],
        ),
        scene(
            "a_limit_changes_nothing_but_how_many_run_at_once",
            || async { flowkit::map(1..=5, double).limit(1).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  5 x double-*: Pending > Running > Completed
                = Ok([2, 4, 6, 8, 10])
            "#]],
        ),
        scene(
            "an_empty_map_is_empty",
            || async { flowkit::map(0..0, double).await },
            expect![[r#"
            flow scene: Pending > Running > Completed
            = Ok([])
        "#]],
        ),
        scene(
            "a_failed_item_fails_the_map_after_every_item_has_run",
            || async { flowkit::map(1..=4, even).await },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'even-*' failed: 1 is odd)
                  2 x even-*: Pending > Running > Completed
                  even-*: Pending > Running > Failed(Task run encountered an exception: 1 is odd)
                  even-*: Pending > Running > Failed(Task run encountered an exception: 3 is odd)
                = Err(flow run '~scene~' failed: task run 'even-*' failed: 1 is odd)
            "#]],
        ),
        scene(
            "results_of_a_map_are_one_for_each_item",
            || async {
                let results = flowkit::map(1..=3, even).results().await;
                Ok(results.into_iter().map(|result| result.map_err(|error| error.kind())).collect::<Vec<_>>())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  even-*: Pending > Running > Completed
                  even-*: Pending > Running > Failed(Task run encountered an exception: 1 is odd)
                  even-*: Pending > Running > Failed(Task run encountered an exception: 3 is odd)
                = Ok([Err(Failed), Ok(2), Err(Failed)])
            "#]],
        ),
        scene(
            "fail_fast_starts_no_further_items",
            || async {
                // Of more items, some are never begun and leave no run: how many is a race between threads.
                let result = flowkit::map([1, 2], even).limit(1).fail_fast().await;
                Ok(result.is_err())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  even-*: Pending > Cancelled(Task run was cancelled.)
                  even-*: Pending > Running > Failed(Task run encountered an exception: 1 is odd)
                = Ok(true)
            "#]],
        ),
        scene(
            "fail_fast_cancels_the_items_under_way",
            || async {
                let calls =
                    |n: u32| if n == 0 { forever().name("fails").timeout("20ms") } else { forever().name("under way") };
                Ok(flowkit::map(0..3, calls).fail_fast().await.is_err())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  fails: Pending > Running > TimedOut(Task run exceeded timeout of 0.02 second(s))
                  2 x under way: Pending > Running > Cancelled(Task run was cancelled.)
                = Ok(true)
            "#]],
        ),
        scene(
            "a_submitted_map_is_a_vector_argument_with_an_edge_from_each_item",
            || async {
                let doubled = flowkit::map(1..=3, |n| double(n).name("n{n}")).submit();
                sum(&doubled).await
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
            "a_failed_item_makes_a_task_over_the_map_not_ready",
            || async {
                let items = flowkit::map(2..=3, |n| even(n).name("n{n}")).submit();
                Ok(sum(&items).return_state().await.name().to_owned())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  n2: Pending > Running > Completed
                  n3: Pending > Running > Failed(Task run encountered an exception: 3 is odd)
                  sum-* (numbers <- n2, n3): Pending > NotReady(Upstream task run 'n3' did not reach a 'COMPLETED' state.)
                = Ok("NotReady")
            "#]],
        ),
        scene(
            "a_submitted_map_gives_a_state_for_each_item",
            || async {
                let states = flowkit::map(1..=3, even).submit().wait().await;
                Ok(states.iter().map(|state| state.name().to_owned()).collect::<Vec<_>>())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  even-*: Pending > Running > Completed
                  even-*: Pending > Running > Failed(Task run encountered an exception: 1 is odd)
                  even-*: Pending > Running > Failed(Task run encountered an exception: 3 is odd)
                = Ok(["Failed", "Completed", "Failed"])
            "#]],
        ),
        scene(
            "a_stream_gives_all_results",
            || async {
                let mut values: Vec<u32> =
                    flowkit::map(1..=3, double).stream().map(|it| it.unwrap_or(0)).collect().await;
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
            "a_stream_gives_results_in_the_order_in_which_they_end",
            || async {
                let endings = flowkit::map([80, 5], nap).limit(2).stream().map(|it| it.unwrap_or(0));
                Ok(endings.collect::<Vec<_>>().await)
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  2 x nap-*: Pending > Running > Completed
                = Ok([5, 80])
            "#]],
        ),
        scene(
            "a_map_inside_of_a_task_belongs_to_that_task",
            || async { doubled_sum(2).await },
            expect![[r#"
            flow scene: Pending > Running > Completed
              doubled_sum-*: Pending > Running > Completed
                2 x double-*: Pending > Running > Completed
            = Ok(6)
        "#]],
        ),
        scene(
            "nested_maps_of_limit_one_do_not_block_each_other",
            || async { flowkit::map(1..=3, doubled_sum).limit(1).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  doubled_sum-*: Pending > Running > Completed
                    2 x double-*: Pending > Running > Completed
                  doubled_sum-*: Pending > Running > Completed
                    3 x double-*: Pending > Running > Completed
                  doubled_sum-*: Pending > Running > Completed
                    double-*: Pending > Running > Completed
                = Ok([2, 6, 12])
            "#]],
        ),
        scene(
            "a_map_of_blocking_bodies_runs_them_all",
            || async { flowkit::map(1..=3, triple).await },
            expect![[r#"
            flow scene: Pending > Running > Completed
              3 x triple-*: Pending > Running > Completed
            = Ok([3, 6, 9])
        "#]],
        ),
        scene(
            "items_of_a_map_have_tags_of_their_calls",
            || async { flowkit::map(1..=2, |n| double(n).tags(["mapped"])).await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  2 x double-* [mapped]: Pending > Running > Completed
                = Ok([2, 4])
            "#]],
        ),
        scene(
            "cancelling_a_submitted_map_starts_nothing_more",
            || async {
                let map = flowkit::map(0..3, |_| forever()).limit(1).submit();
                let first = map.get(0).expect("there are three");
                until_task(&first, "Running").await;
                map.cancel();
                Ok(map.wait().await.iter().map(|state| state.name().to_owned()).collect::<Vec<_>>())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  2 x forever-*: Pending > Cancelled(Task run was cancelled.)
                  forever-*: Pending > Running > Cancelled(Task run was cancelled.)
                = Ok(["Cancelled", "Cancelled", "Cancelled"])
            "#]],
        ),
    ]
}
