//! The suite with runs in a file, on a paused clock. What is looked at is the file, not what is still in memory.
//!
//! Beyond what an expectation shows, the file must hold what this process remembers, to the microsecond.

#[path = "suite/mod.rs"]
mod suite;

use std::time::Duration;

use flowkit::Runtime;
use flowkit_tests::suite::{Backend, Behaviour, Detail, Facts, Stage, draw, embedded, memory};
use libtest_mimic::Arguments;

/// How long the disk may take for the runs of one program.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    suite::quiet();
    let trials = suite::all().into_iter().map(|behaviour| suite::trial(behaviour, Backend::Embedded, holds)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn holds(behaviour: &Behaviour) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let clock = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let clock = clock.expect("a runtime starts");
    let runtime = Runtime::builder().embedded(&path).build().expect("the file can be written");
    let outcome = clock.block_on(runtime.run(behaviour.act(Stage::of(&runtime))));
    let unwritten = clock.block_on(runtime.flush(PATIENCE));
    if !unwritten.is_empty() {
        return Err(format!("not everything was written: {unwritten:?}"));
    }
    let facts = embedded::facts(&path).map_err(|error| format!("the file cannot be read: {error:?}"))?;
    if !facts.are_settled() {
        return Err(format!("a run has not ended: {facts:#?}"));
    }
    let known = memory::facts(runtime.history().expect("it is in memory too"));
    same(&known, &facts, &outcome)?;
    behaviour.check(Backend::Embedded, &draw(&facts, &outcome, behaviour.detail))
}

/// Compares the file with what this process remembers.
fn same(known: &Facts, written: &Facts, outcome: &str) -> Result<(), String> {
    let (known, written) = (known.in_order(), written.in_order());
    if known == written {
        return Ok(());
    }
    let picture = |facts| draw(facts, outcome, Detail::RunsAndLogs);
    Err(match (picture(&known), picture(&written)) {
        (known, written) if known != written => format!("in memory there is\n{known}\nand in the file\n{written}"),
        _ => format!("in memory there is\n{known:#?}\nand in the file\n{written:#?}"),
    })
}
