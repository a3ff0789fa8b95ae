//! The program that the live suite starts, kills and asks the server about.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use flowkit::prelude::*;

#[task]
async fn number(n: u32) -> u32 {
    n
}

#[task(retries = 2, retry_delay = "50ms", tags = ["flaky"])]
async fn second_try(label: String) -> Result<String, String> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    tracing::info!(label, "trying");
    if CALLS.fetch_add(1, Ordering::Relaxed) == 0 { Err("not yet".to_owned()) } else { Ok(label) }
}

#[task(run_name = "rest-{seconds}")]
async fn rest(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[task]
async fn fail() -> Result<u32, std::io::Error> {
    Err(std::io::Error::other("the disk is on fire"))
}

/// Many tasks, one after the other; prints how long the flow's own loop took.
#[flow]
async fn sequential(count: u32) -> flowkit::Result<u32> {
    let start = Instant::now();
    let mut sum = 0;
    for n in 0..count {
        sum += number(n).await?;
    }
    eprintln!("loop took {} us", start.elapsed().as_micros());
    Ok(sum)
}

/// Many tasks at once; prints how long the flow's own loop took.
#[flow]
async fn mapped(count: u32) -> flowkit::Result<usize> {
    let start = Instant::now();
    let numbers = flowkit::map(0..count, number).await?;
    eprintln!("loop took {} us", start.elapsed().as_micros());
    Ok(numbers.len())
}

#[task]
async fn total(numbers: Vec<u32>) -> u32 {
    numbers.into_iter().sum()
}

#[task]
async fn not_three(n: u32) -> Result<u32, String> {
    if n == 3 { Err("three".to_owned()) } else { Ok(n) }
}

#[task]
async fn caller(n: u32) -> flowkit::Result<u32> {
    number(n).await
}

/// What is told of maps: one that is given to a task and to another map, one that fails, one with calls inside.
#[flow(run_name = "reported-{label}")]
async fn reported(label: String, count: u32) -> flowkit::Result<()> {
    let numbers = flowkit::map(0..count, number).submit();
    total(&numbers).await?;
    flowkit::map(&numbers, number).await?;
    let failed = flowkit::map(0..10, not_three).results().await;
    assert_eq!(failed.iter().filter(|result| result.is_err()).count(), 1, "{label}");
    flowkit::map(0..1, caller).await?;
    Ok(())
}

#[flow(run_name = "kid-{n}")]
async fn child(n: u32) -> flowkit::Result<u32> {
    number(n).await
}

/// One of everything.
#[flow(name = "one-of-everything", log_prints, tags = ["live"])]
async fn everything(upto: u32) -> anyhow::Result<u32> {
    let numbers = flowkit::map(1..=upto, number).submit();
    let label = second_try("twice").submit();
    let after = number(7).wait_for((&label, &numbers)).submit();
    println!("printed by the flow");
    let kid = child(40).await?;
    let failed = fail().submit();
    let starved = number(&failed).submit();
    assert!(starved.await.is_err_and(|error| error.is_not_ready()));
    Ok(numbers.await?.into_iter().sum::<u32>() + after.await? + kid)
}

#[flow(retries = 1, retry_delay = "1s")]
async fn second_run() -> Result<(), String> {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    if RUNS.fetch_add(1, Ordering::Relaxed) == 0 { Err("first run".to_owned()) } else { Ok(()) }
}

#[flow]
async fn resting(seconds: u64) -> flowkit::Result<()> {
    rest(seconds).await
}

/// Goes on with subflows while the server is away.
#[flow]
async fn with_subflows(seconds: u64) -> flowkit::Result<u32> {
    rest(seconds).await?;
    Ok(child(1).await? + child(2).await?)
}

/// Begins a subflow while the server is away, and stays in it.
#[flow]
async fn late_subflow(before: u64, inside: u64) -> flowkit::Result<()> {
    rest(before).await?;
    eprintln!("a subflow begins");
    resting(inside).await
}

/// Ends by itself when it is told to stop, after some last words.
#[task]
async fn tidy() {
    eprintln!("listening");
    flowkit::runtime::cancelled().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    tracing::info!("tidied up");
}

async fn say_which(hook: flowkit::HookContext) {
    eprintln!("hook: {} is {}", hook.name(), hook.state().name());
}

/// Has everything below it that can be stopped.
#[flow(run_name = "family", on_cancellation = say_which, on_crashed = say_which)]
async fn family(seconds: u64) -> flowkit::Result<()> {
    drop(rest(seconds).submit());
    drop(tidy().submit());
    let last = number(1).wait_for(rest(seconds).submit()).submit();
    let ended = resting(seconds).await;
    // Goes on in spite of the cancellation, and starts nothing.
    eprintln!("then: {:?}", number(7).await.map_err(|error| error.kind()));
    last.await?;
    ended
}

/// Hears that it is to stop and goes on.
#[flow]
async fn deaf() {
    eprintln!("listening");
    flowkit::runtime::cancelled().await;
    eprintln!("deaf");
    tokio::time::sleep(Duration::from_secs(600)).await;
}

#[flow]
async fn brief() {}

#[task]
async fn page(n: u32) -> Vec<u8> {
    vec![n.to_le_bytes()[0]; 1_000]
}

/// Maps a task that returns 1 kB over many numbers and lets go of each result as it comes.
#[flow]
async fn streamed(count: u32) -> flowkit::Result<usize> {
    let mut pages = flowkit::map(0..count, page).stream();
    let mut bytes = 0;
    while let Some(page) = pages.next().await {
        bytes += page?.len();
    }
    Ok(bytes)
}

/// The greatest resident size of this process so far, in KiB, as Linux tells it.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().expect("Linux tells the peak in KiB")
}

