//! A program that schedules its own flows: nothing else is installed, and nothing else runs.
//!
//! `cargo run --release --example nightly` serves for some seconds; with `-- --serve` it goes on until Ctrl-C. With
//! `PREFECT_API_URL` set, the same program serves what a Prefect server schedules.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{DeploymentCall, run_deployment};

/// Stands for a copy of a table.
#[task(retries = 2, retry_delay = "1s")]
async fn copy(table: String) -> anyhow::Result<usize> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(table.len() * 1000)
}

/// Copies the tables that have changed.
#[flow(log_prints)]
async fn backup(#[param(default = vec!["orders".to_owned()])] tables: Vec<String>) -> anyhow::Result<()> {
    for rows in flowkit::map(tables, copy).await? {
        println!("copied {rows} rows");
    }
    Ok(())
}

/// Looks whether the last backup is there.
#[flow(log_prints)]
async fn check() {
    let due = flowkit::runtime::flow_run().and_then(|run| run.scheduled_start_time());
    println!("checked what was due at {due:?}");
}

fn deployments() -> [DeploymentCall; 2] {
    [
        backup.deployment("nightly").cron("0 3 * * *").concurrency_limit(1).tags(["storage"]),
        check.deployment("often").interval("1s"),
    ]
}

/// Starts a run by hand, as a web service might, and lets some scheduled ones pass.
async fn look() -> flowkit::Result<()> {
    // Until the deployments are registered.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let tables = ["orders", "customers"];
    let run = run_deployment("backup/nightly").parameter("tables", tables).timeout("10s").await?;
    println!("run {} ended: {}", run.name, run.state);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let runtime = flowkit::runtime::global()?;
    for deployment in runtime.history().map(|history| history.deployments()).unwrap_or_default() {
        println!("{} is next due at {:?}", deployment.full_name(), deployment.next_dates(2));
    }
    Ok(())
}

#[tokio::main]
async fn main() -> flowkit::Result<()> {
    let serving = flowkit::serve(deployments()).limit(4);
    if std::env::args().any(|argument| argument == "--serve") {
        return serving.await;
    }
    tokio::select! {
        ended = serving.into_future() => ended,
        looked = look() => looked,
    }
}
