//! The program whose runners the live suite sets beside each other, kills, and fills up.

use std::path::PathBuf;
use std::time::Duration;

use flowkit::HookContext;
use flowkit::prelude::*;
use flowkit::{Collision, DeploymentCall, Isolation};
use flowkit_tests::ledger;

/// The id of the present flow run.
fn this() -> String {
    flowkit::runtime::flow_run().map(|run| run.id().to_string()).unwrap_or_default()
}

/// Notes in the ledger what has become of a run.
async fn noted(hook: HookContext) {
    let Some(run) = hook.flow_run() else { return };
    if let Some(file) = run.parameters()["file"].as_str() {
        ledger::note(&PathBuf::from(file), &format!("hook-{}", hook.state().name()), &hook.id().to_string());
    }
}

/// Notes its beginning and its end.
#[flow(on_cancellation = noted, on_crashed = noted)]
async fn counted(file: PathBuf, #[param(default = 0.1)] seconds: f64) {
    ledger::note(&file, "start", &this());
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    ledger::note(&file, "end", &this());
}

/// Keeps its thread busy, and heeds nothing.
#[flow(on_cancellation = noted, on_crashed = noted)]
async fn stubborn(file: PathBuf, #[param(default = 60.0)] seconds: f64) {
    ledger::note(&file, "start", &this());
    std::thread::sleep(Duration::from_secs_f64(seconds));
    ledger::note(&file, "end", &this());
}

/// Fails once, and waits for its retry.
#[flow(retries = 1, retry_delay = "3s")]
async fn retrying(file: PathBuf) -> Result<(), String> {
    ledger::note(&file, "start", &this());
    ledger::note(&file, "end", &this());
    let again = flowkit::runtime::flow_run().is_some_and(|run| run.run_count() > 1);
    if again { Ok(()) } else { Err("not yet".to_owned()) }
}

/// Is suspended once.
#[flow]
async fn suspended(file: PathBuf) -> flowkit::Result<()> {
    ledger::note(&file, "start", &this());
    flowkit::suspend_flow_run().key("once").await?;
    ledger::note(&file, "end", &this());
    Ok(())
}

/// Tells the values of variables of its environment.
#[flow]
async fn variables(file: PathBuf) {
    for name in ["OF_DEPLOYMENT", "OF_BOTH", "OF_RUN"] {
        ledger::note(&file, name, &std::env::var(name).unwrap_or_default());
    }
}

/// Reads `name=value` from the arguments.
fn option(name: &str) -> Option<String> {
    std::env::args().find_map(|argument| argument.strip_prefix(&format!("{name}="))?.to_owned().into())
}

fn environment() -> serde_json::Value {
    serde_json::json!({"OF_DEPLOYMENT": "deployment", "OF_BOTH": "deployment"})
}

fn limited(deployment: DeploymentCall) -> DeploymentCall {
    let Some(slots) = option("slots").and_then(|slots| slots.parse().ok()) else { return deployment };
    let collision = if option("collision").as_deref() == Some("cancel") { Collision::Cancel } else { Collision::Wait };
    deployment.concurrency_limit(slots).on_collision(collision)
}

#[tokio::main]
async fn main() -> flowkit::Result<()> {
    let name = option("name").unwrap_or_else(|| "dep".to_owned());
    if let Some(pool) = option("pool") {
        if let Some(run) = flowkit::assigned_flow_run()? {
            return flowkit::run_existing(run).await;
        }
        let program = std::env::current_exe().unwrap_or_default();
        let command = format!("{} pool={pool}", program.display());
        for deployment in [counted.deployment(&name), stubborn.deployment(&name), variables.deployment(&name)] {
            deployment
                .work_pool(&pool)
                .job_variables(serde_json::json!({"command": command, "env": environment()}))
                .await?;
        }
        return Ok(());
    }
    let deployments = [
        limited(counted.deployment(&name)),
        limited(stubborn.deployment(&name)),
        retrying.deployment(&name),
        suspended.deployment(&name),
        variables.deployment(&name).job_variables(serde_json::json!({"env": environment()})),
    ];
    let isolation = match option("isolation").as_deref() {
        Some("in-process") => Isolation::InProcess,
        _ => Isolation::Process,
    };
    let limit = option("limit").and_then(|limit| limit.parse().ok()).unwrap_or(5);
    let poll = option("poll").unwrap_or_else(|| "500ms".to_owned());
    flowkit::serve(deployments).isolation(isolation).limit(limit).poll_interval(poll).await
}
