//! What a retry of a flow run takes from the attempts before, and what it does again.

use std::sync::{Arc, Mutex};

use flowkit::prelude::*;
use flowkit_tests::lab::{Lab, path};

/// Counts what really ran; not `Serialize`, as a pool or a client is not.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Vec<String>>>);

impl Ledger {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().expect("nobody panics").push(what.into());
    }

    fn sorted(&self) -> Vec<String> {
        let mut all = self.0.lock().expect("nobody panics").clone();
        all.sort();
        all
    }
}

tokio::task_local! {
    static LEDGER: Ledger;
}

fn ledger() -> Ledger {
    LEDGER.with(Clone::clone)
}

/// Runs a program with a ledger and a count of attempts; gives its runs and the ledger.
async fn with_ledger<F: Future>(program: F) -> (F::Output, Lab, Ledger) {
    let (lab, ledger) = (Lab::default(), Ledger::default());
    let outcome = LEDGER.scope(ledger.clone(), lab.run(program)).await;
    (outcome, lab, ledger)
}

/// Counts the attempts of the flow at hand, from 1.
fn attempt() -> u32 {
    flowkit::runtime::flow_run().expect("a body is in a run").effort().run_count
}

#[task]
async fn load(ledger: Ledger, page: u32) -> u32 {
    ledger.note(format!("load {page}"));
    page * 10
}

#[task]
async fn store(ledger: Ledger, sum: u32, good: bool) -> Result<u32, String> {
    ledger.note("store");
    if good { Ok(sum) } else { Err("the disk is full".to_owned()) }
}

#[flow(retries = 1)]
async fn etl() -> anyhow::Result<u32> {
    let ledger = ledger();
    let pages = flowkit::map(1..=41, |page| load(ledger.clone(), page)).await?;
    Ok(store(ledger, pages.iter().sum::<u32>(), attempt() > 1).await?)
}

#[tokio::test(start_paused = true)]
async fn a_retry_takes_what_finished_and_runs_what_failed() {
    let (outcome, lab, ledger) = with_ledger(async { etl().await }).await;
    assert_eq!(outcome.expect("the second attempt succeeds"), 10 * (1..=41).sum::<u32>());
    assert_eq!(ledger.sorted().len(), 41 + 2);
    let again: Vec<_> = lab.tasks("load").into_iter().skip(41).collect();
    assert_eq!(again.len(), 41);
    assert!(again.iter().all(|run| path(&run.states()) == "Pending > Running > Cached"));
    assert_eq!(again[0].state().message(), Some("Taken from an earlier attempt of the flow run."));
    lab.log("Of the tasks and subflows, replayed 41, ran 1");
}

#[flow(retries = 1)]
async fn in_another_order() -> anyhow::Result<Vec<u32>> {
    let (ledger, mut pages) = (ledger(), vec![1, 2, 3]);
    if attempt() > 1 {
        pages.reverse();
    }
    let mut loaded = Vec::new();
    for page in pages {
        loaded.push(load(ledger.clone(), page).await?);
    }
    anyhow::ensure!(attempt() > 1, "once more");
    Ok(loaded)
}

#[tokio::test(start_paused = true)]
async fn a_call_is_known_by_its_arguments_whatever_the_order() {
    let (outcome, _, ledger) = with_ledger(async { in_another_order().await }).await;
    assert_eq!(outcome.expect("the second attempt succeeds"), [30, 20, 10]);
    assert_eq!(ledger.sorted(), ["load 1", "load 2", "load 3"]);
}

#[task]
async fn next_number(ledger: Ledger) -> usize {
    ledger.note("next");
    ledger.sorted().len()
}

#[flow(retries = 1)]
async fn numbers() -> anyhow::Result<Vec<usize>> {
    let ledger = ledger();
    let numbers = vec![next_number(ledger.clone()).await?, next_number(ledger.clone()).await?];
    anyhow::ensure!(attempt() > 1, "once more");
    Ok([numbers, vec![next_number(ledger).await?]].concat())
}

#[tokio::test(start_paused = true)]
async fn equal_calls_are_known_by_their_order() {
    let (outcome, lab, _) = with_ledger(async { numbers().await }).await;
    assert_eq!(outcome.expect("the second attempt succeeds"), [1, 2, 3]);
    lab.log("Of the tasks and subflows, replayed 2, ran 1");
}

/// A value that cannot be cloned.
struct Handle(u32);

