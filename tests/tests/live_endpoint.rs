//! The endpoint of a program that serves without a server: stock clients, Python's and ours, start, list, watch and cancel
//! its runs.

use flowkit_tests::live;
use flowkit_tests::program::Program;
use flowkit_tests::served::Served;
use serde_json::{Value, json};

#[test]
fn stock_commands_list_deployments_and_start_runs_that_they_watch_to_their_end() {
    if live::interpreter().is_none() {
        return;
    }
    let served = Served::start();
    let listed = served.prefect(&["deployment", "ls"]).prints();
    for name in ["hello world/daily", "resting/long", "failing/broken"] {
        assert!(listed.contains(name), "{listed}");
    }
    let watched = served
        .prefect(&["deployment", "run", "hello world/daily", "-p", "times=2", "-p", "name=\"Ada\"", "--watch"])
        .prints();
    for told in ["hello Ada, 1", "prefect.flow-run.Running", "prefect.flow-run.Completed", "finished successfully"] {
        assert!(watched.contains(told), "{told} is missing in {watched}");
    }
    let failed = served.prefect(&["deployment", "run", "failing/broken", "--watch"]).run();
    assert_eq!(failed.code, Some(1), "{}{}", failed.stdout, failed.stderr);
    assert!(failed.stdout.contains("the disk is on fire"), "{}", failed.stdout);
    served.end();
}

#[test]
fn stock_commands_show_runs_and_their_logs() {
    if live::interpreter().is_none() {
        return;
    }
    let served = Served::start();
    let run = served.trigger("hello%20world/daily", &json!({"parameters": {"times": 1}, "name": "shown-one"}));
    served.in_state(&run, "COMPLETED");
    let listed = served.prefect(&["flow-run", "ls", "--state", "Completed", "-o", "json"]).prints();
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["name"]), (Some(1), &json!("shown-one")));
    let inspected = served.prefect(&["flow-run", "inspect", &run, "-o", "json"]).prints();
    let inspected: Value = serde_json::from_str(&inspected).expect("JSON");
    assert_eq!(inspected["parameters"], json!({"name": "Marvin", "times": 1, "order": null}));
    let logs = served.prefect(&["flow-run", "logs", &run]).prints();
    assert!(logs.contains("Flow run 'shown-one' - hello Marvin, 0"), "{logs}");
    let deployment = served.prefect(&["deployment", "inspect", "hello world/daily", "-o", "json"]).prints();
    let deployment: Value = serde_json::from_str(&deployment).expect("JSON");
    assert_eq!(deployment["schedules"][0]["schedule"]["cron"], "0 8 * * *");
    served.end();
}

#[test]
fn a_long_run_that_the_stock_command_cancels_ends_cancelled() {
    if live::interpreter().is_none() {
        return;
    }
    let served = Served::start();
    let run = served.trigger("resting/long", &json!({}));
    served.in_state(&run, "RUNNING");
    let said = served.prefect(&["flow-run", "cancel", &run]).prints();
    assert!(said.contains("successfully scheduled for cancellation"), "{said}");
    served.in_state(&run, "CANCELLED");
    let again = served.prefect(&["flow-run", "cancel", &run]).run();
    assert_eq!(again.code, Some(1));
    let said = again.stdout + &again.stderr;
    assert!(said.contains("Run is already in terminal state CANCELLED."), "{said}");
    served.end();
}

const PYTHON_STARTS: &str = r#"
import sys
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
run = run_deployment("hello world/daily", parameters={"times": 1, "order": {"id": 7}}, tags=["from-python"],
                     idempotency_key="one", timeout=60, poll_interval=0.2)
print(run.state.name, run.parameters["order"]["id"], run.tags)
print(run_deployment("hello world/daily", parameters={"times": 1}, idempotency_key="one", timeout=0).id == run.id)
for parameters in ({"times": "many"}, {"nobody": 1}):
    try:
        run_deployment("hello world/daily", parameters=parameters, timeout=0)
    except PrefectHTTPStatusError as error:
        print(error.response.status_code, error.response.json()["detail"])
try:
    run_deployment("hello world/weekly", timeout=0)
except ObjectNotFound:
    print("not found")
"#;

#[test]
fn python_starts_runs_and_waits_for_them() {
    if live::interpreter().is_none() {
        return;
    }
    let served = Served::start();
    let printed = served.python(&["-c", PYTHON_STARTS]).prints();
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[..2], ["Completed 7 ['from-python', 'nightly']", "True"], "{printed}");
    assert!(lines[2].starts_with("409 Error creating flow run: ") && lines[2].contains("times"), "{printed}");
    assert!(lines[3].starts_with("409 Error creating flow run: ") && lines[3].contains("nobody"), "{printed}");
    assert_eq!(lines[4], "not found");
    served.end();
}

