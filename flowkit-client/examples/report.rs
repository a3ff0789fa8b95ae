//! Reports a flow run with one task run to a server: `cargo run -p flowkit-client --example report`.
//!
//! The address is `PREFECT_API_URL`, by default that of a local server.

use std::env::var;
use std::error::Error;
use std::time::Duration;

use chrono::Utc;
use flowkit_client::api::flow_runs::Orchestrate;
use flowkit_client::model::{
    Event, FlowCreate, FlowRun, FlowRunCreate, LogCreate, RelatedResource, Resource, StateCreate, StateType, timestamp,
};
use flowkit_client::{Auth, Client, Config, EventsChannel, EventsOptions};
use serde_json::json;
use uuid::Uuid;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = var("PREFECT_API_URL").unwrap_or_else(|_| "http://127.0.0.1:4200/api".into());
    let (key, auth) = (var("PREFECT_API_KEY").ok(), var("PREFECT_API_AUTH_STRING").ok());
    let auth = Auth::from_settings(key.as_deref(), auth.as_deref());
    let client = Client::new(Config::new(&url)?.auth(auth))?;
    println!("server {}", client.server_version().await?.as_str());

    let flow = client.create_flow(&FlowCreate::new("report-example")).await?;
    let run = client.create_flow_run(&FlowRunCreate::new(flow.id)).await?;
    propose(&client, &run, StateType::Running).await?;

    // A task run comes to be by its events; one is enough for a short run.
    let channel = EventsChannel::open(&client, EventsOptions::default())?;
    let id = Uuid::now_v7();
    channel.send(task_run_completed(&run, id)).await?;
    let (flushed, undelivered) = channel.close(Duration::from_secs(10)).await;
    println!("{} events confirmed, {} not delivered", flushed.confirmed, undelivered.len());

    client.create_logs(&[LogCreate::new(run.id, 20, "hello from rust")]).await?;
    propose(&client, &run, StateType::Completed).await?;

    // The server stores it a moment later.
    while client.read_task_run(id).await?.is_none() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("the server knows the task run");
    Ok(())
}

async fn propose(client: &Client, run: &FlowRun, kind: StateType) -> Result<(), Box<dyn Error>> {
    let state = StateCreate::new(kind).transition_id(Uuid::new_v4());
    let answer = client.set_flow_run_state(run.id, &state, Orchestrate::Rules).await?;
    println!("{} -> {}: {:?}", run.name, kind.as_str(), answer.status);
    Ok(())
}

fn task_run_completed(run: &FlowRun, id: Uuid) -> Event {
    let now = Utc::now();
    let resource = Resource::new(format!("prefect.task-run.{id}"))
        .name("hello-0")
        .label("prefect.run-count", "1")
        .label("prefect.state-message", "")
        .label("prefect.state-name", "Completed")
        .label("prefect.state-timestamp", timestamp::format_label(&now))
        .label("prefect.state-type", "COMPLETED")
        .label("prefect.orchestration", "client");
    let state = json!({ "type": "COMPLETED", "name": "Completed", "state_details": {} });
    let key = Uuid::new_v4().to_string();
    let task_run = json!({ "name": "hello-0", "task_key": "hello", "dynamic_key": key });
    Event {
        occurred: now,
        related: vec![RelatedResource::new("flow-run", format!("prefect.flow-run.{}", run.id))],
        payload: [("validated_state".into(), state), ("task_run".into(), task_run)].into_iter().collect(),
        ..Event::new("prefect.task-run.Completed", resource)
    }
}
