//! Serving deployments of a real server: runs are found, claimed once, run, and their ends told.

use std::collections::HashMap;

use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::program::{Program, Running};
use serde_json::{Value, json};

/// Serves the program's deployments; returns once the first question for runs has been answered.
fn serve(server: &LiveServer, isolation: &str, limit: &str) -> Running {
    serve_as(server, Program::example("live_deployments").args(&["serve", isolation, limit]))
}

fn serve_as(server: &LiveServer, program: Program) -> Running {
    let started = now(server);
    let program = program.server(&server.api_url()).start();
    server.eventually("a runner that asks for runs", |server| {
        let deployment = server.send("GET", "/deployments/name/failing/dep-fail", None).ok()?.body;
        (deployment["last_polled"].as_str()? > started.as_str()).then_some(())
    });
    program
}

/// The time as the server has it.
fn now(server: &LiveServer) -> String {
    let flow = server.post("/flows/", &json!({"name": format!("clock-{}", unique())}));
    flow["created"].as_str().expect("a time").to_owned()
}

fn unique() -> u128 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos()
}

fn trigger(server: &LiveServer, name: &str, parameters: &Value) -> String {
    let deployment = server.get(&format!("/deployments/name/{name}"));
    let path = format!("/deployments/{}/create_flow_run", deployment["id"].as_str().expect("an id"));
    let body = json!({"parameters": parameters, "state": {"type": "SCHEDULED"}});
    // A server on sqlite refuses some when two want to write at once.
    server.eventually("a run to be created", |server| {
        let reply = server.send("POST", &path, Some(&body)).ok()?;
        reply.body["id"].as_str().map(str::to_owned)
    })
}

fn ended(server: &LiveServer, run: &str) -> Value {
    server.eventually("a run's end", |server| {
        let run = server.get(&format!("/flow_runs/{run}"));
        let state = run["state_type"].as_str()?;
        ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"].contains(&state).then_some(run)
    })
}

fn in_state(server: &LiveServer, run: &str, state: &str) -> Value {
    server.eventually(state, |server| {
        let run = server.get(&format!("/flow_runs/{run}"));
        (run["state_type"] == state).then_some(run)
    })
}

