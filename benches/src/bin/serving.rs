//! What serving costs against a real server: how soon triggered runs begin, and what waiting for them takes. See
//! `benches/README.md`.

use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use flowkit::Isolation;
use flowkit::prelude::*;
use flowkit_benches::meter::median;
use flowkit_client::api::flow_runs::Orchestrate;
use flowkit_client::model::{DeploymentFlowRunCreate, FlowRun, StateCreate, StateType};
use flowkit_client::{Client, Config};
use uuid::Uuid;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How often each start is measured, after some that do not count.
const REPEATS: usize = 20;
const WARM_UP: usize = 3;

/// How long waiting is measured; `FLOWKIT_IDLE_SECONDS` says otherwise.
const IDLE: Duration = Duration::from_secs(60);

/// A run that has nothing to do.
#[flow]
async fn nothing() {}

fn main() -> ExitCode {
    let role = std::env::args().nth(1).unwrap_or_default();
    let done = match role.as_str() {
        "process" => serve(Isolation::Process),
        "in-process" => serve(Isolation::InProcess),
        _ => tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| runtime.block_on(measure())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}; PREFECT_API_URL must name a Prefect server that has nothing else to do");
            ExitCode::FAILURE
        }
    }
}

/// What a program that only serves looks like: a runtime of one thread is enough for it.
fn serve(isolation: Isolation) -> Result<()> {
    let name = if isolation == Isolation::Process { "process" } else { "in-process" };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(async { nothing.serve(name).isolation(isolation).await })?)
}

async fn measure() -> Result<()> {
    let url = std::env::var("PREFECT_API_URL").unwrap_or_default();
    let client = Client::new(Config::new(&url)?)?;
    let bare = nothing.deployment("bare").await?.id;
    let own = repeated(async || bare_start(&client, bare).await).await?;
    println!(r#"{{"name":"create, Pending, Submitting, Running by bare requests","ms":{own:.1},"repeats":{REPEATS}}}"#);
    for isolation in ["in-process", "process"] {
        let served = Served::start(isolation, &client).await?;
        let took = repeated(async || served_start(&client, served.deployment).await).await?;
        let above = took - own;
        println!(
            r#"{{"name":"trigger to Running, {isolation}","ms":{took:.1},"above_ms":{above:.1},"repeats":{REPEATS}}}"#
        );
        idle(&served).await?;
    }
    Ok(())
}

async fn repeated(one: impl AsyncFn() -> Result<f64>) -> Result<f64> {
    let mut took = Vec::new();
    for repeat in 0..WARM_UP + REPEATS {
        let one = one().await?;
        if repeat >= WARM_UP {
            took.push(one);
        }
        // Let what follows from a run at the server be done.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    Ok(median(took))
}

/// What the server itself needs until a run is Running, in milliseconds: the requests that no runner can do without.
async fn bare_start(client: &Client, deployment: Uuid) -> Result<f64> {
    let begun = Instant::now();
    let run = client.create_flow_run_from_deployment(deployment, &DeploymentFlowRunCreate::default()).await?;
    for (kind, name) in
        [(StateType::Pending, "Pending"), (StateType::Pending, "Submitting"), (StateType::Running, "Running")]
    {
        let state = StateCreate::new(kind).name(name).transition_id(Uuid::new_v4());
        client.set_flow_run_state(run.id, &state, Orchestrate::Rules).await?;
    }
    let took = begun.elapsed().as_secs_f64() * 1e3;
    client.set_flow_run_state(run.id, &StateCreate::new(StateType::Completed), Orchestrate::Rules).await?;
    Ok(took)
}

/// From the order to run until the server has the run as Running, in milliseconds. Server and client share a clock.
async fn served_start(client: &Client, deployment: Uuid) -> Result<f64> {
    let begun = chrono::Utc::now();
    let run = client.create_flow_run_from_deployment(deployment, &DeploymentFlowRunCreate::default()).await?;
    let ended: FlowRun = loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let run = client.read_flow_run(run.id).await?;
        if run.state_type == Some(StateType::Completed) {
            break run;
        }
    };
    let running = ended.start_time.ok_or("a run that has ended had begun")?;
    Ok((running - begun).num_microseconds().unwrap_or_default() as f64 / 1e3)
}

/// Prints what a program takes that waits for runs.
async fn idle(served: &Served) -> Result<()> {
    let seconds = std::env::var("FLOWKIT_IDLE_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = seconds.map_or(IDLE, Duration::from_secs);
    let before = served.cpu()?;
    tokio::time::sleep(time).await;
    let share = (served.cpu()? - before) / time.as_secs_f64() * 100.0;
    let resident = served.resident_kib()? as f64 / 1024.0;
    println!(
        r#"{{"name":"waiting, {}","resident_mib":{resident:.1},"cpu_percent":{share:.2},"seconds":{}}}"#,
        served.isolation,
        time.as_secs()
    );
    Ok(())
}

/// This program once more, serving.
struct Served {
    isolation: &'static str,
    deployment: Uuid,
    child: Child,
}

impl Served {
    async fn start(isolation: &'static str, client: &Client) -> Result<Self> {
        let child = Command::new(std::env::current_exe()?).arg(isolation).stderr(Stdio::null()).spawn()?;
        let begun = Instant::now();
        let deployment = loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if let Some(found) = client.read_deployment_by_name("nothing", isolation).await? {
                break found.id;
            }
            if begun.elapsed() > Duration::from_secs(30) {
                return Err("nothing is served after 30 s".into());
            }
        };
        // Its websocket opens.
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(Self { isolation, deployment, child })
    }

    /// The processor time that it has had, in seconds.
    fn cpu(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').ok_or("a name in parentheses")?;
        let ticks: f64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        // A tick is a hundredth of a second on every Linux that tells them to programs.
        Ok(ticks / 100.0)
    }

    fn resident_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("a resident set")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It serves until it is killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
