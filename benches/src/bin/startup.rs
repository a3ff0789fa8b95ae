//! How long a program with one flow lives, next to one with none. See `benches/README.md`.

use std::process::ExitCode;

use flowkit::prelude::*;
use flowkit_benches::meter::median;
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
    // In turn, so that both see the same machine; the first of each does not count.
    let mut lives = [const { Vec::new() }; 2];
    for repeat in 0..=REPEATS {
        for (part, lives) in PARTS.iter().zip(&mut lives) {
            let life = part::timed(part.name, part.console).expect("a part that ends well");
            if repeat > 0 {
                lives.push(life.as_nanos() as f64);
            }
        }
    }
    let [nothing, hello] = lives.map(|lives| median(lives) / 1e6);
    println!(
        r#"{{"name":"process with one flow and one task","ms":{hello:.2},"floor_ms":{nothing:.2},"repeats":{REPEATS}}}"#
    );
    ExitCode::SUCCESS
}
