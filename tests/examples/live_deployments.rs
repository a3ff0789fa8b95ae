//! The program whose deployments the live suite registers, serves and starts.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{Collision, Isolation, Schedule, Trigger};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Serialize, Deserialize, JsonSchema, Clone)]
struct Nested {
    a: i64,
    b: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone)]
#[serde(rename_all = "lowercase")]
enum Color {
    Red,
    Blue,
}

/// my dep
#[flow(name = "served")]
async fn served(
    /// the x param
    #[param(default = 1)]
    x: i64,
    name: Option<String>,
    #[param(default = Nested { a: 1, b: None })] n: Nested,
    #[param(default = Color::Red)] c: Color,
    #[param(default = vec![1])] xs: Vec<i64>,
) -> flowkit::Result<i64> {
    let _ = (name, n, c, xs);
    rest(Duration::from_millis(10)).await?;
    Ok(x * 2)
}

#[task]
async fn rest(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Goes on for a while.
#[flow]
async fn resting(#[param(default = 30.0)] seconds: f64) -> flowkit::Result<()> {
    rest(Duration::from_secs_f64(seconds)).await
}

/// Takes its process with it.
#[flow]
async fn dying() {
    std::process::abort();
}

#[flow]
async fn failing() -> Result<(), String> {
    Err("the disk is on fire".to_owned())
}

async fn serving(isolation: Isolation, limit: usize, poll: &str) -> flowkit::Result<()> {
    let deployments = [
        served.deployment("dep-s").cron("0 0 1 1 *"),
        resting.deployment("dep-rest").concurrency_limit(100),
        dying.deployment("dep-die"),
        failing.deployment("dep-fail"),
    ];
    flowkit::serve(deployments).isolation(isolation).limit(limit).poll_interval(poll).await
}

/// Starts a run of a deployment and tells how it ended.
#[flow]
async fn starter(name: String, subflow: bool) -> flowkit::Result<String> {
    let run = flowkit::run_deployment(&name).parameter("x", 11).tags(["rd"]).as_subflow(subflow);
    let run = run.name("custom-rd").poll_interval("200ms").timeout("60s").await?;
    Ok(format!("{} {}", run.name, run.state))
}

#[tokio::main]
async fn main() -> flowkit::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).cloned().unwrap_or_default();
    match argument(0).as_str() {
        "register" => {
            let trigger = Trigger::event("ext.event").about("prefect.resource.id", "some.res.*").named("trig-1");
            let anchored = Schedule::interval("6h").anchor(flowkit::schedule::moment("2024-01-01T00:00:00Z")?);
            let anchored = anchored.timezone("UTC").parameter("x", 7).active(false);
            let few = Schedule::interval("90m").anchor(flowkit::schedule::moment("2024-01-01T00:00:00Z")?);
            let few = few.timezone("America/New_York");
            let deployment = served
                .deployment("dep-a")
                .schedule(Schedule::cron("0 0 * * *").slug("midnight").timezone("UTC"))
                .schedule(anchored)
                .rrule("FREQ=DAILY;BYHOUR=9;BYMINUTE=0")
                .schedule(Schedule::cron("15 2 1 * MON").day_or(false).timezone("Europe/Berlin"))
                .schedule(few.max_scheduled_runs(7).slug("few"))
                .parameter("x", 3)
                .tags(["dep-tag"])
                .version("1.2.3")
                .trigger(trigger.parameters(json!({"name": "{{ event.name }}"})))
                .concurrency_limit(2)
                .on_collision(Collision::Wait)
                .await?;
            println!("{}", deployment.id);
        }
        "slugs" => {
            let slugged = Schedule::cron(argument(1)).slug("one");
            let deployment = served.deployment("dep-slug").schedule(slugged).await?;
            println!("{}", deployment.id);
        }
        "run" => {
            let run = flowkit::run_deployment(argument(1)).parameter("x", 13).idempotency_key("once");
            let run = run.timeout(0_u64).await?;
            println!("{} {}", run.id, run.state.name());
        }
        "wrong" => {
            let run = flowkit::run_deployment(argument(1)).parameter("x", "many").timeout(0_u64).await;
            println!("{:?}", run.expect_err("the server refuses it"));
        }
        "serve" => {
            let isolation = if argument(1) == "process" { Isolation::Process } else { Isolation::InProcess };
            let poll = arguments.get(3).map_or("300ms", String::as_str);
            serving(isolation, argument(2).parse().unwrap_or(5), poll).await?;
        }
        "starter" => println!("{}", starter(argument(1), argument(2) == "sub").await?),
        other => panic!("no such program: {other:?}"),
    }
    Ok(())
}