fn states(server: &LiveServer, run: &str) -> Vec<String> {
    let states = server.get(&format!("/flow_run_states/?flow_run_id={run}"));
    let mut states: Vec<(String, String)> = states
        .as_array()
        .expect("a list")
        .iter()
        .map(|state| (state["timestamp"].to_string(), state["name"].as_str().unwrap_or_default().to_owned()))
        .collect();
    states.sort();
    states.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn triggered_runs_are_run_with_their_parameters_in_both_kinds_of_isolation() {
    let Some((server, _alone)) = live::alone() else { return };
    for isolation in ["process", "in-process"] {
        let program = serve(server, isolation, "5");
        let run = trigger(server, "served/dep-s", &json!({"x": 21, "name": isolation}));
        let failing = trigger(server, "failing/dep-fail", &json!({}));
        let ended_well = ended(server, &run);
        assert_eq!(ended_well["state_type"], "COMPLETED", "{ended_well:#}");
        assert_eq!(ended_well["parameters"]["x"], 21);
        assert_eq!(states(server, &run), ["Scheduled", "Pending", "Submitting", "Running", "Completed"]);
        assert_eq!(server.task_runs(&ended_well, 1)[0]["state_name"], "Completed");
        let failed = ended(server, &failing);
        assert_eq!(failed["state_type"], "FAILED", "a failure is no crash: {failed:#}");
        program.signal("TERM");
        program.wait().succeeded();
        let deployment = server.get("/deployments/name/served/dep-s");
        assert_eq!(deployment["paused"], true, "the schedules are paused");
    }
}

#[test]
fn a_run_under_way_ends_before_serving_does() {
    let Some((server, _alone)) = live::alone() else { return };
    let program = serve(server, "process", "5");
    let run = trigger(server, "resting/dep-rest", &json!({"seconds": 3.0}));
    in_state(server, &run, "RUNNING");
    program.signal("INT");
    let finished = program.wait().succeeded();
    assert!(finished.stderr.contains("Waiting for 1 run(s)"), "{}", finished.stderr);
    assert_eq!(ended(server, &run)["state_type"], "COMPLETED");
}

#[test]
fn a_process_that_dies_leaves_a_crashed_run_and_a_living_runner() {
    let Some((server, _alone)) = live::alone() else { return };
    let program = serve(server, "process", "5");
    let dying = trigger(server, "dying/dep-die", &json!({}));
    let crashed = ended(server, &dying);
    assert_eq!(crashed["state_type"], "CRASHED");
    assert_eq!(crashed["state"]["message"], "Process exited with status code: -6. It broke down.");
    let run = trigger(server, "served/dep-s", &json!({}));
    assert_eq!(ended(server, &run)["state_type"], "COMPLETED");
    program.signal("TERM");
    program.wait().succeeded();
}

#[test]
fn python_starts_runs_of_ours_and_waits_for_them() {
    let Some((server, _alone)) = live::alone() else { return };
    let program = serve(server, "in-process", "5");
    let script = "from prefect.deployments import run_deployment\n\
                  run = run_deployment('served/dep-s', parameters={'x': 4}, timeout=60, poll_interval=0.2)\n\
                  print(run.state.name, run.parameters['x'])\n";
    assert_eq!(server.python(script).trim(), "Completed 4");
    program.signal("TERM");
    program.wait().succeeded();
}

#[test]
fn a_run_started_in_a_flow_is_a_subflow_of_it() {
    let Some((server, _alone)) = live::alone() else { return };
    let program = serve(server, "in-process", "5");
    let starter = Program::example("live_deployments").args(&["starter", "served/dep-s", "sub"]);
    let finished = starter.server(&server.api_url()).run().succeeded();
    assert_eq!(finished.stdout.trim(), "custom-rd Completed()");
    let parent = server.flow_run("starter", "COMPLETED");
    let stand_in = &server.task_runs(&parent, 1)[0];
    assert_eq!(stand_in["task_key"], "prefect.deployments.flow_runs.run_deployment.served-dep-s");
    let child = server.flow_run("served", "COMPLETED");
    assert_eq!((&child["name"], &child["parent_task_run_id"]), (&json!("custom-rd"), &stand_in["id"]));
    assert_eq!(child["tags"], json!(["rd"]));
    program.signal("TERM");
    program.wait().succeeded();
}

#[test]
fn two_runners_share_the_runs_and_each_is_run_once_and_no_more_than_the_limit_at_a_time() {
    let Some((server, _alone)) = live::alone() else { return };
    let count = std::env::var("FLOWKIT_LIVE_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(24);
    let runners = [serve(server, "in-process", "3"), serve(server, "in-process", "3")];
    let runs: Vec<String> = (0..count).map(|_| trigger(server, "resting/dep-rest", &json!({"seconds": 0.2}))).collect();
    let mut spans = Vec::new();
    for run in &runs {
        let run = ended(server, run);
        assert_eq!((&run["state_type"], &run["run_count"]), (&json!("COMPLETED"), &json!(1)), "{run:#}");
        spans.push((run["start_time"].to_string(), run["end_time"].to_string()));
    }
    let most = spans.iter().map(|(start, _)| spans.iter().filter(|(s, e)| s <= start && start < e).count()).max();
    assert!(most.is_some_and(|most| most <= 6), "{most:?} at the same time");
    let mut begun: HashMap<String, usize> = HashMap::new();
    for runner in runners {
        runner.signal("TERM");
        let said = runner.wait().succeeded().stderr;
        for line in said.lines().filter(|line| line.contains("Starting flow run")) {
            *begun.entry(line.split('\'').nth(1).unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    assert_eq!(begun.len(), runs.len(), "each was started");
    assert!(begun.values().all(|count| *count == 1), "{begun:?}");
}

fn cancel(server: &LiveServer, run: &str) {
    let path = format!("/flow_runs/{run}/set_state");
    server.eventually("the order to cancel", |server| {
        let body = json!({"state": {"type": "CANCELLING"}, "force": false});
        let reply = server.send("POST", &path, Some(&body)).ok()?;
        (reply.body["status"] == "ACCEPT").then_some(())
    });
}

#[test]
fn a_run_that_is_cancelled_at_the_server_ends_in_both_kinds_of_isolation() {
    let Some((server, _alone)) = live::alone() else { return };
    for isolation in ["process", "in-process"] {
        let program = serve(server, isolation, "5");
        let run = trigger(server, "resting/dep-rest", &json!({"seconds": 300}));
        in_state(server, &run, "RUNNING");
        cancel(server, &run);
        assert_eq!(ended(server, &run)["state_type"], "CANCELLED", "{isolation}");
        program.signal("TERM");
        program.wait().succeeded();
    }
}

#[test]
fn runs_that_a_killed_runner_left_behind_are_reported_by_the_next() {
    let Some((server, _alone)) = live::alone() else { return };
    let killed = serve(server, "in-process", "5");
    let run = trigger(server, "resting/dep-rest", &json!({"seconds": 300}));
    in_state(server, &run, "RUNNING");
    killed.signal("KILL");
    killed.wait();
    let program = serve(server, "in-process", "5");
    let crashed = ended(server, &run);
    assert_eq!(crashed["state_type"], "CRASHED");
    assert_eq!(crashed["state"]["message"], "The process that ran it is gone, and has not told how it ended.");
    program.signal("TERM");
    program.wait().succeeded();
}

#[test]
fn a_trigger_is_heard_of_long_before_the_next_question() {
    let Some((server, _alone)) = live::alone() else { return };
    let program = Program::example("live_deployments").args(&["serve", "in-process", "5", "60s"]);
    let program = serve_as(server, program);
    // The websocket may open a moment after the first question.
    let heard = server.eventually("a run that starts at once", |server| {
        let begun = std::time::Instant::now();
        let run = trigger(server, "served/dep-s", &json!({}));
        while begun.elapsed() < std::time::Duration::from_secs(3) {
            let now = server.get(&format!("/flow_runs/{run}"));
            if now["state_type"] == "COMPLETED" {
                return Some(now);
            }
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
        None
    });
    eprintln!("from {} to {}", heard["expected_start_time"], heard["start_time"]);
    program.signal("TERM");
    program.wait().succeeded();
}

#[test]
fn the_health_of_a_runner_is_told_over_http() {
    let Some((server, _alone)) = live::alone() else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
    let program = Program::example("live_deployments").args(&["serve", "in-process", "5"]);
    let program = program
        .env("PREFECT_RUNNER_SERVER_ENABLE", "true")
        .env("PREFECT_RUNNER_SERVER_HOST", "127.0.0.1")
        .env("PREFECT_RUNNER_SERVER_PORT", &port.to_string());
    let program = serve_as(server, program);
    let script = format!(
        "import urllib.request\n\
         answer = urllib.request.urlopen('http://127.0.0.1:{port}/health', timeout=5)\n\
         print(answer.status, answer.read().decode())\n"
    );
    assert_eq!(server.python(&script).trim(), r#"200 {"message":"OK"}"#);
    program.signal("TERM");
    program.wait().succeeded();
}

/// Serves a flow until one of its runs has ended.
const PYTHON_SERVES: &str = r#"
import asyncio, os, runpy, sys, tempfile
source = """
import asyncio
from prefect import flow, get_client
from prefect.runner import Runner

@flow(name="python-served")
def served(x: int = 1):
    return x

async def main():
    runner = Runner(name="one", query_seconds=1)
    id = await runner.aadd_flow(served, name="dep-python")
    task = asyncio.create_task(runner.start())
    async with get_client() as client:
        for _ in range(300):
            runs = await client.read_flow_runs()
            if any(run.deployment_id == id and run.state.is_final() for run in runs):
                break
            await asyncio.sleep(0.2)
    runner.stop()
    try:
        await asyncio.wait_for(task, 20)
    except Exception:
        pass

if __name__ == "__main__":
    asyncio.run(main())
    import os
    os._exit(0)
"""
folder = tempfile.mkdtemp()
os.chdir(folder)
open("f12.py", "w").write(source)
sys.path.insert(0, folder)
sys.argv = ["f12.py"]
runpy.run_path("f12.py", run_name="__main__")
"#;

#[test]
fn we_start_runs_of_pythons_and_wait_for_them() {
    let Some((server, _alone)) = live::alone() else { return };
    std::thread::scope(|scope| {
        let python = scope.spawn(|| server.python(PYTHON_SERVES));
        server.eventually("a deployment of Python's", |server| {
            let reply = server.send("GET", "/deployments/name/python-served/dep-python", None).ok()?;
            (reply.status == 200).then_some(())
        });
        let program = Program::example("live_deployments").args(&["starter", "python-served/dep-python", "alone"]);
        let finished = program.server(&server.api_url()).run().succeeded();
        assert_eq!(finished.stdout.trim(), "custom-rd Completed()");
        python.join().expect("Python ends");
    });
}
