//! Flow runs that somebody stops at the server while they go on.

use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::program::{Finished, Program};
use serde_json::{Value, json};

fn set_state(server: &LiveServer, run: &Value, state: &str, force: bool) {
    let path = format!("/flow_runs/{}/set_state", run["id"].as_str().expect("an id"));
    let name = format!("{}{}", &state[..1], state[1..].to_lowercase());
    let answer = server.post(&path, &json!({"state": {"type": state, "name": name}, "force": force}));
    assert_eq!(answer["status"], "ACCEPT", "{answer}");
}

/// Starts the family, puts it into a state when all of it runs, and waits for the end of the program.
fn stopped(server: &LiveServer, program: Program, state: &str, force: bool) -> (Value, Finished) {
    let program = program.args(&["family", "60"]).start();
    let run = server.flow_run("family", "RUNNING");
    server.flow_run("resting", "RUNNING");
    let query =
        json!({"flow_runs": {"id": {"any_": [run["id"]]}}, "task_runs": {"state": {"type": {"any_": ["RUNNING"]}}}});
    server.eventually("four running tasks", |server| {
        (server.post("/task_runs/filter", &query).as_array()?.len() == 4).then_some(())
    });
    set_state(server, &run, state, force);
    (run, program.wait())
}

fn names_of_states(server: &LiveServer, run: &Value) -> Vec<String> {
    let path = format!("/flow_run_states/?flow_run_id={}", run["id"].as_str().expect("an id"));
    let states = server.get(&path);
    let mut states: Vec<(String, String)> = states
        .as_array()
        .expect("a list")
        .iter()
        .map(|state| {
            let text = |key: &str| state[key].as_str().unwrap_or_default().to_owned();
            (text("timestamp"), text("name"))
        })
        .collect();
    states.sort();
    states.into_iter().map(|(_, name)| name).collect()
}

fn all_is_cancelled(server: &LiveServer, run: &Value, finished: &Finished) {
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let kid = server.flow_run("resting", "CANCELLED");
    assert_eq!(names_of_states(server, &kid), ["Pending", "Running", "Cancelled"]);
    // Two that rest, one that tidies up, one that waited, the subflow, and one that was called afterwards.
    let tasks = server.task_runs(run, 6);
    assert!(tasks.iter().all(|task| task["state_type"] == "CANCELLED"), "{tasks:?}");
    let numbers = tasks.iter().filter(|task| task["name"].as_str().is_some_and(|name| name.starts_with("number")));
    assert!(numbers.clone().all(|task| task["run_count"] == 0), "they never ran");
    assert_eq!(numbers.count(), 2);
    assert_eq!(server.task_runs(&kid, 1)[0]["state_type"], "CANCELLED");
    assert!(finished.stderr.contains("then: Err(Cancelled)"), "{}", finished.stderr);
    assert!(finished.stderr.contains("tidied up"), "{}", finished.stderr);
    assert!(finished.stderr.contains("hook: family is Cancelled"), "{}", finished.stderr);
}

#[test]
fn a_run_cancelled_at_the_server_stops_with_everything_below_it() {
    let Some(server) = LiveServer::start() else { return };
    // Too rare a question for this test: what comes comes over the websocket.
    let program =
        Program::example("live_program").server(&server.api_url()).env("PREFECT_RUNNER_POLL_FREQUENCY", "600");
    let (run, finished) = stopped(&server, program, "CANCELLING", false);
    server.flow_run("family", "CANCELLED");
    assert_eq!(names_of_states(&server, &run), ["Pending", "Running", "Cancelling", "Cancelled"]);
    all_is_cancelled(&server, &run, &finished);
    server.assert_log_clean(live::BUSY);
}

#[test]
fn a_run_cancelled_at_a_server_without_websockets_stops_as_well() {
    let Some(server) = LiveServer::start() else { return };
    let program = Program::example("live_program")
        .server(&server.api_url_without("/events/"))
        .env("PREFECT_RUNNER_POLL_FREQUENCY", "1");
    let (run, finished) = stopped(&server, program, "CANCELLING", false);
    server.flow_run("family", "CANCELLED");
    assert_eq!(names_of_states(&server, &run), ["Pending", "Running", "Cancelling", "Cancelled"]);
    all_is_cancelled(&server, &run, &finished);
}

#[test]
fn a_run_that_is_put_into_a_final_state_by_force_stops_and_is_left_in_it() {
    let Some(server) = LiveServer::start() else { return };
    let program = Program::example("live_program").server(&server.api_url()).env("PREFECT_RUNNER_POLL_FREQUENCY", "1");
    let (run, finished) = stopped(&server, program, "CANCELLED", true);
    assert_eq!(names_of_states(&server, &run), ["Pending", "Running", "Cancelled"]);
    all_is_cancelled(&server, &run, &finished);
}

#[test]
fn a_second_signal_reports_what_is_under_way_and_does_not_wait_for_it() {
    let Some(server) = LiveServer::start() else { return };
    let mut program = Program::example("live_program").args(&["deaf"]).server(&server.api_url()).start();
    program.until("listening");
    program.signal("TERM");
    program.until("deaf");
    program.signal("TERM");
    let finished = program.wait();
    assert_eq!((finished.code, finished.signal), (None, Some(15)), "{}", finished.stderr);
    let run = server.flow_run("deaf", "CRASHED");
    assert_eq!(run["state"]["message"], "Execution was aborted by a termination signal.");
}

#[test]
fn a_signal_lets_tasks_end_hooks_run_and_everything_be_delivered() {
    let Some(server) = LiveServer::start() else { return };
    let mut program = Program::example("live_program").args(&["family", "60"]).server(&server.api_url()).start();
    program.until("listening");
    let run = server.flow_run("family", "RUNNING");
    let kid = server.flow_run("resting", "RUNNING");
    program.signal("TERM");
    let finished = program.wait();
    assert_eq!((finished.code, finished.signal), (None, Some(15)), "{}", finished.stderr);
    for text in ["tidied up", "hook: family is Crashed", "then: Err(Crashed)"] {
        assert!(finished.stderr.contains(text), "{text}: {}", finished.stderr);
    }
    server.flow_run("family", "CRASHED");
    server.flow_run("resting", "CRASHED");
    let tasks = [server.task_runs(&run, 6), server.task_runs(&kid, 1)].concat();
    assert!(tasks.iter().all(|task| task["state_type"] == "CRASHED"), "{tasks:?}");
    assert!(!finished.stderr.contains("not delivered"), "{}", finished.stderr);
}
