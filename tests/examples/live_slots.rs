//! The program whose tasks share slots of limits with other processes.

use std::path::Path;
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{concurrency, runtime};
use flowkit_tests::ledger::note;

fn said(name: &str) -> String {
    let args: Vec<String> = std::env::args().collect();
    let given = args.iter().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='));
    given.unwrap_or_else(|| panic!("{name}=.. is missing")).to_owned()
}

async fn work(nth: u32) {
    let file = said("file");
    let run = format!("{}-{nth}", said("process"));
    note(Path::new(&file), "start", &run);
    eprintln!("working on {nth}");
    tokio::time::sleep(Duration::from_secs_f64(said("seconds").parse().expect("a number"))).await;
    note(Path::new(&file), "end", &run);
}

#[task]
async fn asks(nth: u32) -> flowkit::Result<()> {
    let _slot = concurrency(said("limit"), 1).lease("60s").strict(true).await?;
    work(nth).await;
    Ok(())
}

#[task]
async fn tagged(nth: u32) {
    work(nth).await;
}

/// Blocks the thread of its runtime for as long as it is told, with a slot that is leased.
#[task]
async fn blocks() -> flowkit::Result<bool> {
    let slot = concurrency(said("limit"), 1).lease("60s").await?;
    std::thread::sleep(Duration::from_secs_f64(said("seconds").parse().expect("a number")));
    Ok(slot.is_lost())
}

#[flow]
async fn share(how: String, from: u32, upto: u32) -> flowkit::Result<()> {
    match how.as_str() {
        "ask" => drop(flowkit::map(from..upto, asks).limit(100).await?),
        "block" => assert!(!blocks().await?, "the slot was lost"),
        _ => {
            let tag = said("limit");
            drop(flowkit::map(from..upto, |nth| tagged(nth).tags([tag.clone()])).limit(100).await?);
        }
    }
    eprintln!("{} has ended", runtime::flow_run().expect("a run").name());
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> flowkit::Result<()> {
    let number = |name| said(name).parse().expect("a number");
    share(said("how"), number("from"), number("upto")).await
}
