//! Reports a flow run with one task run to a server: `cargo run -p flowkit-client --example report`.
//!
//! The address is `PREFECT_API_URL`, by default that of a local server.

use std::error::Error;

use chrono::Utc;
use flowkit_client::api::flow_runs::Orchestrate;
use flowkit_client::model::{
    Event, FlowCreate, FlowRun, FlowRunCreate, JsonObject, LogCreate, LogFilter, LogQuery, RelatedResource, Resource,
    StateCreate, StateType, timestamp,
};
use flowkit_client::{Auth, Client, Config};
use serde_json::json;
use uuid::Uuid;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let set = |name| std::env::var(name).ok();
    let url = set("PREFECT_API_URL").unwrap_or_else(|| "http://127.0.0.1:4200/api".into());
    let auth = Auth::from_settings(set("PREFECT_API_KEY").as_deref(), set("PREFECT_API_AUTH_STRING").as_deref());
    let client = Client::new(Config::new(&url)?.auth(auth))?;
    println!("server {}", client.server_version().await?.as_str());

    let flow = client.create_flow(&FlowCreate::new("report-example")).await?;
    let run = client.create_flow_run(&FlowRunCreate::new(flow.id)).await?;
    propose(&client, &run, StateType::Running).await?;

    let task = Uuid::now_v7();
    let events: Vec<Event> = task_run_events(&run, task);
    client.create_events(&events).await?;

    let line = LogCreate {
        name: "prefect.flow_runs".into(),
        level: 20,
        message: "hello from rust".into(),
        timestamp: Utc::now(),
        flow_run_id: Some(run.id),
        task_run_id: None,
    };
    client.create_logs(&[line]).await?;
    propose(&client, &run, StateType::Completed).await?;

    let lines = client.filter_logs(&LogQuery::new(LogFilter::default().flow_run_ids([run.id]))).await?;
    println!("{} has {} log line", run.name, lines.len());
    loop {
        // The server stores reported task runs a moment later.
        match client.read_task_run(task).await? {
            Some(task) if task.state_type == Some(StateType::Completed) => {
                println!("{} is {:?} in flow run {:?}", task.name, task.state_name, task.flow_run_id);
                return Ok(());
            }
            _ => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
        }
    }
}

async fn propose(client: &Client, run: &FlowRun, kind: StateType) -> Result<(), flowkit_client::Error> {
    let state = StateCreate::new(kind).transition_id(Uuid::new_v4());
    let answer = client.set_flow_run_state(run.id, &state, Orchestrate::Rules).await?;
    println!("{} -> {}: {:?}", run.name, kind.as_str(), answer.status);
    Ok(())
}

fn task_run_events(run: &FlowRun, task: Uuid) -> Vec<Event> {
    let key = Uuid::new_v4().to_string();
    let event = |name: &str, kind: &str, runs: u32| {
        let now = Utc::now();
        let resource = Resource::new(format!("prefect.task-run.{task}"))
            .name("hello-0")
            .label("prefect.run-count", runs.to_string())
            .label("prefect.state-message", "")
            .label("prefect.state-name", name)
            .label("prefect.state-timestamp", timestamp::format_label(&now))
            .label("prefect.state-type", kind)
            .label("prefect.orchestration", "client");
        let payload: JsonObject = [
            (
                "validated_state".into(),
                json!({ "type": kind, "name": name, "message": "", "state_details": {}, "data": null }),
            ),
            (
                "task_run".into(),
                json!({ "name": "hello-0", "task_key": "hello", "dynamic_key": key, "run_count": runs }),
            ),
        ]
        .into_iter()
        .collect();
        Event {
            related: vec![RelatedResource::new("flow-run", format!("prefect.flow-run.{}", run.id)).name(&run.name)],
            payload,
            occurred: now,
            ..Event::new(format!("prefect.task-run.{name}"), resource)
        }
    };
    vec![event("Pending", "PENDING", 0), event("Running", "RUNNING", 1), event("Completed", "COMPLETED", 1)]
}
