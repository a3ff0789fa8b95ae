//! The program that the live suite serves without a server, with an endpoint that stock clients talk to.

use std::time::Duration;

use flowkit::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
struct Order {
    id: u32,
    note: Option<String>,
}

#[task]
async fn rest(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// Greets somebody.
#[flow(name = "hello world", log_prints)]
async fn hello(
    /// Who is greeted.
    #[param(default = "Marvin".to_owned())]
    name: String,
    times: u32,
    order: Option<Order>,
) -> flowkit::Result<String> {
    rest(0.3).await?;
    for time in 0..times {
        println!("hello {name}, {time} {order:?}");
    }
    rest(0.2).await?;
    Ok(name)
}

/// Goes on for a while.
#[flow]
async fn resting(#[param(default = 300.0)] seconds: f64) -> flowkit::Result<()> {
    rest(seconds).await
}

#[flow]
async fn failing() -> Result<(), String> {
    Err("the disk is on fire".to_owned())
}

/// Serves three deployments, or starts a run of one and waits for it.
#[tokio::main]
async fn main() -> flowkit::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("run") => {
            let run = flowkit::run_deployment("hello world/daily").parameter("times", 2).parameter("name", "Ada");
            let run = run.tags(["from-rust"]).poll_interval("100ms").timeout("60s").await?;
            println!("{} {}", run.id, run.state);
        }
        Some("serve") => {
            let deployments = [
                hello.deployment("daily").cron("0 8 * * *").parameter("times", 1).tags(["nightly"]),
                resting.deployment("long").concurrency_limit(20),
                failing.deployment("broken"),
            ];
            let mut serving = flowkit::serve(deployments).limit(50);
            if let Some(address) = arguments.get(1) {
                serving = serving.endpoint(address);
            }
            serving.await?;
        }
        other => panic!("no such program: {other:?}"),
    }
    Ok(())
}
