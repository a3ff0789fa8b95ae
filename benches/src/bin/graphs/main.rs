//! A chain and a fan-out of 100 tasks, here and in two crates that run graphs. See `benches/README.md`.

mod dagrs;
mod dagx;
mod ours;

use flowkit::prelude::*;
use flowkit_benches::meter::{Taken, in_turn, per_op, side};

/// How many tasks a chain has, and how many take the value of the one at the root of a fan-out.
const TASKS: u32 = 100;

/// What the last task of a chain returns: the first returns 0, each other one more than it was given.
const LAST: u32 = TASKS - 1;

/// What the root of a fan-out returns; the `n`th task after it returns that and `n`.
const ROOT: u32 = 42;

/// What those return all together.
const SUM: u32 = TASKS * ROOT + TASKS * (TASKS - 1) / 2;

const REPEATS: usize = 51;

/// How many graphs are made and run in one repeat.
const GRAPHS: u32 = 20;

/// Runs graphs one after the other, and checks what each gives.
macro_rules! graphs {
    ($graph:path, $result:expr) => {
        side(|| {
            per_op(GRAPHS, async |graphs| {
                for _ in 0..graphs {
                    assert_eq!($graph().await, $result);
                }
            })
        })
    };
}

#[flow]
async fn both() {
    let [awaited, submitted, dagx, dagrs] = in_turn(
        REPEATS,
        [
            graphs!(ours::chain_awaited, LAST),
            graphs!(ours::chain_submitted, LAST),
            graphs!(dagx::chain, LAST),
            graphs!(dagrs::chain, LAST),
        ],
    )
    .await;
    report("chain of 100, each awaited", awaited, dagx, dagrs);
    report("chain of 100, futures as arguments", submitted, dagx, dagrs);
    let [own, dagx, dagrs] =
        in_turn(REPEATS, [graphs!(ours::fan_out, SUM), graphs!(dagx::fan_out, SUM), graphs!(dagrs::fan_out, SUM)])
            .await;
    report("fan-out of 100, futures as arguments", own, dagx, dagrs);
}

fn report(name: &str, own: Taken, dagx: Taken, dagrs: Taken) {
    let micros = |ns: f64| ns / 1e3;
    println!(
        r#"{{"name":"{name}","us":{:.1},"dagx_us":{:.1},"dagrs_us":{:.1},"of_dagx":{:.2},"of_dagrs":{:.2},"least_us":{:.1},"dagx_least_us":{:.1},"dagrs_least_us":{:.1},"repeats":{REPEATS},"graphs":{GRAPHS}}}"#,
        micros(own.median),
        micros(dagx.median),
        micros(dagrs.median),
        own.median / dagx.median,
        own.median / dagrs.median,
        micros(own.least),
        micros(dagx.least),
        micros(dagrs.least)
    );
}

fn main() -> std::process::ExitCode {
    let part = flowkit_benches::Part {
        name: "graphs",
        console: flowkit_benches::Console::Off,
        run: || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            // On a worker: the thread that blocks on the runtime is woken more slowly.
            let flow = async { tokio::spawn(both().into_future()).await };
            runtime.block_on(flow).expect("no panic").expect("a flow that ends");
        },
    };
    flowkit_benches::part::main(&[part])
}
