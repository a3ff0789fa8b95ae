//! The suite in memory, on a paused clock: nothing waits, nothing is written, no port is opened.

#[path = "suite/mod.rs"]
mod suite;

use flowkit::Runtime;
use flowkit_tests::suite::{Backend, Behaviour, Stage, draw, memory};
use libtest_mimic::Arguments;

fn main() {
    suite::quiet();
    let trials = suite::all().into_iter().map(|behaviour| suite::trial(behaviour, Backend::Memory, holds)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn holds(behaviour: &Behaviour) -> Result<(), String> {
    let clock = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = Runtime::ephemeral();
    let outcome = clock.expect("a runtime starts").block_on(runtime.run(behaviour.act(Stage::of(&runtime))));
    let facts = memory::facts(runtime.history().expect("it is in memory"));
    if !facts.are_settled() {
        return Err(format!("a run has not ended: {facts:#?}"));
    }
    behaviour.check(Backend::Memory, &draw(&facts, &outcome, behaviour.detail))
}
