//! Does one thing as often as it is told, to have its instructions counted. See `benches/README.md`.

use std::process::ExitCode;

use flowkit::prelude::*;

#[task]
async fn noop(n: u64) -> u64 {
    n
}

#[flow]
async fn awaited(times: u64) -> flowkit::Result<u64> {
    let mut sum = 0;
    for n in 0..times {
        sum += noop(n).await?;
    }
    Ok(sum)
}

#[flow]
async fn mapped(times: u64) -> flowkit::Result<u64> {
    Ok(flowkit::map(0..times, noop).await?.into_iter().sum())
}

#[flow]
async fn submitted(times: u64) -> flowkit::Result<u64> {
    let mut sum = 0;
    for n in 0..times {
        sum += noop(n).submit().await?;
    }
    Ok(sum)
}

#[flow]
async fn chained(times: u64) -> flowkit::Result<u64> {
    let mut last = noop(1).submit();
    for _ in 0..times {
        last = noop(&last).submit();
    }
    last.await
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let times = arguments.get(1).and_then(|times| times.parse().ok());
    let call = match (arguments.first().map(String::as_str), times) {
        (Some("awaited"), Some(times)) => awaited(times),
        (Some("mapped"), Some(times)) => mapped(times),
        (Some("submitted"), Some(times)) => submitted(times),
        (Some("chained"), Some(times)) => chained(times),
        _ => {
            eprintln!("it takes what to do, `awaited`, `mapped`, `submitted` or `chained`, and how often");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(call.into_future()).expect("a flow that ends");
    ExitCode::SUCCESS
}
