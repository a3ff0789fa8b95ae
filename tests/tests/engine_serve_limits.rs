//! Limits of what is served without a server: of a deployment, and of the process that serves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{Collision, DeploymentCall, FlowRun, History, Runtime, run_deployment};
use flowkit_tests::lab::path;
use tokio::time::sleep;

/// How many bodies of one flow are under way, and how many there were at most.
#[derive(Default)]
struct Count {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Count {
    async fn hold(&self, time: Duration) {
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        sleep(time).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

fn history(runtime: &Runtime) -> &dyn History {
    runtime.history().expect("a runtime in memory has a history")
}

fn runs(runtime: &Runtime) -> Vec<Arc<FlowRun>> {
    history(runtime).flow_runs()
}

/// Serves a deployment that is called `d`, starts some runs of it at once, and waits for their ends.
async fn start(runtime: &Runtime, flow: &str, deployment: DeploymentCall, limit: usize, count: usize) {
    let serving = flowkit::serve([deployment]).limit(limit);
    let all = async {
        sleep(Duration::from_millis(1)).await;
        let runs = (0..count).map(|n| run_deployment(format!("{flow}/d")).name(n.to_string()).into_future());
        futures::future::join_all(runs).await.into_iter().for_each(|run| drop(run.expect("it is started")));
    };
    runtime
        .run(async {
            tokio::select! {
                ended = serving.into_future() => panic!("serving goes on until it is stopped: {ended:?}"),
                () = all => {}
            }
        })
        .await;
}

static WAITING: Count = Count { now: AtomicUsize::new(0), most: AtomicUsize::new(0) };

#[flow]
async fn waiting() {
    WAITING.hold(Duration::from_secs(10)).await;
}

#[flowkit::test]
async fn runs_beyond_the_limit_of_a_deployment_wait_for_a_place() {
    let runtime = Runtime::ephemeral();
    start(&runtime, "waiting", waiting.deployment("d").concurrency_limit(3), 100, 20).await;
    assert_eq!(WAITING.most(), 3);
    let runs = runs(&runtime);
    assert_eq!(runs.len(), 20);
    let mut waited = 0;
    for run in &runs {
        match path(&run.states()).as_str() {
            "Scheduled > Pending > Submitting > Running > Completed" => {}
            "Scheduled > AwaitingConcurrencySlot > Pending > Submitting > Running > Completed" => waited += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(waited, 17);
    let first = runs.iter().filter_map(|run| run.start_time()).min().expect("they ran");
    let last = runs.iter().filter_map(|run| run.effort().end_time).max().expect("they ended");
    let took = last.since(first);
    assert!(took < Duration::from_millis(70_100), "a place is taken as soon as it is free: 7 times 10 s are {took:?}");
    let number = |run: &FlowRun| run.name().parse::<usize>().expect("a number");
    let mut started: Vec<_> = runs.iter().filter_map(|run| Some((run.start_time()?, number(run)))).collect();
    started.sort_unstable();
    assert!(started.iter().map(|(_, number)| number).is_sorted(), "the first that waits is the first that runs");
}

static REFUSED: Count = Count { now: AtomicUsize::new(0), most: AtomicUsize::new(0) };

#[flow]
async fn refused() {
    REFUSED.hold(Duration::from_secs(10)).await;
}

#[flowkit::test]
async fn runs_beyond_the_limit_of_a_deployment_are_cancelled_if_it_says_so() {
    let runtime = Runtime::ephemeral();
    let deployment = refused.deployment("d").concurrency_limit(3).on_collision(Collision::Cancel);
    start(&runtime, "refused", deployment, 100, 10).await;
    assert_eq!(REFUSED.most(), 3);
    let cancelled: Vec<_> = runs(&runtime).into_iter().filter(|run| run.state().is_cancelled()).collect();
    assert_eq!(cancelled.len(), 7);
    for run in cancelled {
        assert_eq!(path(&run.states()), "Scheduled > Cancelled");
        assert_eq!(run.state().message(), Some("Deployment concurrency limit reached."));
    }
}

static FULL: Count = Count { now: AtomicUsize::new(0), most: AtomicUsize::new(0) };

#[flow]
async fn full() {
    FULL.hold(Duration::from_secs(10)).await;
}

#[flowkit::test]
async fn a_process_runs_no_more_than_its_limit() {
    let runtime = Runtime::ephemeral();
    start(&runtime, "full", full.deployment("d"), 4, 30).await;
    assert_eq!(FULL.most(), 4);
    let all = runs(&runtime);
    assert!(all.iter().all(|run| path(&run.states()) == "Scheduled > Pending > Submitting > Running > Completed"));
    assert_eq!(all.len(), 30);
}

static MANY: Count = Count { now: AtomicUsize::new(0), most: AtomicUsize::new(0) };

#[flow]
async fn many() {
    MANY.hold(Duration::from_secs(3600)).await;
}

#[flowkit::test]
async fn many_runs_that_are_due_at_once_all_start_at_once() {
    let runtime = Runtime::ephemeral();
    start(&runtime, "many", many.deployment("d"), 2000, 1000).await;
    assert_eq!(MANY.most(), 1000);
}

#[flow]
async fn failing() -> Result<(), String> {
    Err("no luck".to_owned())
}

#[flow]
async fn panicking() {
    panic!("no luck");
}

#[flowkit::test]
async fn a_run_gives_its_place_back_however_it_ends() {
    let runtime = Runtime::ephemeral();
    start(&runtime, "failing", failing.deployment("d").concurrency_limit(1), 100, 5).await;
    start(&runtime, "panicking", panicking.deployment("d").concurrency_limit(1), 100, 5).await;
    let all = runs(&runtime);
    assert_eq!(all.iter().filter(|run| run.state().is_failed()).count(), 10, "{all:?}");
    let active: usize = history(&runtime).deployments().iter().map(|deployment| deployment.active_runs).sum();
    assert_eq!(active, 0);
}
