//! A file keeps what it is to and not more: the oldest of what has ended goes, what has not ended stays.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flowkit::prelude::*;
use flowkit::{FlowRunFilter, FlowRunRecord, Records, Runtime, RuntimeBuilder, StateType};
use rusqlite::Connection;

#[task]
async fn double(n: u64) -> u64 {
    n * 2
}

#[task]
async fn told(n: u64) -> u64 {
    tracing::info!("at {n}");
    n
}

#[flow]
async fn batch(upto: u64) -> flowkit::Result<usize> {
    Ok(flowkit::map(0..upto, double).await?.len())
}

#[flow]
async fn outer(n: u64) -> flowkit::Result<u64> {
    told(n).await?;
    inner(n).await
}

#[flow]
async fn inner(n: u64) -> flowkit::Result<u64> {
    told(n).await
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn db(&self) -> PathBuf {
        self.folder.path().join("runs.db")
    }

    fn open(&self, keep: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> Runtime {
        keep(Runtime::builder().keep_for(0).keep_size(0).embedded(self.db())).build().expect("the file can be written")
    }

    fn file(&self) -> Connection {
        Connection::open(self.db()).expect("a database")
    }

    fn count(&self, of: &str) -> i64 {
        self.file().query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get(0)).expect("a count")
    }

    fn runs(&self) -> Vec<FlowRunRecord> {
        Records::open(self.db()).expect("a reader").flow_runs(&FlowRunFilter::new().limit(10_000)).expect("runs")
    }

    fn is_whole(&self) {
        let found: String = self.file().query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
        assert_eq!(found, "ok");
    }
}

/// Has things written until it is so: with each flush, a part of what is too much goes.
async fn until(runtime: &Runtime, what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}: not after a minute");
        assert!(runtime.flush(Duration::from_secs(60)).await.is_empty());
    }
}

fn bytes(path: &Path) -> u64 {
    path.metadata().map(|file| file.len()).unwrap_or(0)
}

#[tokio::test]
async fn what_is_too_old_goes_with_everything_below_it() {
    let place = Place::new();
    let runtime = place.open(|keep| keep);
    let work = async {
        outer(1).await?;
        told(1).await?;
        outer(2).await?;
        told(2).await
    };
    runtime.run(work).await.expect("they end");
    assert!(runtime.flush(Duration::from_secs(60)).await.is_empty());
    drop(runtime);
    let old = 31 * 86_400 * 1_000_000_i64;
    place
        .file()
        .execute_batch(&format!(
            "UPDATE flow_run SET ended = ended - {old} WHERE parameters = '{{\"n\":1}}';
             UPDATE task_run SET ended = ended - {old} WHERE (flow_run, id) IN
                (SELECT flow_run, id FROM task_run WHERE flow_run = 0 ORDER BY id LIMIT 1);
             UPDATE log SET at = at - {old} WHERE (flow_run, at) IN
                (SELECT flow_run, at FROM log WHERE flow_run = 0 ORDER BY at LIMIT 1)"
        ))
        .expect("an older file");
    let loose = place.count("log WHERE flow_run = 0");
    let runtime = place.open(|keep| keep.keep_for("30d"));
    let lines = || place.count("log WHERE flow_run = 0");
    let task_runs = || place.count("task_run WHERE flow_run = 0");
    let is_gone = || place.runs().len() <= 2 && lines() < loose && task_runs() <= 1;
    until(&runtime, "what is old is gone", is_gone).await;
    let left = place.runs();
    assert_eq!(left.len(), 2, "{left:#?}");
    assert!(left.iter().all(|run| run.parameters["n"] == 2), "{left:#?}");
    assert_eq!((task_runs(), lines()), (1, loose - 1));
    for table in ["task_run", "log", "flow_run_state", "journal"] {
        let orphans = format!("{table} WHERE flow_run <> 0 AND flow_run NOT IN (SELECT number FROM flow_run)");
        assert_eq!(place.count(&orphans), 0, "{table}");
    }
    let records = Records::open(place.db()).expect("a reader");
    for run in &left {
        assert!(!records.task_runs(Some(run.id)).expect("task runs").is_empty());
        assert_eq!(records.flow_run_states(run.id).expect("states").len(), 3);
    }
    place.is_whole();
}

