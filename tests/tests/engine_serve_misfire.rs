//! What becomes of dates that were missed, without a server: the machine was suspended, or the process busy.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{History, Misfire, Runtime, Schedule, StateName, Timestamp};
use tokio::time::{advance, sleep};

const MINUTE: Duration = Duration::from_secs(60);

#[flow]
async fn work(#[param(default = 0)] seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

fn history(runtime: &Runtime) -> &dyn History {
    runtime.history().expect("a runtime in memory has a history")
}

/// The dates of the runs that have begun, in minutes since the deployment was registered.
fn minutes(runtime: &Runtime) -> Vec<u64> {
    let begin = history(runtime).deployments()[0].created;
    let begun = history(runtime).flow_runs().into_iter().filter(|run| run.start_time().is_some());
    let due = begun.filter_map(|run| run.scheduled_start_time());
    let mut minutes: Vec<u64> = due.map(|due| due.since(begin).as_secs() / 60).collect();
    minutes.sort_unstable();
    minutes
}

/// Serves a run every minute, and lets 60 minutes pass at once in the middle of the third.
async fn suspended(misfire: Misfire) -> Vec<u64> {
    let runtime = Runtime::ephemeral();
    let serving = work.serve("d").schedule(Schedule::interval("1m").misfire(misfire));
    let served = runtime.run(async {
        tokio::select! {
            ended = serving.into_future() => panic!("serving goes on until it is stopped: {ended:?}"),
            () = async {
                sleep(2 * MINUTE + MINUTE / 2).await;
                advance(60 * MINUTE).await;
                sleep(2 * MINUTE).await;
            } => {}
        }
    });
    served.await;
    minutes(&runtime)
}

#[flowkit::test]
async fn dates_missed_by_a_suspended_machine_follow_the_policy() {
    let all: Vec<u64> = (1..=64).collect();
    assert_eq!(suspended(Misfire::RunAll).await, all);
    assert_eq!(suspended(Misfire::Latest).await, [1, 2, 62, 63, 64]);
    assert_eq!(suspended(Misfire::Skip).await, [1, 2, 63, 64]);
    assert_eq!(suspended(Misfire::Grace(3 * MINUTE)).await, [1, 2, 60, 61, 62, 63, 64]);
}

#[flowkit::test]
async fn dates_missed_by_a_busy_process_follow_the_policy() {
    for (misfire, expected) in
        [(Misfire::RunAll, vec![1, 2, 3]), (Misfire::Latest, vec![1, 11, 21]), (Misfire::Skip, vec![1, 12, 23])]
    {
        let runtime = Runtime::ephemeral();
        let deployment =
            work.deployment("d").parameter("seconds", 620).schedule(Schedule::interval("1m").misfire(misfire));
        let serving = flowkit::serve([deployment]).limit(1);
        let _ = runtime.run(async { tokio::time::timeout(35 * MINUTE, serving.into_future()).await }).await;
        let mut begun = minutes(&runtime);
        begun.truncate(3);
        assert_eq!(begun, expected, "{misfire:?}");
    }
}

#[flowkit::test]
async fn a_missed_run_that_is_left_out_makes_room_for_the_next() {
    let runtime = Runtime::ephemeral();
    let serving = work.serve("d").schedule(Schedule::interval("1m").misfire(Misfire::Skip));
    let next = |runtime: &Runtime| -> Vec<Timestamp> {
        let planned = history(runtime).flow_runs().into_iter();
        planned
            .filter(|run| run.state().is(StateName::Scheduled))
            .filter_map(|run| run.scheduled_start_time())
            .collect()
    };
    runtime
        .run(async {
            tokio::select! {
                ended = serving.into_future() => panic!("serving goes on until it is stopped: {ended:?}"),
                () = async {
                    sleep(MINUTE / 2).await;
                    advance(2 * MINUTE).await;
                    sleep(Duration::from_secs(1)).await;
                } => {}
            }
        })
        .await;
    assert_eq!(minutes(&runtime), [] as [u64; 0], "30 s late is too late");
    let planned = next(&runtime);
    assert_eq!(planned.len(), 1, "the next run is planned: {planned:?}");
    assert_eq!(planned[0].since(history(&runtime).deployments()[0].created).as_secs() / 60, 3);
    let left_out = history(&runtime).flow_runs().remove(0).state();
    assert_eq!((left_out.name(), left_out.is_cancelled()), ("Skipped", true), "as at a server");
    let why = left_out.message().unwrap_or_default();
    assert!(why.starts_with("Not started: it was due ") && why.contains("policy is skip"), "{why}");
}
