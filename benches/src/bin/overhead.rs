//! What tasks, subflows, maps and log lines cost in process. See `benches/README.md`.

use std::process::ExitCode;

use flowkit::prelude::*;
use flowkit_benches::{Console, Part, meter, part};

const MAP_ITEMS: u32 = 100_000;

#[task]
async fn noop(n: u32) -> u32 {
    n
}

#[flow]
async fn empty() -> u32 {
    1
}

async fn await_tasks(ops: u32) {
    for n in 0..ops {
        noop(n).await.expect("a task that only returns");
    }
}

async fn submit_tasks(ops: u32) {
    for n in 0..ops {
        noop(n).submit().await.expect("a task that only returns");
    }
}

async fn await_map(items: u32) {
    let values = flowkit::map(0..items, noop).await.expect("tasks that only return");
    assert_eq!(values.len(), items as usize);
}

async fn submit_map(items: u32) {
    let values = flowkit::map(0..items, noop).submit().await.expect("tasks that only return");
    assert_eq!(values.len(), items as usize);
}

async fn run_subflows(ops: u32) {
    for _ in 0..ops {
        empty().await.expect("a flow that only returns");
    }
}

async fn write_lines(ops: u32) {
    for n in 0..ops {
        tracing::info!("line {n}");
    }
}

#[flow]
async fn without_log() {
    meter::measure("task awaited in a flow", 20_000, await_tasks).await;
    meter::measure("task submitted and joined", 20_000, submit_tasks).await;
    meter::measure("map of 100 000 awaited", MAP_ITEMS, await_map).await;
    meter::measure("map of 100 000 submitted and joined", MAP_ITEMS, submit_map).await;
    meter::measure("subflow", 5_000, run_subflows).await;
}

#[flow]
async fn with_log() {
    meter::measure("log line", 20_000, write_lines).await;
    meter::measure("task awaited in a flow, with its log line", 20_000, await_tasks).await;
}

/// Runs a flow on a worker of the runtime: the thread that blocks on the runtime is woken more slowly.
fn on_a_worker(flow: FlowCall<()>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async { tokio::spawn(flow.into_future()).await }).expect("no panic").expect("a flow that ends");
}

fn main() -> ExitCode {
    part::main(&[
        Part { name: "without-log", console: Console::Off, run: || on_a_worker(without_log()) },
        Part { name: "with-log", console: Console::Null, run: || on_a_worker(with_log()) },
    ])
}
