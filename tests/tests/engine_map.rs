//! Maps: order, limits, laziness, failures, handles.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{DEFAULT_LIMIT, ErrorKind};
use flowkit_tests::lab::{Lab, path, rounded, seconds};
use futures::StreamExt;
use tokio::time::{Instant, sleep};

#[task]
async fn double(n: u64) -> u64 {
    n * 2
}

/// Later items end earlier.
#[task]
async fn slower_first(n: u64) -> u64 {
    sleep(Duration::from_secs(10 - n)).await;
    n
}

#[task]
async fn nap(seconds: u64) -> u64 {
    sleep(Duration::from_secs(seconds)).await;
    seconds
}

#[task]
async fn odd_fails(n: u64) -> Result<u64, String> {
    sleep(Duration::from_secs(1 + n % 2)).await;
    if n % 2 == 1 { Err(format!("{n} is odd")) } else { Ok(n) }
}

/// How many bodies are in the middle at once, and how many were at most.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[task]
async fn gauged(gauge: Arc<Gauge>, n: u64) -> u64 {
    let now = gauge.now.fetch_add(1, Ordering::Relaxed) + 1;
    gauge.most.fetch_max(now, Ordering::Relaxed);
    sleep(Duration::from_secs(1)).await;
    gauge.now.fetch_sub(1, Ordering::Relaxed);
    n
}

#[task]
async fn sum(numbers: Vec<u64>) -> u64 {
    numbers.into_iter().sum()
}

