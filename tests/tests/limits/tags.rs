//! Tasks whose tags are limited.

use std::collections::BTreeMap;
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, limit, runtime};
use flowkit_tests::lab::Lab;
use tokio::time::{Instant, sleep};

use super::crowd::{Crowd, taken};

const SECOND: Duration = Duration::from_secs(1);

#[task(tags = ["warehouse"])]
async fn load(crowd: Crowd) -> Vec<String> {
    crowd.stay(SECOND).await;
    runtime::task_run().map(|run| run.tags().to_vec()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn tagged_tasks_take_a_slot_before_they_run() {
    let (lab, crowd) = (Lab::default(), Crowd::default());
    lab.run(async {
        load(crowd.clone()).await.expect("nothing is limited");
        limit::set("tag:warehouse", 3).await.expect("it is set");
        let begun = Instant::now();
        let loads: Vec<_> = (0..10).map(|_| load(crowd.clone()).submit()).collect();
        sleep(SECOND / 2).await;
        let states: Vec<_> = lab.tasks("load")[1..].iter().map(|run| run.state().name().to_owned()).collect();
        let mut counts = BTreeMap::new();
        states.iter().for_each(|state| *counts.entry(state.as_str()).or_insert(0) += 1);
        assert_eq!(counts, BTreeMap::from([("Pending", 7), ("Running", 3)]));
        let holders = limit::holders("tag:warehouse").await.expect("it is there");
        let running: Vec<_> = lab.tasks("load")[1..]
            .iter()
            .filter(|run| run.state().name() == "Running")
            .map(|run| Some(run.id()))
            .collect();
        assert_eq!(holders.iter().map(|holder| holder.task_run_id).collect::<Vec<_>>(), running);
        assert!(holders.iter().all(|holder| holder.slots == 1 && holder.since.is_some()));
        flowkit::resolve_all(loads).await.expect("all of them run");
        assert_eq!((begun.elapsed(), crowd.most()), (4 * SECOND, 3));
        assert_eq!(taken("tag:warehouse").await, 0);
        limit::delete("tag:warehouse").await.expect("it is removed");
        let begun = Instant::now();
        flowkit::map(0..10, |_| load(crowd.clone())).limit(10).await.expect("nothing is limited");
        assert_eq!(begun.elapsed(), SECOND);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_cancelled_while_it_waits_for_a_slot_does_not_run() {
    let (lab, crowd) = (Lab::default(), Crowd::default());
    lab.run(async {
        limit::set("tag:warehouse", 1).await.expect("it is set");
        let (first, second) = (load(crowd.clone()).submit(), load(crowd.clone()).submit());
        sleep(SECOND / 2).await;
        second.cancel();
        assert_eq!(second.await.expect_err("it is cancelled").kind(), ErrorKind::Cancelled);
        first.await.expect("it runs");
        assert_eq!((crowd.most(), taken("tag:warehouse").await), (1, 0));
        limit::set("tag:warehouse", 0).await.expect("it is changed");
        let error = load(crowd.clone()).await.expect_err("there is no slot");
        assert_eq!(error.to_string(), "concurrency limit `tag:warehouse` is 0: nobody gets a slot of it");
        let state = lab.tasks("load")[2].state();
        let why = "Task run could not be started: concurrency limit `tag:warehouse` is 0: nobody gets a slot of it";
        assert_eq!((state.name(), state.message()), ("Failed", Some(why)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_held_over_retries_and_two_tags_take_two() {
    let lab = Lab::default();
    lab.run(async {
        #[task(tags = ["x", "y"], retries = 2, retry_delay = "10s")]
        async fn often() -> Result<(), String> {
            Err("again".to_owned())
        }
        limit::set("tag:x", 2).await.expect("it is set");
        limit::set("tag:y", 1).await.expect("it is set");
        let begun = Instant::now();
        let (first, second) = (often().submit(), often().submit());
        sleep(15 * SECOND).await;
        assert_eq!((taken("tag:x").await, taken("tag:y").await), (1, 1));
        first.await.expect_err("it fails");
        second.await.expect_err("it fails");
        assert_eq!(begun.elapsed(), 40 * SECOND);
        assert_eq!((taken("tag:x").await, taken("tag:y").await), (0, 0));
    })
    .await;
}
