//! How much memory a map of many tasks takes at its peak, and how much time. See `benches/README.md`.

use std::process::ExitCode;

use flowkit::prelude::*;
use flowkit_benches::meter::{in_turn, per_op, side};
use flowkit_benches::{Console, Part, part};

/// How often the time is taken.
const REPEATS: usize = 5;

const ITEMS: u32 = 1_000_000;

/// How many tasks the streamed map has.
const STREAMED: u32 = 100_000;

/// How many bytes each of those returns.
const BYTES: usize = 1_000;

#[task]
async fn noop(n: u64) -> u64 {
    n
}

#[flow]
async fn awaited() -> flowkit::Result<u64> {
    Ok(flowkit::map(0..u64::from(ITEMS), noop).await?.into_iter().sum())
}

#[flow]
async fn submitted() -> flowkit::Result<u64> {
    Ok(flowkit::map(0..u64::from(ITEMS), noop).submit().await?.into_iter().sum())
}

#[task]
async fn page(n: u64) -> Vec<u8> {
    vec![n as u8; BYTES]
}

#[flow]
async fn streamed() -> flowkit::Result<u64> {
    let mut pages = flowkit::map(0..u64::from(STREAMED), page).stream();
    let mut bytes = 0;
    while let Some(page) = pages.next().await {
        bytes += page?.len() as u64;
    }
    Ok(bytes)
}

/// Prints the peak after the first run in this process, then the time of more of them next to the floor: all tasks
/// spawned on tokio alone, and joined.
fn report(name: &str, flow: fn() -> FlowCall<u64>, items: u32, result: u64) {
    let before = peak();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let run = move |_| async move { assert_eq!(flow().await.expect("a flow that ends"), result) };
    let measured = async move {
        run(items).await;
        let peak = peak();
        let sides = [side(move || per_op(items, spawn_all)), side(move || per_op(items, run))];
        (peak, in_turn(REPEATS, sides).await)
    };
    let measured = runtime.block_on(async { tokio::spawn(measured).await });
    let (peak, [floor, own]) = measured.expect("no panic");
    println!(
        r#"{{"name":"{name}","peak_rss_mib":{peak:.1},"before_mib":{before:.1},"ns_per_item":{:.0},"floor_ns_per_item":{:.0},"least_ns":{:.0},"floor_least_ns":{:.0},"items":{items},"repeats":{REPEATS}}}"#,
        own.median, floor.median, own.least, floor.least
    );
}

async fn spawn_all(items: u32) {
    let spawned: Vec<_> = (0..items).map(|_| tokio::spawn(async {})).collect();
    for one in spawned {
        let _ = one.await;
    }
}

fn millions(name: &str, flow: fn() -> FlowCall<u64>) {
    report(name, flow, ITEMS, u64::from(ITEMS) * u64::from(ITEMS - 1) / 2);
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
        Part { name: "awaited", console: Console::Off, run: || millions("map of 1 000 000 awaited", awaited) },
        Part { name: "submitted", console: Console::Off, run: || millions("map of 1 000 000 submitted", submitted) },
        Part {
            name: "streamed",
            console: Console::Off,
            run: || {
                report(
                    "map of 100 000 results of 1 kB streamed",
                    streamed,
                    STREAMED,
                    u64::from(STREAMED) * BYTES as u64,
                )
            },
        },
    ])
}
