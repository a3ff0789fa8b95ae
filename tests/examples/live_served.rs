//! The program that the live suite serves over time: its flows write down in a file that they have run.

use std::io::Write as _;
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::schedule::Misfire;
use flowkit::{Isolation, Schedule};

/// Adds a line to the file, in one piece whoever else writes.
fn note(file: &str, line: &str) -> std::io::Result<()> {
    let mut file = std::fs::File::options().append(true).create(true).open(file)?;
    file.write_all(format!("{line}\n").as_bytes())
}

/// The id of the flow run that this code is in.
fn own_id() -> String {
    flowkit::runtime::flow_run().map(|run| run.id().to_string()).unwrap_or_default()
}

/// Says that it runs, and for which date.
#[flow]
async fn ticking(file: String) -> anyhow::Result<()> {
    note(&file, &format!("ticking {}", own_id()))?;
    tracing::info!("ticked");
    Ok(())
}

#[task]
async fn rest(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Goes on for a while, and says so before and after.
#[flow]
async fn lasting(file: String, seconds: f64) -> anyhow::Result<()> {
    note(&file, &format!("lasting {}", own_id()))?;
    tracing::info!("has begun");
    rest(Duration::from_secs_f64(seconds)).await?;
    tracing::info!("has gone on");
    rest(Duration::from_millis(1)).await?;
    Ok(())
}

fn misfire(word: &str) -> Misfire {
    match word {
        "all" => Misfire::RunAll,
        "latest" => Misfire::Latest,
        "skip" => Misfire::Skip,
        seconds => Misfire::Grace(Duration::from_secs(seconds.parse().expect("a number of seconds"))),
    }
}

/// Serves `lasting`, and `ticking` once for each misfire policy that is named.
#[tokio::main]
async fn main() -> flowkit::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [isolation, poll, prefix, file, interval, anchor, policies @ ..] = &arguments[..] else {
        panic!("say isolation, poll interval, prefix of names, file, interval, anchor, policies")
    };
    let isolation = if isolation == "process" { Isolation::Process } else { Isolation::InProcess };
    let anchor = flowkit::schedule::moment(anchor)?;
    let mut deployments = vec![lasting.deployment(format!("{prefix}-lasting")).parameter("file", file)];
    for policy in policies {
        let schedule = Schedule::interval(interval.as_str()).anchor(anchor).misfire(misfire(policy));
        let deployment = ticking.deployment(format!("{prefix}-{policy}")).parameter("file", file);
        deployments.push(deployment.schedule(schedule));
    }
    flowkit::serve(deployments).isolation(isolation).limit(10).poll_interval(poll.as_str()).await
}
