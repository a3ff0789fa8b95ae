//! Pauses, suspensions and input, as a real server and Prefect's own tools see them.

use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::program::{Program, Running};
use serde_json::{Value, json};

/// Prepares a flow; the run has the name of the test.
fn program(server: &LiveServer, flow: &str, test: &str) -> Program {
    Program::example("live_pause").args(&[flow, test]).server(&server.api_url())
}

/// Gives the run of a test, once its state is of this type.
fn run(server: &LiveServer, test: &str, state: &str) -> Value {
    let query = json!({"flow_runs": {"name": {"any_": [test]}}});
    server.eventually(&format!("{state} of {test}"), |server| {
        let run = server.post("/flow_runs/filter", &query).get(0)?.clone();
        (run["state_type"] == state).then_some(run)
    })
}

/// Starts a flow and waits until it is paused.
fn paused(server: &LiveServer, flow: &str, test: &str) -> (Running, String) {
    let running = program(server, flow, test).start();
    (running, id(&run(server, test, "PAUSED")))
}

/// Posts until the database of the busy server has time.
fn post(server: &LiveServer, path: &str, body: &Value) -> Value {
    server.eventually(path, |server| {
        let reply = server.send("POST", path, Some(body)).expect("the server answers");
        assert!(reply.status < 300 || reply.status == 503, "POST {path} answered {}: {}", reply.status, reply.body);
        (reply.status < 300).then_some(reply.body)
    })
}

fn id(object: &Value) -> String {
    object["id"].as_str().expect("it has an id").to_owned()
}

/// Names the states of a run in order.
fn states(server: &LiveServer, run: &str) -> String {
    let states = server.get(&format!("/flow_run_states/?flow_run_id={run}"));
    let mut states: Vec<(String, String)> = states
        .as_array()
        .expect("a list")
        .iter()
        .map(|state| (state["timestamp"].to_string(), state["name"].as_str().unwrap_or_default().to_owned()))
        .collect();
    states.sort();
    states.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(" > ")
}

#[test]
fn a_pause_is_resumed_with_input_over_the_api_which_checks_it_first() {
    let Some(server) = live::server() else { return };
    let (running, run) = paused(server, "input", "by-api");
    let read = |what: &str| server.get(&format!("/flow_runs/{run}/input/paused-1-{what}"));
    assert_eq!(read("description"), json!("Shall it go out?"));
    assert_eq!(read("schema")["properties"]["approved"]["default"], true);
    let resume = format!("/flow_runs/{run}/resume");
    for (input, why) in [
        (json!({"approved": "yes"}), "'yes' is not of type 'boolean'"),
        (json!({"colour": 1}), "Additional properties are not allowed"),
    ] {
        let refused = post(server, &resume, &json!({"run_input": input}));
        assert_eq!(refused["status"], "REJECT");
        assert!(refused["details"]["reason"].as_str().is_some_and(|text| text.contains(why)), "{refused}");
    }
    let resumed = post(server, &resume, &json!({"run_input": {"reason": "Tuesday"}}));
    assert_eq!(resumed["status"], "ACCEPT", "{resumed}");
    let finished = running.wait().succeeded();
    assert!(finished.stdout.ends_with("true because Tuesday\n"), "{}", finished.stdout);
    let ended = server.get(&format!("/flow_runs/{run}"));
    assert_eq!((&ended["state_name"], &ended["run_count"]), (&json!("Completed"), &json!(2)));
    assert_eq!(states(server, &run), "Pending > Running > Paused > Running > Completed");
}

#[test]
fn a_pause_is_resumed_by_python() {
    let Some(server) = live::server() else { return };
    let (running, run) = paused(server, "plain", "by-python");
    server.python(&format!("from prefect.flow_runs import resume_flow_run\nresume_flow_run('{run}')\n"));
    running.wait().succeeded();
    assert_eq!(states(server, &run), "Pending > Running > Paused > Running > Completed");
}

#[test]
fn a_run_of_another_process_is_resumed_with_typed_input() {
    let Some(server) = live::server() else { return };
    let (running, run) = paused(server, "input", "by-rust");
    let resume = || Program::example("live_pause").args(&["resume", &run]).server(&server.api_url()).run();
    resume().succeeded();
    let finished = running.wait().succeeded();
    assert!(finished.stdout.ends_with("false because Rust\n"), "{}", finished.stdout);
    let again = resume();
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("Cannot resume a flow run that is not paused."), "{}", again.stderr);
}

