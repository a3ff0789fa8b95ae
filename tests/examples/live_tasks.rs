//! The program whose background tasks the live suite delays and serves.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{TaskRunId, delayed_task};

/// Leaves a line in a file: who was there.
fn note(what: &str) {
    let file = std::env::var("NOTES").expect("there is a file for notes");
    let mut file = OpenOptions::new().create(true).append(true).open(file).expect("it can be opened");
    file.write_all(format!("{what}\n").as_bytes()).expect("it can be written");
}

#[task(background)]
async fn double(n: u64) -> u64 {
    note(&format!("double {n}"));
    tokio::time::sleep(Duration::from_millis(20)).await;
    n * 2
}

/// Goes on for as long as the process that runs it is told.
#[task(background)]
async fn rest(name: String) -> String {
    note(&format!("begin {name}"));
    let seconds = std::env::var("REST").ok().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    eprintln!("resting {name}");
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    note(&format!("end {name}"));
    name
}

#[task(background, retries = 2, retry_delay = "100ms", run_name = "flaky-{n}")]
fn flaky(n: u32) -> Result<u32, String> {
    let attempt = flowkit::runtime::task_run().map_or(0, |run| run.run_count());
    tracing::info!("attempt {attempt}");
    if attempt < 3 { Err(format!("attempt {attempt}")) } else { Ok(n) }
}

#[task(background)]
async fn failing(why: String) -> Result<(), String> {
    Err(why)
}

#[task(background)]
async fn dying() {
    note("dying");
    std::process::abort();
}

#[task]
async fn one() -> u64 {
    1
}

#[flow]
async fn delaying() -> flowkit::Result<TaskRunId> {
    Ok(double(one().submit()).delay().await?.id())
}

#[tokio::main]
async fn main() -> flowkit::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).cloned().unwrap_or_default();
    match argument(0).as_str() {
        "serve" => {
            let limit = argument(1).parse().unwrap_or(10);
            let all = flowkit::background_tasks();
            flowkit::serve_tasks(all).limit(limit).poll_interval(argument(2)).await?;
            eprintln!("served");
        }
        "double" => {
            let count: u64 = argument(1).parse().expect("a number");
            for n in 0..count {
                println!("{}", double(n).delay().await?.id());
            }
        }
        "double-and-wait" => println!("{}", double(21).delay().await?.wait_timeout("60s").await?),
        "rest" => println!("{}", rest(argument(1)).tags(["slow"]).delay().await?.id()),
        "flaky" => println!("{}", flaky(7).delay().await?.id()),
        "failing" => println!("{}", failing(argument(1)).delay().await?.id()),
        "dying" => println!("{}", dying().delay().await?.id()),
        "flow" => println!("{}", delaying().await?),
        "result" => {
            let delayed = delayed_task::<u64>(argument(1).parse::<TaskRunId>()?)?;
            match delayed.await {
                Ok(value) => println!("{value}"),
                Err(error) => println!("{:?}: {error}", error.kind()),
            }
        }
        "keys" => flowkit::background_tasks().iter().for_each(|task| println!("{} {}", task.name, task.key)),
        other => panic!("no such program: {other:?}"),
    }
    Ok(())
}
