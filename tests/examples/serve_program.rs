//! The program whose process is looked at while it serves without a server.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{Schedule, Timestamp, run_deployment, runtime};
use tokio::sync::mpsc;

#[flow]
async fn work(#[param(default = 0.0)] seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// Leaves a line, and takes a while.
#[flow]
async fn noted(path: PathBuf, line: String, #[param(default = 0.0)] seconds: f64) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    writeln!(file, "{line}")?;
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    Ok(())
}

/// How late the last runs began, in microseconds.
fn lateness() -> Vec<i64> {
    let runtime = runtime::global().expect("the settings are fine");
    let runs = runtime.history().map(|history| history.flow_runs()).unwrap_or_default();
    let late = |start: Timestamp, due: Timestamp| start.unix_micros() - due.unix_micros();
    let mut late: Vec<i64> =
        runs.iter().filter_map(|run| Some(late(run.start_time()?, run.scheduled_start_time()?))).collect();
    late.sort_unstable();
    late
}

#[tokio::main]
async fn main() -> flowkit::Result<()> {
    let argument = std::env::args().nth(1).unwrap_or_default();
    match argument.as_str() {
        "idle" => {
            let schedules = (0..20).map(|hour| Schedule::cron(format!("0 {hour} 1 1 *")));
            work.serve("d").schedules(schedules).await
        }
        "busy" => {
            let (begun, mut all_begun) = mpsc::channel(1);
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(200)).await;
                for _ in 0..2 {
                    let run = run_deployment("work/d").parameter("seconds", 1.0).timeout(0_u64).await;
                    run.expect("it is started");
                }
                let _ = begun.send(()).await;
            });
            let served = work.serve("d").cron("0 0 1 1 *").await;
            all_begun.recv().await;
            let runtime = runtime::global()?;
            for run in runtime.history().map(|history| history.flow_runs()).unwrap_or_default() {
                println!("{}", run.state());
            }
            for deployment in runtime.history().map(|history| history.deployments()).unwrap_or_default() {
                println!("paused: {}", deployment.paused);
            }
            served
        }
        "kept" => {
            let yearly = Schedule::cron("0 0 1 1 *").slug("yearly");
            let path = std::env::args().nth(2).unwrap_or_default();
            noted.serve("d").schedule(yearly.parameter("line", "yearly")).parameter("path", path).limit(1).await
        }
        "latency" => {
            let schedule = Schedule::interval(Duration::from_millis(97));
            let served =
                tokio::time::timeout(Duration::from_millis(2300), work.serve("d").schedule(schedule).into_future());
            served.await.expect_err("it goes on until it is stopped");
            println!("{:?}", lateness());
            Ok(())
        }
        "flood" => {
            let count: usize = std::env::args().nth(2).and_then(|count| count.parse().ok()).unwrap_or(1000);
            let begun = std::time::Instant::now();
            let all = async {
                work.deployment("d").concurrency_limit(50).await?;
                for _ in 1..count {
                    run_deployment("work/d").timeout(0_u64).await?;
                }
                run_deployment("work/d").await
            };
            tokio::select! {
                served = work.serve("d").concurrency_limit(50).limit(100).into_future() => return served,
                all = all => drop(all?),
            }
            println!("{count} runs in {:?}", begun.elapsed());
            Ok(())
        }
        other => panic!("no such program: {other:?}"),
    }
}
