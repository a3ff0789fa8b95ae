//! Our side of the comparison with Python's Prefect, which `benches/python/bench.py` drives. See `benches/README.md`.
//!
//! It does one piece of work in the fewest lines, as a user would write it, and prints which flow run did it and how long
//! that took in the program. What is left to deliver is delivered before the process ends.

use std::process::ExitCode;
use std::time::Instant;

use flowkit::prelude::*;

#[task]
async fn noop(n: u64) -> u64 {
    n
}

#[task]
async fn greet() {
    tracing::info!("Hello!");
}

#[flow]
async fn sequential(count: u64) -> flowkit::Result<String> {
    for n in 0..count {
        noop(n).await?;
    }
    Ok(own_id())
}

#[flow]
async fn mapped(count: u64) -> flowkit::Result<String> {
    flowkit::map(0..count, noop).await?;
    Ok(own_id())
}

#[flow]
async fn hello() -> flowkit::Result<String> {
    greet().await?;
    Ok(own_id())
}

fn own_id() -> String {
    flowkit::runtime::flow_run().map(|run| run.id().to_string()).unwrap_or_default()
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (work, count) = (arguments.next(), arguments.next().and_then(|count| count.parse().ok()));
    let call = match (work.as_deref(), count) {
        (Some("sequential"), Some(count)) => sequential(count),
        (Some("map"), Some(count)) => mapped(count),
        (Some("hello"), _) => hello(),
        _ => {
            eprintln!("it takes what to do and how often: `sequential 1000`, `map 1000` or `hello 1`");
            return ExitCode::from(2);
        }
    };
    let begun = Instant::now();
    match call.await {
        Ok(run) => {
            println!(r#"{{"flow_run":"{run}","flow_s":{:.4}}}"#, begun.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
