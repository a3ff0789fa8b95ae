//! The suite against a real Prefect server, in real time, many programs at once over one reporter.
//!
//! What the server stored must come to be the picture that is expected. Beyond what an expectation shows, each
//! program is also run in memory, and all log lines of both runs must be the same. In the end the server must have
//! no run that is in no picture, and must have complained of nothing.

#[path = "suite/mod.rs"]
mod suite;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flowkit::Runtime;
use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::suite::{Backend, Behaviour, Detail, Facts, Stage, draw, memory, server};
use libtest_mimic::{Arguments, Trial};

/// Programs that run at the same time. They mostly wait: for the server to store what it was told.
const AT_ONCE: usize = 8;

/// How long the server may take to store a program's runs while it is busy with those of others.
const PATIENCE: Duration = Duration::from_secs(60);

static FLOWS: AtomicU64 = AtomicU64::new(0);
static TASKS: AtomicU64 = AtomicU64::new(0);

/// What all programs of this process share.
struct World {
    server: LiveServer,
    threads: tokio::runtime::Runtime,
    reporting: Runtime,
}

fn world() -> Option<&'static World> {
    static WORLD: OnceLock<Option<World>> = OnceLock::new();
    let make = || {
        // What the server does with events beyond storing task runs of them is not looked at, and costs it much.
        let quiet = LiveServer::options()
            .env("PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED", "false")
            .env("PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED", "false");
        let server = quiet.start()?;
        let threads = tokio::runtime::Runtime::new().expect("a runtime starts");
        let reporting =
            Runtime::builder().server(server.api_url()).spool(server.spool()).build().expect("the address is sound");
        Some(World { server, threads, reporting })
    };
    WORLD.get_or_init(make).as_ref()
}

fn main() {
    suite::quiet();
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let trials: Vec<Trial> =
        suite::all().into_iter().map(|behaviour| suite::trial(behaviour, Backend::Server, holds)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if conclusion.num_failed == 0
        && !arguments.list
        && let Some(world) = world()
    {
        // Panics of bodies are kept quiet; this one is not one of a body.
        drop(std::panic::take_hook());
        nothing_else_is_there(world);
    }
    conclusion.exit();
}

/// Checks that the server has the runs of the pictures and no others, and nothing to complain of.
fn nothing_else_is_there(world: &World) {
    let seen = (FLOWS.load(Ordering::Relaxed), TASKS.load(Ordering::Relaxed));
    assert_eq!(server::counts(&world.server), seen, "flow runs and task runs of the server, and of all pictures");
    world.server.assert_log_clean(live::BUSY);
}

fn holds(behaviour: &Behaviour) -> Result<(), String> {
    let Some(world) = world() else { return Ok(()) };
    let stage = Stage::of(&world.reporting);
    let outcome = world.threads.block_on(world.reporting.run(behaviour.act(stage.clone())));
    let roots = stage.roots();
    let twin = in_memory(world, behaviour);
    let as_twin = |facts: &Facts, detail| match &twin {
        Some((twin, got)) => same(&draw(twin, got, detail), &draw(facts, &outcome, detail)),
        None => Ok(()),
    };
    let as_expected = |facts: &Facts| behaviour.check(Backend::Server, &draw(facts, &outcome, behaviour.detail));
    let mut facts = Facts::default();
    eventually(|| {
        facts = server::runs(&world.server, &roots).ok_or("a run is not there, or has not ended, on the server")?;
        as_twin(&facts, Detail::Runs)?;
        if behaviour.detail == Detail::Runs { as_expected(&facts) } else { Ok(()) }
    })?;
    FLOWS.fetch_add(facts.flows.len() as u64, Ordering::Relaxed);
    TASKS.fetch_add(facts.tasks.len() as u64, Ordering::Relaxed);
    eventually(|| {
        server::add_logs(&world.server, &mut facts, &roots);
        as_twin(&facts, Detail::RunsAndLogs)?;
        as_expected(&facts)
    })
}

/// Runs the program once more, in memory and in real time; `None` for programs whose runs or log lines differ here.
fn in_memory(world: &World, behaviour: &Behaviour) -> Option<(Facts, String)> {
    if behaviour.remark(Backend::Server).is_some() {
        return None;
    }
    let runtime = Runtime::ephemeral();
    let outcome = world.threads.block_on(runtime.run(behaviour.act(Stage::of(&runtime))));
    Some((memory::facts(runtime.history().expect("it is in memory")), outcome))
}

fn same(in_memory: &str, on_server: &str) -> Result<(), String> {
    match in_memory == on_server {
        true => Ok(()),
        false => Err(format!("in memory there is\n{in_memory}\nand on the server\n{on_server}")),
    }
}

/// Tries until it is right, for as long as a busy server may take.
fn eventually(mut right: impl FnMut() -> Result<(), String>) -> Result<(), String> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(500);
    loop {
        match right() {
            Ok(()) => return Ok(()),
            Err(why) if begun.elapsed() > PATIENCE => return Err(why),
            Err(_) => std::thread::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}
