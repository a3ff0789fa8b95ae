//! The program that the live suite lets store results, and lets read those of other processes.

use flowkit::prelude::*;
use flowkit::{FlowRunId, TaskRunId, runtime};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u32,
    name: String,
}

#[task(cache = inputs)]
async fn row(id: u32) -> Row {
    Row { id, name: format!("row {id}") }
}

#[task(persist_result, result_codec = compact)]
async fn count(rows: Vec<Row>) -> usize {
    println!("task {}", runtime::task_run().expect("a body is in a run").id());
    rows.len()
}

#[task]
async fn passing() -> u32 {
    7
}

/// Stores what it makes.
#[flow(persist_result)]
async fn with_results() -> flowkit::Result<Vec<Row>> {
    let rows = vec![row(1).await?, row(2).await?, row(1).await?];
    count(rows.clone()).await?;
    passing().await?;
    println!("flow {}", runtime::flow_run().expect("a body is in a run").id());
    Ok(rows)
}

#[task]
async fn break_off() -> Result<(), String> {
    Err("broken".to_owned())
}

/// Takes back what it has done.
#[flow]
async fn taking_back() -> flowkit::Result<()> {
    flowkit::transaction("taken back")
        .run(async |_| {
            row(10).await?;
            break_off().await
        })
        .await
}

fn id<I: serde::de::DeserializeOwned>(text: &str) -> serde_json::Result<I> {
    serde_json::from_value(text.into())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["take-back"] => assert!(taking_back().await.is_err()),
        ["write"] => drop(with_results().await?),
        ["read", flow, task] => {
            let runtime = runtime::global()?;
            let rows: Vec<Row> = runtime.flow_run_result(id::<FlowRunId>(flow)?).await?;
            let count: usize = runtime.task_run_result(id::<TaskRunId>(task)?).await?;
            println!("{count} {rows:?}");
        }
        ["read-flow", flow] => {
            let value = runtime::global()?.flow_run_result::<u32>(id::<FlowRunId>(flow)?).await;
            println!("{}", value.map_or_else(|error| error.chain(), |value| value.to_string()));
        }
        _ => anyhow::bail!("no such program: {words:?}"),
    }
    Ok(())
}