#[task]
async fn open(ledger: Ledger) -> Handle {
    ledger.note("open");
    Handle(7)
}

#[flow(retries = 1)]
async fn with_a_handle() -> anyhow::Result<u32> {
    let handle = open(ledger()).await?;
    anyhow::ensure!(attempt() > 1, "once more");
    Ok(handle.0)
}

#[tokio::test(start_paused = true)]
async fn a_value_that_cannot_be_cloned_is_made_again() {
    let (outcome, _, ledger) = with_ledger(async { with_a_handle().await }).await;
    assert_eq!((outcome.expect("the second attempt succeeds"), ledger.sorted().len()), (7, 2));
}

#[task]
async fn outer(ledger: Ledger) -> anyhow::Result<u32> {
    let page = load(ledger.clone(), 1).await?;
    ledger.note("outer");
    anyhow::ensure!(attempt() > 1, "not yet");
    Ok(page)
}

#[flow(retries = 1)]
async fn nested() -> anyhow::Result<u32> {
    let ledger = ledger();
    Ok(load(ledger.clone(), 1).await? + outer(ledger).await?)
}

#[tokio::test(start_paused = true)]
async fn a_task_that_failed_finds_the_tasks_that_finished_inside_of_it() {
    let (outcome, _, ledger) = with_ledger(async { nested().await }).await;
    assert_eq!(outcome.expect("the second attempt succeeds"), 20);
    assert_eq!(ledger.sorted(), ["load 1", "load 1", "outer", "outer"]);
}

#[task]
async fn sum(ledger: Ledger, pages: Vec<u32>) -> u32 {
    ledger.note("sum");
    pages.iter().sum()
}

#[flow(retries = 1)]
async fn with_futures() -> anyhow::Result<u32> {
    let ledger = ledger();
    let pages = flowkit::map(1..=3, |page| load(ledger.clone(), page)).submit();
    let sum = sum(ledger, &pages).submit();
    let sum = sum.await?;
    anyhow::ensure!(attempt() > 1, "once more");
    Ok(sum)
}

#[tokio::test(start_paused = true)]
async fn submitted_tasks_that_take_futures_are_replayed_too() {
    let (outcome, lab, ledger) = with_ledger(async { with_futures().await }).await;
    assert_eq!(outcome.expect("the second attempt succeeds"), 60);
    assert_eq!(ledger.sorted(), ["load 1", "load 2", "load 3", "sum"]);
    lab.log("Of the tasks and subflows, replayed 4, ran 0");
}

#[flow]
async fn good_child(page: u32) -> anyhow::Result<u32> {
    Ok(load(ledger(), page).await?)
}

#[flow]
async fn bad_child(page: u32) -> anyhow::Result<u32> {
    let ledger = ledger();
    let loaded = load(ledger.clone(), page).await?;
    ledger.note("bad child");
    anyhow::ensure!(ledger.sorted().iter().filter(|note| *note == "bad child").count() > 1, "not yet");
    Ok(loaded)
}

#[flow(retries = 1)]
async fn parent() -> anyhow::Result<u32> {
    Ok(good_child(1).await? + bad_child(2).await?)
}

#[tokio::test(start_paused = true)]
async fn a_subflow_that_ended_well_is_replayed_and_one_that_failed_is_run_again() {
    let (outcome, lab, ledger) = with_ledger(async { parent().await }).await;
    assert_eq!(outcome.expect("the second attempt succeeds"), 30);
    assert_eq!(ledger.sorted(), ["bad child", "bad child", "load 1", "load 2"]);
    assert_eq!(path(&lab.flow("good-child").states()), "Pending > Running > Completed");
    let bad = lab.flows("bad-child");
    let paths: Vec<_> = bad.iter().map(|run| path(&run.states())).collect();
    assert_eq!(paths, ["Pending > Running > Failed", "Pending > Running > Completed"], "a final state is final");
    lab.log("Of the tasks and subflows, replayed 1, ran 1");
    lab.log("Of the tasks and subflows, replayed 1, ran 0");
}

#[flow]
async fn without_retries() -> anyhow::Result<u32> {
    let ledger = ledger();
    Ok(load(ledger.clone(), 1).await? + load(ledger, 1).await?)
}

#[tokio::test(start_paused = true)]
async fn equal_calls_of_one_attempt_all_run() {
    let (outcome, _, ledger) = with_ledger(async { without_retries().await }).await;
    assert_eq!((outcome.expect("it succeeds"), ledger.sorted().len()), (20, 2));
}