#[tokio::test]
async fn a_file_stays_as_small_as_it_is_to_while_runs_are_written() {
    const LIMIT: u64 = 1 << 20;
    const TASKS: u64 = 1_000;
    let flows: u64 = if std::env::var_os("FLOWKIT_FULL").is_some() { 1_000 } else { 20 };
    let place = Place::new();
    let runtime = place.open(|keep| keep.keep_size(LIMIT));
    let mut greatest = 0;
    for _ in 0..flows {
        runtime.run(async { batch(TASKS).await }).await.expect("it ends");
        assert!(runtime.flush(Duration::from_secs(60)).await.is_empty());
        greatest = greatest.max(bytes(&place.db()));
    }
    let at_most = LIMIT + LIMIT / 8 + (256 << 10);
    until(&runtime, "the file is small again", || bytes(&place.db()) <= at_most).await;
    assert!(greatest < 4 * LIMIT, "it was {greatest} bytes meanwhile");
    assert!(bytes(&place.db().with_extension("db-wal")) <= 20 << 20);

    let left = place.runs();
    assert!((2..flows as usize).contains(&left.len()), "{} runs are left", left.len());
    assert!(left.windows(2).all(|pair| pair[0].created > pair[1].created));
    let newest = Records::open(place.db()).expect("a reader").task_runs(Some(left[0].id)).expect("task runs");
    assert_eq!(newest.len() as u64, TASKS);
    place.is_whole();
}

#[tokio::test]
async fn what_has_not_ended_stays_whatever_its_size() {
    let place = Place::new();
    let runtime = place.open(|keep| keep);
    runtime.run(async { batch(100).await }).await.expect("it ends");
    runtime.run(async { outer(1).await }).await.expect("it ends");
    assert!(runtime.flush(Duration::from_secs(60)).await.is_empty());
    drop(runtime);
    // As a run looks that was left under way and can be resumed.
    place
        .file()
        .execute_batch(
            "UPDATE flow_run SET ended = NULL, state_type = 2, state_name = 'Running', resumable = 1
             WHERE number = (SELECT MIN(number) FROM flow_run WHERE parameters = '{\"n\":1}')",
        )
        .expect("an interrupted run");
    let runtime = place.open(|keep| keep.keep_size(1).keep_for(Duration::from_micros(1)));
    until(&runtime, "what has ended is gone", || place.runs().len() == 2).await;
    for _ in 0..3 {
        assert!(runtime.flush(Duration::from_secs(60)).await.is_empty());
    }
    let left = place.runs();
    let kept: Vec<_> = left.iter().map(|run| (run.flow_name.as_str(), run.state.state_type())).collect();
    assert_eq!(kept, [("inner", StateType::Completed), ("outer", StateType::Paused)]);
    let records = Records::open(place.db()).expect("a reader");
    assert_eq!(records.task_runs(Some(left[0].id)).expect("task runs").len(), 1);
    assert_eq!(records.task_runs(Some(left[1].id)).expect("task runs").len(), 2);
    place.is_whole();
}

#[tokio::test]
async fn work_that_outlives_a_flow_run_is_kept_until_it_has_ended_and_goes_then() {
    static GO: tokio::sync::Notify = tokio::sync::Notify::const_new();
    #[task]
    async fn late() {
        GO.notified().await;
    }
    #[flow]
    async fn short() -> flowkit::Result<flowkit::TaskFuture<()>> {
        Ok(late().detached().submit())
    }
    let place = Place::new();
    let runtime = place.open(|keep| keep.keep_size(1));
    let (work, other) = runtime.run(async { (short().await, told(1).await) }).await;
    let work = work.expect("it ends");
    other.expect("it ends");
    until(&runtime, "the other one is gone", || place.count("task_run") == 1).await;
    assert_eq!(place.runs().len(), 1);
    GO.notify_one();
    work.await.expect("it ends");
    until(&runtime, "all is gone", || place.runs().is_empty() && place.count("task_run") == 0).await;
    place.is_whole();
}

#[test]
fn a_length_of_time_that_is_none_is_refused_with_what_is_one() {
    let place = Place::new();
    let refused = Runtime::builder().embedded(place.db()).keep_for("a while").build().expect_err("it is none");
    assert!(refused.to_string().contains("`a while` is not a duration"), "{refused}");
}
