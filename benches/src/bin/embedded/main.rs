//! What the embedded backend costs: task runs and log lines kept in a file. See `benches/README.md`.

mod floor;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use flowkit::prelude::*;
use flowkit::{Durability, Runtime};
use flowkit_benches::meter::{self, in_turn, side};
use flowkit_benches::scratch::Scratch;
use flowkit_benches::{Console, Part, part};

/// How many tasks are mapped in one repeat, and how many plain rows are their floor.
const MAPPED: u32 = 200_000;

/// How many tasks are awaited one after the other in one repeat, each of them on disk before the next.
const COMMITTED: u32 = 500;

/// The same where nothing waits for the disk.
const FAST: u32 = 50_000;

/// How many of them the floor of that writes.
const SINGLE: u32 = 5_000;

/// How many lines are logged in one repeat.
const LINES: u32 = 1_000_000;

#[task]
async fn noop(n: u32) -> u32 {
    n
}

#[flow]
async fn mapped(count: u32) -> flowkit::Result<usize> {
    Ok(flowkit::map(0..count, noop).await?.len())
}

#[flow(resumable)]
async fn sequential(count: u32) -> flowkit::Result<u32> {
    let mut last = 0;
    for n in 0..count {
        last = noop(n).await?;
    }
    Ok(last)
}

#[flow]
async fn logged(count: u32) {
    for n in 0..count {
        tracing::info!("line {n}");
    }
}

/// What a flow took with a new file: until it had ended, and until all of it was on disk. In microseconds for one of `count`.
struct Taken {
    ran: f64,
    stored: f64,
}

async fn run<T: Send + 'static>(file: &Path, durability: Durability, count: u32, flow: FlowCall<T>) -> Taken {
    let runtime = Runtime::builder().embedded(file).durability(durability).build().expect("a file that can be written");
    let begun = Instant::now();
    runtime.run(flow.into_future()).await.expect("a flow that ends");
    let ran = micros(begun, count);
    let undelivered = runtime.flush(Duration::from_secs(600)).await;
    let stored = micros(begun, count);
    assert!(undelivered.is_empty(), "{undelivered:?}");
    Taken { ran, stored }
}

fn micros(begun: Instant, count: u32) -> f64 {
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}

/// The same four measurements each time: the floor, the flow until it ended, the floor again, and the flow until all was
/// on disk.
async fn map_fast() {
    let scratch = Scratch::new();
    let [floor, ran, stored] = in_turn(
        5,
        [
            side(async || floor::rows(&scratch.fresh("floor.db"), MAPPED)),
            side(async || run(&scratch.fresh("runs.db"), Durability::Fast, MAPPED, mapped(MAPPED)).await.ran),
            side(async || run(&scratch.fresh("runs.db"), Durability::Fast, MAPPED, mapped(MAPPED)).await.stored),
        ],
    )
    .await;
    rates("mapped task, fast", MAPPED, ran, stored, floor);
}

async fn log_lines() {
    let scratch = Scratch::new();
    let [floor, ran, stored] = in_turn(
        3,
        [
            side(async || floor::rows(&scratch.fresh("floor.db"), LINES)),
            side(async || run(&scratch.fresh("runs.db"), Durability::Commit, LINES, logged(LINES)).await.ran),
            side(async || run(&scratch.fresh("runs.db"), Durability::Commit, LINES, logged(LINES)).await.stored),
        ],
    )
    .await;
    rates("log line", LINES, ran, stored, floor);
}

fn rates(name: &str, count: u32, ran: meter::Taken, stored: meter::Taken, floor: meter::Taken) {
    let a_second = |micros: f64| 1e6 / micros;
    println!(
        r#"{{"name":"{name}","stored_per_second":{:.0},"run_per_second":{:.0},"floor_rows_per_second":{:.0},"best_stored":{:.0},"best_floor":{:.0},"count":{count}}}"#,
        a_second(stored.median),
        a_second(ran.median),
        a_second(floor.median),
        a_second(stored.least),
        a_second(floor.least)
    );
}

async fn awaited_commit() {
    let scratch = Scratch::new();
    let [floor, own] = in_turn(
        11,
        [
            side(async || floor::commits(&scratch.fresh("floor.db"), COMMITTED)),
            side(async || {
                run(&scratch.fresh("runs.db"), Durability::Commit, COMMITTED, sequential(COMMITTED)).await.ran
            }),
        ],
    )
    .await;
    println!(
        r#"{{"name":"awaited task of a resumable flow, commit","us":{:.1},"floor_commit_us":{:.1},"ratio":{:.2},"least_us":{:.1},"floor_least_us":{:.1},"count":{COMMITTED}}}"#,
        own.median,
        floor.median,
        own.median / floor.median,
        own.least,
        floor.least
    );
}

async fn awaited_fast() {
    let scratch = Scratch::new();
    let [floor, ran, stored] = in_turn(
        5,
        [
            side(async || floor::transactions(&scratch.fresh("floor.db"), SINGLE)),
            side(async || run(&scratch.fresh("runs.db"), Durability::Fast, FAST, sequential(FAST)).await.ran),
            side(async || run(&scratch.fresh("runs.db"), Durability::Fast, FAST, sequential(FAST)).await.stored),
        ],
    )
    .await;
    println!(
        r#"{{"name":"awaited task of a resumable flow, fast","us":{:.2},"stored_us":{:.2},"floor_transaction_us":{:.1},"least_us":{:.2},"stored_least_us":{:.2},"count":{FAST}}}"#,
        ran.median, stored.median, floor.median, ran.least, stored.least
    );
}

/// Runs on a worker of the runtime: the thread that blocks on the runtime is woken more slowly.
fn on_a_worker(work: impl Future<Output = ()> + Send + 'static) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async { tokio::spawn(work).await }).expect("no panic");
}

fn main() -> ExitCode {
    part::main(&[
        Part { name: "mapped-fast", console: Console::Off, run: || on_a_worker(map_fast()) },
        Part { name: "awaited-commit", console: Console::Off, run: || on_a_worker(awaited_commit()) },
        Part { name: "awaited-fast", console: Console::Off, run: || on_a_worker(awaited_fast()) },
        Part { name: "log-lines", console: Console::Null, run: || on_a_worker(log_lines()) },
    ])
}