#[tokio::test(start_paused = true)]
async fn a_map_does_nothing_until_it_is_started() {
    let lab = Lab::default();
    let mut made = 0;
    lab.run(async {
        let map = flowkit::map(1..=3, |n| {
            made += 1;
            double(n)
        });
        sleep(Duration::from_secs(1)).await;
        drop(map);
    })
    .await;
    assert_eq!((made, lab.all_tasks().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn values_come_in_the_order_of_the_items() {
    let lab = Lab::default();
    lab.run(async {
        assert_eq!(flowkit::map(0..10, slower_first).await.expect("all succeed"), Vec::from_iter(0..10));
        let submitted = flowkit::map(0..10, slower_first).limit(3).submit();
        assert_eq!(submitted.len(), 10);
        assert_eq!(submitted.await.expect("all succeed"), Vec::from_iter(0..10));
        let results = flowkit::map(0..10, slower_first).results().await;
        assert_eq!(results.into_iter().flatten().collect::<Vec<_>>(), Vec::from_iter(0..10));
    })
    .await;
    assert_eq!(lab.tasks("slower_first").len(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_stream_gives_results_in_the_order_in_which_they_come() {
    let lab = Lab::default();
    let values: Vec<u64> = lab
        .run(async { flowkit::map(0..5, slower_first).stream().map(|it| it.expect("all succeed")).collect().await })
        .await;
    assert_eq!(values, [4, 3, 2, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_used_up_and_never_exceeded() {
    let lab = Lab::default();
    lab.run(async {
        for (limit, items, takes) in [(1, 3, 3), (7, 20, 3), (0, 2, 2), (50, 20, 1)] {
            let (gauge, start) = (Arc::new(Gauge::default()), Instant::now());
            let map = || flowkit::map(0..items, |n| gauged(Arc::clone(&gauge), n)).limit(limit);
            map().await.expect("all succeed");
            assert_eq!(rounded(start.elapsed()), takes, "limit {limit}, awaited");
            map().submit().await.expect("all succeed");
            assert_eq!(rounded(start.elapsed()), 2 * takes, "limit {limit}, submitted");
            assert_eq!(gauge.most.load(Ordering::Relaxed), limit.clamp(1, items as usize), "0 counts as 1");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn there_is_a_finite_default_limit() {
    let (lab, gauge) = (Lab::default(), Arc::new(Gauge::default()));
    lab.run(async { flowkit::map(0..250, |n| gauged(Arc::clone(&gauge), n)).await }).await.expect("all succeed");
    assert_eq!(gauge.most.load(Ordering::Relaxed), DEFAULT_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn a_stream_runs_only_a_little_ahead_of_its_consumer() {
    let (lab, made) = (Lab::default(), AtomicUsize::new(0));
    lab.run(async {
        let items = (0..1_000_000).inspect(|_| {
            made.fetch_add(1, Ordering::Relaxed);
        });
        let first: Vec<_> = flowkit::map(items, double).limit(4).stream().take(10).collect().await;
        assert_eq!(first.len(), 10);
        sleep(Duration::from_secs(60)).await;
    })
    .await;
    let made = made.load(Ordering::Relaxed);
    assert!((10..=200).contains(&made), "{made} calls were made");
    assert!(lab.all_tasks().len() <= made && lab.all_tasks().iter().all(|run| run.state().is_final()));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_stream_cancels_what_is_under_way() {
    let lab = Lab::default();
    lab.run(async {
        let mut stream = flowkit::map([1, 60, 60, 60], nap).limit(3).stream();
        assert_eq!(stream.next().await.expect("there are four").expect("it succeeds"), 1);
        drop(stream);
        sleep(Duration::from_secs(100)).await;
    })
    .await;
    let states: Vec<_> = lab.tasks("nap").iter().map(|run| path(&run.states())).collect();
    let cancelled = "Pending > Running > Cancelled";
    assert_eq!(states[..3], ["Pending > Running > Completed", cancelled, cancelled]);
    assert!(states[3..].iter().all(|path| path.ends_with("Cancelled")));
}

#[tokio::test(start_paused = true)]
async fn a_failed_item_fails_the_map_after_every_item_has_run() {
    let lab = Lab::default();
    lab.run(async {
        let awaited = flowkit::map(0..6, odd_fails).limit(2).await.expect_err("some are odd");
        assert!(awaited.chain().ends_with("1 is odd"), "the first in order: {awaited:?}");
        let submitted = flowkit::map(0..6, odd_fails).submit().await.expect_err("some are odd");
        assert!(submitted.chain().ends_with("1 is odd"), "{submitted:?}");
    })
    .await;
    assert_eq!(lab.tasks("odd_fails").iter().filter(|run| run.state().is_completed()).count(), 6);
    assert_eq!(lab.tasks("odd_fails").iter().filter(|run| run.state().is_failed()).count(), 6);
}

#[tokio::test(start_paused = true)]
async fn results_gives_one_result_for_each_item() {
    let lab = Lab::default();
    let results = lab.run(async { flowkit::map(0..4, odd_fails).results().await }).await;
    let shown: Vec<_> = results.into_iter().map(|result| result.map_err(|error| error.kind())).collect();
    assert_eq!(shown, [Ok(0), Err(ErrorKind::Failed), Ok(2), Err(ErrorKind::Failed)]);
}

#[tokio::test(start_paused = true)]
async fn fail_fast_stops_at_the_first_failure_and_tells_it() {
    for how in ["await", "submit", "results", "stream"] {
        let lab = Lab::default();
        let calls = |n: u64| if n == 2 { odd_fails(3).name("bad") } else { nap(60) };
        let error = lab
            .run(async {
                let map = flowkit::map(0..10, calls).limit(4).fail_fast();
                let result = match how {
                    "await" => map.await.map(drop),
                    "submit" => map.submit().await.map(drop),
                    "results" => map.results().await.swap_remove(2).map(drop),
                    _ => map.stream().next().await.expect("there are ten").map(drop),
                };
                sleep(Duration::from_secs(1)).await;
                result.expect_err("one is odd")
            })
            .await;
        assert!(error.chain().ends_with("3 is odd"), "{how}: {error:?}");
        let runs = lab.tasks("nap");
        assert!(runs.iter().all(|run| run.state().is_cancelled()), "{how}");
        let begun = runs.iter().filter(|run| run.effort().run_count > 0).count();
        assert_eq!(begun, 3, "{how}: no further items are started");
        assert!(runs.iter().all(|run| seconds(&run.states()).last() <= Some(&2)), "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_submitted_map_is_a_vector_argument() {
    let lab = Lab::default();
    let total = lab
        .run(async {
            let doubled = flowkit::map([1, 2, 3], double).submit();
            let total = sum(&doubled).submit();
            assert_eq!(doubled.wait().await.len(), 3);
            total.await
        })
        .await;
    assert_eq!(total.expect("it succeeds"), 12);
}

#[tokio::test(start_paused = true)]
async fn a_map_over_futures_starts_each_item_when_its_own_future_is_there() {
    let lab = Lab::default();
    let values = lab
        .run(async {
            let naps = flowkit::map([3, 1, 2], nap).submit();
            let doubled = flowkit::map(&naps, double).submit();
            let again = vec![nap(4).submit(), nap(5).submit()];
            let more = flowkit::map(&again, double).await?;
            Ok::<_, flowkit::Error>([doubled.await?, more].concat())
        })
        .await;
    assert_eq!(values.expect("all succeed"), [6, 2, 4, 8, 10]);
    let mut waited: Vec<_> = lab.tasks("double").iter().map(|run| seconds(&run.states())[1]).collect();
    waited.sort_unstable();
    assert_eq!(waited, [1, 2, 3, 4, 5]);
    for run in lab.tasks("double") {
        assert_eq!(run.inputs()[0].1.len(), 1, "each is linked to its own element");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_map_is_empty() {
    let lab = Lab::default();
    lab.run(async {
        assert!(flowkit::map(0..0, double).await.expect("nothing fails").is_empty());
        assert!(flowkit::map(0..0, double).results().await.is_empty());
        assert!(flowkit::map(0..0, double).stream().next().await.is_none());
        let submitted = flowkit::map(0..0, double).submit();
        assert!(submitted.is_empty() && submitted.is_done());
        assert_eq!(sum(&submitted).await.expect("it succeeds"), 0);
        assert!(submitted.await.expect("nothing fails").is_empty());
    })
    .await;
}

#[task]
async fn nested(n: u64) -> flowkit::Result<u64> {
    let inner = flowkit::map(0..n, double).limit(1).await?;
    Ok(inner.into_iter().sum())
}

#[task]
async fn submits(n: u64) -> flowkit::Result<u64> {
    let first = double(n).submit();
    let second = double(&first).submit();
    let all = flowkit::map([n, n], nap).limit(1).submit();
    Ok(second.await? + sum(&all).submit().await?)
}

#[tokio::test(start_paused = true)]
async fn nested_maps_and_submits_inside_of_maps_with_limit_one_do_not_block_each_other() {
    let lab = Lab::default();
    let both = lab.run(async {
        let sums = flowkit::map(0..4, nested).limit(1).await?;
        let more = flowkit::map(1..4, submits).limit(1).await?;
        Ok::<_, flowkit::Error>((sums, more))
    });
    let both = tokio::time::timeout(Duration::from_secs(60), both).await.expect("they end");
    assert_eq!(both.expect("all succeed"), (vec![0, 0, 2, 6], vec![6, 12, 18]));
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_submitted_map_starts_nothing_more() {
    let lab = Lab::default();
    lab.run(async {
        let map = flowkit::map([60; 5], nap).limit(2).submit();
        let last = map.get(4).expect("there are five");
        assert!(map.get(5).is_none());
        sleep(Duration::from_secs(3)).await;
        assert_eq!(
            map.states().iter().map(|state| state.name().to_owned()).collect::<Vec<_>>()[1..3],
            ["Running", "Pending"]
        );
        map.cancel();
        assert!(map.wait().await.iter().all(flowkit::State::is_cancelled));
        assert!(last.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    let started = lab.tasks("nap").iter().filter(|run| run.effort().run_count > 0).count();
    assert_eq!(started, 2);
}

#[tokio::test(start_paused = true)]
async fn one_item_of_a_submitted_map_can_be_cancelled_before_and_while_it_runs() {
    let lab = Lab::default();
    lab.run(async {
        let map = flowkit::map([9, 9, 9], nap).limit(1).submit();
        let (first, last) = (map.get(0).expect("it is there"), map.get(2).expect("it is there"));
        last.cancel();
        sleep(Duration::from_secs(1)).await;
        first.cancel();
        let states = map.wait().await;
        assert_eq!(
            states.iter().map(flowkit::State::name).collect::<Vec<_>>(),
            ["Cancelled", "Completed", "Cancelled"]
        );
        assert!(last.run().is_some_and(|run| run.effort().run_count == 0));
    })
    .await;
}
