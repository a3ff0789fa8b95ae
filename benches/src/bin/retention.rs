//! How great a file is after ten million task runs, and how quickly it is opened and read. See `benches/README.md`.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use flowkit::prelude::*;
use flowkit::{FlowRunFilter, Records, Runtime, StateType};
use flowkit_benches::meter::median;

/// How many tasks each flow maps.
const TASKS: u64 = 10_000;

#[task]
async fn same(n: u64) -> u64 {
    n
}

#[flow]
async fn batch(first: u64) -> flowkit::Result<usize> {
    Ok(flowkit::map(first..first + TASKS, same).await?.len())
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().map_or(Ok(10_000_000), |text| text.parse::<u64>());
    let (Ok(count), Some(path)) = (count, arguments.next()) else {
        eprintln!("usage: retention TASKS FILE, such as `retention 10000000 /tmp/runs.db`; the file is made");
        return ExitCode::from(2);
    };
    let path = Path::new(&path);
    tokio::runtime::Runtime::new().expect("a runtime").block_on(write(path, count));
    read(path);
    ExitCode::SUCCESS
}

async fn write(path: &Path, count: u64) {
    let runtime = Runtime::builder().embedded(path).build().expect("a file that can be written");
    let (started, mut greatest) = (Instant::now(), 0);
    for first in (0..count).step_by(TASKS as usize) {
        runtime.run(async { batch(first).await }).await.expect("a flow that ends");
        greatest = greatest.max(mib(path, ""));
    }
    let undelivered = runtime.flush(Duration::from_secs(600)).await;
    assert!(undelivered.is_empty(), "{undelivered:?}");
    let rate = count as f64 / started.elapsed().as_secs_f64();
    println!(
        r#"{{"name":"task runs written","count":{count},"per_second":{rate:.0},"greatest_mib":{greatest},"wal_mib":{}}}"#,
        mib(path, "-wal")
    );
    let closing = Instant::now();
    drop(runtime);
    println!(r#"{{"name":"close","ms":{:.2}}}"#, closing.elapsed().as_secs_f64() * 1e3);
}

fn read(path: &Path) {
    println!(r#"{{"name":"file","mib":{}}}"#, mib(path, ""));
    timed("open for writing", || drop(Runtime::builder().embedded(path).build().expect("a file")));
    timed("open for reading", || drop(Records::open(path).expect("a file")));
    let records = Records::open(path).expect("a file");
    let list = |filter: &FlowRunFilter| records.flow_runs(filter).expect("runs");
    let all = list(&FlowRunFilter::new().limit(u32::MAX));
    println!(r#"{{"name":"flow runs left","count":{},"task_runs":{}}}"#, all.len(), all.len() as u64 * TASKS);
    timed("the last 100 flow runs", || drop(list(&FlowRunFilter::new())));
    timed("the last 100 of one flow", || drop(list(&FlowRunFilter::new().flow("batch"))));
    timed("the last 100 that failed", || drop(list(&FlowRunFilter::new().state(StateType::Failed))));
    let newest = all.first().expect("a run").id;
    timed("one flow run", || drop(list(&FlowRunFilter::new().id(newest))));
    timed("its log", || drop(records.logs(Some(newest)).expect("lines")));
    timed("its 10 000 task runs", || drop(records.task_runs(Some(newest)).expect("task runs")));
}

/// Prints the first time and the median of 21.
fn timed(name: &str, work: impl Fn()) {
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..21 {
        let started = Instant::now();
        work();
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    println!(r#"{{"name":"{name}","first_ms":{:.3},"median_ms":{:.3}}}"#, times[0], median(times.clone()));
}

fn mib(path: &Path, suffix: &str) -> u64 {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    std::fs::metadata(name).map_or(0, |file| file.len() >> 20)
}
