//! Runners beside each other at a real server: what they share is run once, and never too much at a time.
//!
//! What the bodies note in a file counts, not what the server says. Many more runs with `FLOWKIT_FULL=1`, which wants a
//! server on PostgreSQL.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use flowkit_tests::ledger::Ledger;
use flowkit_tests::live::LiveServer;
use flowkit_tests::program::{Program, Running};
use serde_json::{Value, json};

/// How long all runs of a test may take.
const LIMIT: Duration = Duration::from_secs(300);

/// A server, for one test at a time. On sqlite it now and then stands still for a minute, until a lock is given up, when
/// hundreds of runs go on: `FLOWKIT_LIVE_DATABASE` names an empty database in its place, such as
/// `postgresql+asyncpg://postgres@127.0.0.1/prefect`.
fn alone() -> Option<(&'static LiveServer, MutexGuard<'static, ()>)> {
    static SERVER: OnceLock<Option<LiveServer>> = OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let start = || {
        let database = std::env::var("FLOWKIT_LIVE_DATABASE").ok();
        let options = LiveServer::options();
        match &database {
            Some(url) => options.env("PREFECT_API_DATABASE_CONNECTION_URL", url),
            None => options,
        }
        .start()
    };
    let server = SERVER.get_or_init(start).as_ref()?;
    Some((server, ONE.lock().unwrap_or_else(PoisonError::into_inner)))
}

fn full() -> bool {
    std::env::var("FLOWKIT_FULL").is_ok_and(|value| value == "1")
}

/// Serves the program's deployments under a name; returns once it has asked for runs.
fn serve(server: &LiveServer, name: &str, options: &[&str]) -> Running {
    let begun = server.now();
    let mut args = vec![format!("name={name}")];
    args.extend(options.iter().map(|option| (*option).to_owned()));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let program = Program::example("live_runner").args(&args).server(&server.api_url()).start();
    server.served(&format!("counted/{name}"), &begun);
    program
}

fn stop(runner: Running) -> String {
    runner.signal("TERM");
    runner.wait().succeeded().stderr
}

fn parameters(ledger: &Ledger, seconds: f64) -> Value {
    json!({"file": ledger.path(), "seconds": seconds})
}

/// Starts runs before there are runners, as a server on sqlite is slow to take more while it is busy with runs.
fn trigger_all(server: &LiveServer, name: &str, count: usize, seconds: f64) -> (Ledger, Vec<String>) {
    let ledger = Ledger::new();
    let deployment = format!("counted/{name}");
    let runs = (0..count).map(|_| server.trigger(&deployment, &parameters(&ledger, seconds))).collect();
    (ledger, runs)
}

/// Checks that each run is executed once and completed.
fn each_runs_once(server: &LiveServer, name: &str, ledger: &Ledger, mut runs: Vec<String>) {
    let ended = server.all_ended(&format!("counted/{name}"), LIMIT);
    assert_eq!(ended, [("COMPLETED".to_owned(), runs.len() as u64)]);
    let mut counts: Vec<(String, usize)> = ledger.counts().into_iter().collect();
    counts.sort();
    runs.sort();
    assert_eq!(counts, runs.into_iter().map(|run| (run, 1)).collect::<Vec<_>>());
}

#[test]
fn two_runners_in_process_execute_each_run_once() {
    let Some((server, _alone)) = alone() else { return };
    let options = ["isolation=in-process", if full() { "limit=5" } else { "limit=2" }];
    stop(serve(server, "two", &options));
    let count = if full() { 200 } else { 20 };
    let (ledger, runs) = trigger_all(server, "two", count, 0.1);
    let runners = [serve(server, "two", &options), serve(server, "two", &options)];
    each_runs_once(server, "two", &ledger, runs);
    assert!(ledger.most_at_once() <= 10, "{}", ledger.most_at_once());
    let shares = runners.map(|runner| stop(runner).matches("Starting flow run").count());
    assert_eq!(shares.iter().sum::<usize>(), count, "{shares:?}");
}

