//! Prefect's own process worker runs programs of ours; and what job variables say of the environment.

use flowkit_tests::ledger::Ledger;
use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::program::Program;
use serde_json::json;

/// The values that the flow has seen, in the order in which it looks: of the deployment, of both, of the run.
fn values(ledger: &Ledger) -> Vec<String> {
    ledger.lines().into_iter().map(|line| line[1].clone()).collect()
}

#[test]
fn a_served_run_gets_the_variables_of_its_deployment_and_of_its_own() {
    let Some((server, _alone)) = live::alone() else { return };
    let (ledger, begun) = (Ledger::new(), server.now());
    let runner = Program::example("live_runner").args(&["name=env"]).server(&server.api_url()).start();
    server.served("variables/env", &begun);
    let body = json!({
        "parameters": {"file": ledger.path()},
        "job_variables": {"env": {"OF_BOTH": "run", "OF_RUN": "run"}},
    });
    let run = server.trigger_with("variables/env", body);
    assert_eq!(server.ended(&run)["state_type"], "COMPLETED");
    assert_eq!(values(&ledger), ["deployment", "run", "run"]);
    runner.signal("TERM");
    runner.wait().succeeded();
}

/// Runs what a stock worker finds in a pool, for some seconds.
const WORKER: &str = r#"
import os, signal, subprocess, sys
worker = subprocess.Popen(
    [sys.executable, "-m", "prefect", "worker", "start", "--type", "process", "--pool", "POOL", "--name", "stock"],
    env={**os.environ, "PREFECT_WORKER_QUERY_SECONDS": "1"})
print(worker.pid, flush=True)
try:
    worker.wait(SECONDS)
except subprocess.TimeoutExpired:
    worker.send_signal(signal.SIGINT)
    try:
        worker.wait(20)
    except subprocess.TimeoutExpired:
        worker.kill()
"#;

#[test]
fn a_stock_worker_runs_cancels_and_crashes_runs_of_our_program() {
    let Some((server, _alone)) = live::alone() else { return };
    server.post(
        "/work_pools/",
        &json!({"name": "stock", "type": "process", "base_job_template": process_template(server)}),
    );
    let program = Program::example("live_runner").args(&["pool=stock", "name=worked"]);
    program.server(&server.api_url()).run().succeeded();
    std::thread::scope(|scope| {
        let seconds = 45;
        let worker = WORKER.replace("POOL", "stock").replace("SECONDS", &seconds.to_string());
        let worker = scope.spawn(move || server.python(&worker));
        let ledger = Ledger::new();

        let body = json!({
            "parameters": {"file": ledger.path()},
            "job_variables": {"env": {"OF_BOTH": "run", "OF_RUN": "run"}},
        });
        let well = server.trigger_with("variables/worked", body);
        let ended = server.ended(&well);
        assert_eq!(ended["state_type"], "COMPLETED", "{ended:#}");
        assert_eq!(values(&ledger), ["deployment", "run", "run"]);
        let pid = ended["infrastructure_pid"].as_str().unwrap_or_default();
        assert!(!pid.is_empty() && !pid.starts_with("flowkit:"), "the worker's, by which it cancels: {pid}");

        let ledger = Ledger::new();
        let resting = json!({"file": ledger.path(), "seconds": 100.0});
        let cancelled = server.trigger("counted/worked", &resting);
        server.in_state(&cancelled, "RUNNING");
        server.cancel(&cancelled);
        assert_eq!(server.ended(&cancelled)["state_type"], "CANCELLED");
        let names = server.state_names(&cancelled);
        assert!(!names.iter().any(|name| name == "Crashed"), "{names:?}");

        let killed = server.trigger("counted/worked", &resting);
        let running = server.in_state(&killed, "RUNNING");
        server.eventually("a process", |_| ledger.counts().contains_key(&killed).then_some(()));
        let pid = running["infrastructure_pid"].as_str().map(|pid| pid.rsplit(':').next().unwrap_or(pid).to_owned());
        let pid = pid
            .unwrap_or_else(|| server.read_run(&killed)["infrastructure_pid"].as_str().unwrap_or_default().to_owned());
        let status = std::process::Command::new("kill").args(["-s", "KILL", &pid]).status();
        assert!(status.expect("kill is there").success(), "{pid}");
        let crashed = server.ended(&killed);
        assert_eq!(crashed["state_type"], "CRASHED", "{crashed:#}");
        worker.join().expect("the worker ends");
    });
}

/// The template that Prefect gives a pool of processes.
fn process_template(server: &LiveServer) -> serde_json::Value {
    let script = "import json\n\
                  from prefect.workers.process import ProcessWorker\n\
                  print(json.dumps(ProcessWorker.get_default_base_job_template()))\n";
    serde_json::from_str(&server.python(script)).expect("JSON")
}
