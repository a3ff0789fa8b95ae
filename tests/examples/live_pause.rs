//! The program whose flow runs the live suite pauses, resumes and sends input to.

use flowkit::prelude::*;
use flowkit::{FlowRunId, pause_flow_run, receive_input, resume_flow_run, suspend_flow_run};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, JsonSchema, Debug)]
struct Approval {
    approved: bool,
    #[serde(default)]
    reason: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Visitor {
    name: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Greeting {
    text: String,
}

#[flow]
async fn paused_plain() -> flowkit::Result<()> {
    pause_flow_run().poll_interval("200ms").await
}

#[flow]
async fn paused_for_input() -> flowkit::Result<String> {
    let approval = pause_flow_run()
        .wait_for_input::<Approval>()
        .description("Shall it go out?")
        .with_initial_data(serde_json::json!({"approved": true}))
        .poll_interval("200ms")
        .await?;
    Ok(format!("{} because {}", approval.approved, approval.reason))
}

#[flow(retries = 2)]
async fn paused_briefly() -> flowkit::Result<()> {
    pause_flow_run().timeout("1s").await
}

#[flow]
async fn suspended(first: u32) -> flowkit::Result<u32> {
    println!("begins with {first}");
    let second = suspend_flow_run().wait_for_input::<u32>().await?;
    println!("goes on with {second}");
    Ok(first + second)
}

#[flow]
async fn greeter() -> flowkit::Result<()> {
    let visitor = receive_input::<Visitor>().poll_interval("200ms").await?;
    visitor.respond(&Greeting { text: format!("hello {}", visitor.name) }).await
}

#[tokio::main]
async fn main() -> flowkit::Result<()> {
    if let Some(run) = flowkit::assigned_flow_run()? {
        return flowkit::run_existing(run).await;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).map(String::as_str);
    let name = argument(1).unwrap_or("unnamed").to_owned();
    match argument(0) {
        Some("plain") => paused_plain().name(name).await?,
        Some("input") => println!("{}", paused_for_input().name(name).await?),
        Some("brief") => paused_briefly().name(name).await?,
        Some("suspend") => println!("{}", suspended(1).name(name).await?),
        Some("greeter") => greeter().name(name).await?,
        Some("resume") => {
            let run: FlowRunId = argument(1).unwrap_or_default().parse()?;
            resume_flow_run(run).input(&Approval { approved: false, reason: "Rust".to_owned() }).await?;
        }
        other => panic!("no such program: {other:?}"),
    }
    Ok(())
}