#[test]
fn our_own_client_in_another_process_starts_runs_and_waits_for_them() {
    let served = Served::start();
    let program = Program::example("live_endpoint").args(&["run"]).server(served.api_url());
    let printed = program.run().succeeded().stdout;
    let (id, state) = printed.trim().split_once(' ').expect("an id and a state");
    assert_eq!(state, "Completed()");
    let run = served.send("GET", &format!("/flow_runs/{id}"), None).body;
    assert_eq!(run["tags"], json!(["from-rust", "nightly"]));
    assert_eq!(run["parameters"]["name"], "Ada");
    served.end();
}

#[test]
fn a_wrong_token_is_refused_and_the_right_one_is_shown_as_prefects_clients_show_theirs() {
    let program = Program::example("live_endpoint").args(&["serve", "127.0.0.1:0"]);
    let served = Served::of(program.env("FLOWKIT_ENDPOINT_TOKEN", "admin:pass"), Some("admin:pass"));
    assert_eq!(served.send("GET", "/admin/version", None).status, 200);
    let open = Served::of(
        Program::example("live_endpoint")
            .args(&["serve"])
            .env("FLOWKIT_ENDPOINT", "localhost:0")
            .env("PREFECT_SERVER_API_AUTH_STRING", "admin:pass"),
        Some("admin:wrong"),
    );
    let refused = open.send("GET", "/admin/version", None);
    assert_eq!((refused.status, refused.body), (401, json!({"exception_message": "Unauthorized"})));
    assert_eq!(open.send("GET", "/nope", None).status, 401);
    assert_eq!(open.send("GET", "/health", None).status, 200);
    let ours = Program::example("live_endpoint").args(&["run"]).server(served.api_url());
    let refused = ours.env("PREFECT_API_AUTH_STRING", "admin:wrong").run();
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("401"), "{}", refused.stderr);
    if live::interpreter().is_none() {
        return;
    }
    let refused = served.prefect(&["deployment", "ls"]).env("PREFECT_API_KEY", "wrong").run();
    assert_ne!(refused.code, Some(0));
    let said = refused.stdout + &refused.stderr;
    assert!(said.contains("401"), "{said}");
    let listed = served.prefect(&["deployment", "ls"]).env("PREFECT_API_KEY", "admin:pass").prints();
    assert!(listed.contains("resting/long"), "{listed}");
    let watched = served.prefect(&["deployment", "run", "hello world/daily", "--watch"]);
    let watched = watched.env("PREFECT_API_AUTH_STRING", "admin:pass").prints();
    assert!(watched.contains("finished successfully"), "{watched}");
    served.end();
    open.end();
}

#[test]
fn a_scheduled_run_is_cancelled_before_it_starts_and_schedules_can_be_paused() {
    let served = Served::start();
    let later = json!({"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": "2100-01-01T00:00:00Z"}}});
    let run = served.trigger("resting/long", &later);
    let path = format!("/flow_runs/{run}/set_state");
    let result = served.send("POST", &path, Some(&json!({"state": {"type": "CANCELLING"}})));
    assert_eq!((result.status, &result.body["status"]), (201, &json!("REJECT")), "{}", result.body);
    assert_eq!(result.body["state"]["type"], "CANCELLED");
    served.in_state(&run, "CANCELLED");
    let result = served.send("POST", &path, Some(&json!({"state": {"type": "COMPLETED"}, "force": true})));
    assert_eq!((result.status, &result.body["status"]), (200, &json!("ABORT")), "{}", result.body);

    let deployment = served.send("GET", "/deployments/name/hello%20world/daily", None).body;
    let path = format!("/deployments/{}", deployment["id"].as_str().expect("an id"));
    let planned = || {
        let filter = json!({"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}});
        served.send("POST", "/flow_runs/count", Some(&filter)).body
    };
    assert_eq!(planned(), 1, "the next run of the schedule can be seen");
    assert_eq!(served.send("PATCH", &path, Some(&json!({"paused": true}))).status, 204);
    assert_eq!((served.send("GET", &path, None).body["paused"].clone(), planned()), (json!(true), json!(0)));
    assert_eq!(served.send("POST", &format!("{path}/resume_deployment"), Some(&json!({}))).status, 204);
    assert_eq!(planned(), 1);
    let schedule = deployment["schedules"][0]["id"].as_str().expect("an id");
    let path = format!("{path}/schedules/{schedule}");
    assert_eq!(served.send("PATCH", &path, Some(&json!({"active": false}))).status, 204);
    assert_eq!(planned(), 0);
    assert_eq!(served.send("PATCH", &path, Some(&json!({"active": true}))).status, 204);
    assert_eq!(planned(), 1);
    served.end();
}