#[tokio::main]
async fn main() -> flowkit::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| arguments.get(index).and_then(|text| text.parse::<u32>().ok()).unwrap_or(1);
    match arguments.first().map(String::as_str) {
        Some("sequential") => drop(sequential(number(1)).await?),
        Some("mapped") => drop(mapped(number(1)).await?),
        Some("reported") => {
            let label = arguments.get(2).cloned().unwrap_or_default();
            reported(label, number(1)).await?;
        }
        Some("streamed") => {
            let before = peak_kib();
            println!("{} bytes", streamed(number(1)).await?);
            println!("{} KiB more", peak_kib() - before);
        }
        Some("everything") => println!("{}", everything(number(1)).await?),
        Some("second-run") => second_run().await?,
        Some("resting") => resting(number(1).into()).await?,
        Some("family") => family(number(1).into()).await?,
        Some("deaf") => deaf().await?,
        Some("idle") => {
            brief().await?;
            eprintln!("listening");
            std::future::pending().await
        }
        Some("own-handler") => {
            let mut own = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("a handler");
            let family = family(60).submit();
            own.recv().await;
            eprintln!("handled by the program: {:?}", family.state().map(|state| state.name().to_owned()));
        }
        Some("with-subflows") => drop(with_subflows(number(1).into()).await?),
        Some("late-subflow") => late_subflow(number(1).into(), number(2).into()).await?,
        Some("wrong-parameters") => {
            let call = resting.with_parameters(serde_json::json!({"seconds": "many"}));
            call.await?;
        }
        Some("panic") => {
            let resting = resting(60).submit();
            while resting.state().is_none_or(|state| state.state_type() != flowkit::StateType::Running) {
                tokio::task::yield_now().await;
            }
            panic!("main has had enough");
        }
        Some("exit") => {
            let resting = resting(60).submit();
            while resting.state().is_none_or(|state| state.state_type() != flowkit::StateType::Running) {
                tokio::task::yield_now().await;
            }
            std::process::exit(3);
        }
        other => panic!("no such program: {other:?}"),
    }
    Ok(())
}
