//! How long a program with one flow lives, next to one with none. See `benches/README.md`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use flowkit::prelude::*;
use flowkit_benches::meter::median;
use flowkit_benches::scratch::Scratch;
use flowkit_benches::{Console, Part, part};

const REPEATS: usize = 101;

const PARTS: [Part; 2] = [
    Part { name: "nothing", console: Console::Null, run: || block_on(async {}) },
    Part {
        name: "hello",
        console: Console::Null,
        run: || block_on(async { hello().await.expect("a flow that ends") }),
    },
];

#[task]
async fn greet() {
    tracing::info!("Hello!");
}

#[flow]
async fn hello() -> flowkit::Result<()> {
    greet().await
}

fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(work);
}

fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        return part::main(&PARTS);
    }
    let Some(empty) = empty() else {
        eprintln!(
            "there is no program `empty` beside this one; build all: cargo build --release -p flowkit-benches --bins"
        );
        return ExitCode::FAILURE;
    };
    let scratch = Scratch::new();
    // A file that earlier processes have made and written to.
    let old = scratch.file("old.db");
    let lives: [&dyn Fn() -> Command; 5] = [
        &|| Command::new(&empty),
        &|| part::again("nothing", Console::Null),
        &|| part::again("hello", Console::Null),
        &|| kept(&scratch.fresh("new.db")),
        &|| kept(&old),
    ];
    let [empty, nothing, hello, new, old] = in_turn(lives);
    let report = |name: &str, ms: f64| {
        let above = ms - empty;
        println!(r#"{{"name":"{name}","ms":{ms:.2},"above_ms":{above:.2},"floor_ms":{empty:.2},"repeats":{REPEATS}}}"#);
    };
    report("the same program with tokio alone", nothing);
    report("one flow and one task, ephemeral", hello);
    report("one flow and one task, embedded, new file", new);
    report("one flow and one task, embedded, file of earlier runs", old);
    ExitCode::SUCCESS
}

/// The part `hello` with its runs in this file.
fn kept(file: &Path) -> Command {
    let mut command = part::again("hello", Console::Null);
    command.env("FLOWKIT_DB", file);
    command
}

/// The medians of their lives in milliseconds. They take turns, so that all see the same machine; the first of each does
/// not count.
fn in_turn<const N: usize>(processes: [&dyn Fn() -> Command; N]) -> [f64; N] {
    let mut lives = [const { Vec::new() }; N];
    for repeat in 0..=REPEATS {
        for (process, lives) in processes.iter().zip(&mut lives) {
            let life = part::timed(process()).expect("a process that ends well");
            if repeat > 0 {
                lives.push(life.as_secs_f64() * 1e3);
            }
        }
    }
    lives.map(median)
}

/// The program that only starts tokio's runtime, beside this one.
fn empty() -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.with_file_name(format!("empty{}", std::env::consts::EXE_SUFFIX));
    path.is_file().then_some(path)
}
