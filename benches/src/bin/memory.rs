//! How much memory a map of many tasks takes at its peak. See `benches/README.md`.

use std::process::ExitCode;

use flowkit::prelude::*;
use flowkit_benches::{Console, Part, part};

const ITEMS: u64 = 1_000_000;

/// How many tasks the streamed map has.
const STREAMED: u64 = 100_000;

/// How many bytes each of those returns.
const BYTES: usize = 1_000;

#[task]
async fn noop(n: u64) -> u64 {
    n
}

#[flow]
async fn awaited() -> flowkit::Result<u64> {
    Ok(flowkit::map(0..ITEMS, noop).await?.into_iter().sum())
}

#[flow]
async fn submitted() -> flowkit::Result<u64> {
    Ok(flowkit::map(0..ITEMS, noop).submit().await?.into_iter().sum())
}

#[task]
async fn page(n: u64) -> Vec<u8> {
    vec![n as u8; BYTES]
}

#[flow]
async fn streamed() -> flowkit::Result<u64> {
    let mut pages = flowkit::map(0..STREAMED, page).stream();
    let mut bytes = 0;
    while let Some(page) = pages.next().await {
        bytes += page?.len() as u64;
    }
    Ok(bytes)
}

fn report(name: &str, flow: FlowCall<u64>, items: u64, result: u64) {
    let before = peak();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    assert_eq!(runtime.block_on(flow.into_future()).expect("a flow that ends"), result);
    println!(r#"{{"name":"{name}","peak_rss_mib":{:.1},"before_mib":{before:.1},"items":{items}}}"#, peak());
}

fn millions(name: &str, flow: FlowCall<u64>) {
    report(name, flow, ITEMS, ITEMS * (ITEMS - 1) / 2);
}

/// Returns the greatest resident size of this process so far, in MiB, as Linux tells it.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this bench needs Linux's /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line with the peak");
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
    kib / 1024.0
}

fn main() -> ExitCode {
    part::main(&[
        Part { name: "awaited", console: Console::Off, run: || millions("map of 1 000 000 awaited", awaited()) },
        Part { name: "submitted", console: Console::Off, run: || millions("map of 1 000 000 submitted", submitted()) },
        Part {
            name: "streamed",
            console: Console::Off,
            run: || report("map of 100 000 results of 1 kB streamed", streamed(), STREAMED, STREAMED * BYTES as u64),
        },
    ])
}