#[test]
fn two_runners_with_processes_execute_each_run_once() {
    let Some((server, _alone)) = alone() else { return };
    stop(serve(server, "processes", &["limit=3"]));
    let (ledger, runs) = trigger_all(server, "processes", if full() { 60 } else { 8 }, 0.1);
    let runners = [serve(server, "processes", &["limit=3"]), serve(server, "processes", &["limit=3"])];
    each_runs_once(server, "processes", &ledger, runs);
    assert!(ledger.most_at_once() <= 6, "{}", ledger.most_at_once());
    runners.into_iter().for_each(|runner| drop(stop(runner)));
}

/// Serves a flow of the same name, as Python does, until it is killed.
const PYTHON: &str = r#"
import asyncio, os, runpy, sys, tempfile
source = """
import asyncio, os, sys, time
from prefect import flow
from prefect.runner import Runner
from prefect.runtime import flow_run

def note(file, what):
    with open(file, "ab", buffering=0) as out:
        out.write(f"{what} {flow_run.id} {time.time():.6f}\\n".encode())

@flow(name="counted")
def counted(file: str, seconds: float = 0.1):
    note(file, "start")
    time.sleep(seconds)
    note(file, "end")

async def main():
    runner = Runner(name="python", query_seconds=1, limit=2, pause_on_shutdown=False)
    await runner.aadd_flow(counted, name=sys.argv[1])
    asyncio.get_running_loop().call_later(float(sys.argv[2]), lambda: os._exit(0))
    await runner.start()

if __name__ == "__main__":
    asyncio.run(main())
"""
folder = tempfile.mkdtemp()
os.chdir(folder)
open("f12.py", "w").write(source)
sys.path.insert(0, folder)
sys.argv = ["f12.py", "mixed", "SECONDS"]
runpy.run_path("f12.py", run_name="__main__")
"#;

#[test]
fn a_runner_of_ours_and_one_of_pythons_execute_each_run_once() {
    let Some((server, _alone)) = alone() else { return };
    let ours = serve(server, "mixed", &["isolation=in-process", "limit=2", "poll=1s"]);
    let (count, seconds) = if full() { (60, 150) } else { (12, 40) };
    std::thread::scope(|scope| {
        // Python's registration comes last: it reads from the deployment where the code is.
        let python = scope.spawn(|| server.python(&PYTHON.replace("SECONDS", &seconds.to_string())));
        server.eventually("Python's registration", |server| {
            let deployment = server.get("/deployments/name/counted/mixed");
            deployment["entrypoint"].as_str()?.contains("f12.py").then_some(())
        });
        let begun = server.now();
        server.served("counted/mixed", &begun);
        let (ledger, runs) = trigger_all(server, "mixed", count, 1.0);
        each_runs_once(server, "mixed", &ledger, runs);
        let our_share = stop(ours).matches("Starting flow run").count();
        assert!(our_share > 0 && our_share < count, "ours started {our_share} of {count}");
        python.join().expect("Python ends");
    });
}

#[test]
fn a_run_that_waits_for_its_retry_in_one_runner_is_left_alone_by_the_other() {
    let Some((server, _alone)) = alone() else { return };
    for isolation in ["isolation=in-process", "isolation=process"] {
        let runners = [serve(server, "retry", &[isolation]), serve(server, "retry", &[isolation])];
        let ledger = Ledger::new();
        let runs: Vec<String> =
            (0..3).map(|_| server.trigger("retrying/retry", &json!({"file": ledger.path()}))).collect();
        for run in &runs {
            assert_eq!(server.ended(run)["state_type"], "COMPLETED", "{isolation}");
            let expected = ["Scheduled", "Pending", "Submitting", "Running", "AwaitingRetry", "Retrying", "Completed"];
            assert_eq!(server.state_names(run), expected, "{isolation}");
        }
        assert!(ledger.counts().values().all(|count| *count == 2), "{:?}", ledger.counts());
        runners.into_iter().for_each(|runner| drop(stop(runner)));
    }
}
