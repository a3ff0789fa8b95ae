//! How much memory a map of a million tasks takes at its peak. See `benches/README.md`.

use std::process::ExitCode;

use flowkit::prelude::*;
use flowkit_benches::{Console, Part, part};

const ITEMS: u64 = 1_000_000;

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

fn report(name: &str, flow: FlowCall<u64>) {
    let before = peak();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let sum = runtime.block_on(flow.into_future()).expect("a flow that ends");
    assert_eq!(sum, ITEMS * (ITEMS - 1) / 2);
    println!(r#"{{"name":"{name}","peak_rss_mib":{:.1},"before_mib":{before:.1},"items":{ITEMS}}}"#, peak());
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
        Part { name: "awaited", console: Console::Off, run: || report("map of 1 000 000 awaited", awaited()) },
        Part { name: "submitted", console: Console::Off, run: || report("map of 1 000 000 submitted", submitted()) },
    ])
}