#[test]
fn a_pause_that_nobody_ends_fails_the_run_in_the_servers_words() {
    let Some(server) = live::server() else { return };
    let finished = program(server, "brief", "never-resumed").run();
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("was paused and never resumed"), "{}", finished.stderr);
    let failed = run(server, "never-resumed", "FAILED");
    assert_eq!(failed["state"]["message"], "The flow was failed and never resumed.");
    assert_eq!(states(server, &id(&failed)), "Pending > Running > Paused > Failed");
}

#[test]
fn cancelling_a_paused_run_at_the_server_ends_it() {
    let Some(server) = live::server() else { return };
    let (running, run) = paused(server, "plain", "cancelled-in-pause");
    post(server, &format!("/flow_runs/{run}/set_state"), &json!({"state": {"type": "CANCELLING"}, "force": false}));
    let finished = running.wait();
    assert!(finished.stderr.contains("was cancelled"), "{}", finished.stderr);
    assert_eq!(states(server, &run), "Pending > Running > Paused > Cancelling > Cancelled");
}

/// Creates a run of a deployment, as a schedule or the UI does.
fn deployed(server: &LiveServer, flow: &str, parameters: &Value) -> String {
    let flow = post(server, "/flows/", &json!({ "name": flow }));
    let deployment = post(server, "/deployments/", &json!({"name": "live", "flow_id": flow["id"]}));
    let path = format!("/deployments/{}/create_flow_run", id(&deployment));
    id(&post(server, &path, &json!({ "parameters": parameters })))
}

#[test]
fn a_suspended_run_ends_its_process_and_is_run_again_once_it_is_resumed() {
    let Some(server) = live::server() else { return };
    let run = deployed(server, "suspended", &json!({"first": 40}));
    let child = || Program::example("live_pause").server(&server.api_url()).env("PREFECT__FLOW_RUN_ID", &run).run();
    let first = child().succeeded();
    assert_eq!(first.stdout, "begins with 40\n");
    assert_eq!(server.get(&format!("/flow_runs/{run}"))["state_name"], "Suspended");

    let early = child();
    assert_eq!(early.code, Some(1));
    assert!(early.stderr.contains("it is in state Suspended"), "{}", early.stderr);

    let resumed = post(server, &format!("/flow_runs/{run}/resume"), &json!({"run_input": {"value": 2}}));
    assert_eq!(resumed["state"]["name"], "Resuming", "{resumed}");
    let second = child().succeeded();
    assert_eq!(second.stdout, "begins with 40\ngoes on with 2\n");
    let ended = server.get(&format!("/flow_runs/{run}"));
    assert_eq!((&ended["state_name"], &ended["run_count"]), (&json!("Completed"), &json!(1)));
    assert_eq!(ended["flow_version"].as_str().map(str::is_empty), Some(false));
    assert_eq!(states(server, &run), "Scheduled > Running > Suspended > Resuming > Running > Completed");
}

#[test]
fn a_run_without_a_deployment_is_not_suspended() {
    let Some(server) = live::server() else { return };
    let finished = program(server, "suspend", "no-deployment").run();
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("Cannot suspend flows without a deployment."), "{}", finished.stderr);
    run(server, "no-deployment", "FAILED");
}

#[test]
fn python_and_rust_send_each_other_input() {
    let Some(server) = live::server() else { return };
    let running = program(server, "greeter", "greeter").start();
    let greeter = run(server, "greeter", "RUNNING");
    let said = server.python(&format!(
        "from prefect import flow\n\
         from prefect.input import RunInput, receive_input, send_input\n\
         class Visitor(RunInput):\n\
         \x20   name: str\n\
         class Greeting(RunInput):\n\
         \x20   text: str\n\
         @flow\n\
         def visit():\n\
         \x20   send_input(Visitor(name='ann'), flow_run_id='{}')\n\
         \x20   return receive_input(Greeting, timeout=30, poll_interval=1).next().text\n\
         print('said', visit())\n",
        id(&greeter)
    ));
    assert!(said.contains("said hello ann"), "{said}");
    running.wait().succeeded();
}
