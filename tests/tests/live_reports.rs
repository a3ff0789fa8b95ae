//! What a real server knows about runs that flowkit reported.

use std::collections::HashMap;

use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::program::Program;
use serde_json::{Value, json};

fn by_name(runs: &[Value]) -> HashMap<String, Value> {
    runs.iter().map(|run| (run["name"].as_str().unwrap_or_default().to_owned(), run.clone())).collect()
}

fn starting<'a>(runs: &'a HashMap<String, Value>, name: &str) -> &'a Value {
    runs.iter().find(|(known, _)| known.starts_with(name)).map(|(_, run)| run).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn everything_about_a_run_arrives() {
    let Some(server) = LiveServer::start() else { return };
    let finished =
        Program::example("live_program").args(&["everything", "3"]).server(&server.api_url()).run().succeeded();
    assert!(finished.stdout.trim_end().ends_with("53"), "{finished:?}");
    assert!(!finished.stderr.contains("not delivered"), "{}", finished.stderr);

    let run = server.flow_run("one-of-everything", "COMPLETED");
    assert_eq!(run["run_count"], 1);
    assert_eq!(run["parameters"], json!({"upto": 3}));
    assert_eq!(run["tags"], json!(["live"]));
    // Three mapped numbers, two tries, one after them, one subflow, one failure, one that waits for it in vain.
    let tasks = server.task_runs(&run, 8);
    let named = by_name(&tasks);

    let retried = starting(&named, "second_try");
    assert_eq!((&retried["state_name"], &retried["run_count"]), (&json!("Completed"), &json!(2)));
    assert_eq!(retried["tags"], json!(["flaky"]));
    assert_eq!(retried["empirical_policy"]["retries"], 2);

    let failed = starting(&named, "fail");
    assert_eq!(failed["state"]["message"], "Task run encountered an exception: the disk is on fire");
    let starved = tasks.iter().find(|task| task["state_name"] == "NotReady").expect("one cannot start");
    let why =
        format!("Upstream task run '{}' did not reach a 'COMPLETED' state.", failed["id"].as_str().expect("an id"));
    assert_eq!(starved["state"]["message"], json!(why));
    assert_eq!(starved["task_inputs"]["n"], json!([{"input_type": "task_run", "id": failed["id"]}]));

    let after = tasks.iter().find(|task| task["task_inputs"].get("wait_for").is_some()).expect("one waits");
    assert_eq!(after["task_inputs"]["wait_for"].as_array().map(Vec::len), Some(4));

    let stand_in = starting(&named, "child-0");
    let kid = server.flow_run("child", "COMPLETED");
    assert_eq!((&kid["name"], &kid["parent_task_run_id"]), (&json!("kid-40"), &stand_in["id"]));
    assert_eq!(stand_in["state_name"], "Completed");

    let lines = server.logs(&run, 10);
    let line = |text: &str| lines.iter().find(|line| line["message"] == text).unwrap_or_else(|| panic!("no `{text}`"));
    assert_eq!(line("printed by the flow")["task_run_id"], Value::Null);
    assert_eq!(line("trying label=twice")["task_run_id"], retried["id"]);
    server.assert_log_clean(live::BUSY);
}

#[test]
fn the_states_of_a_task_run_are_kept_in_order() {
    let Some((server, _alone)) = live::alone() else { return };
    Program::example("live_program").args(&["everything", "1"]).server(&server.api_url()).run().succeeded();
    let run = server.flow_run("one-of-everything", "COMPLETED");
    let tasks = by_name(&server.task_runs(&run, 6));
    let id = starting(&tasks, "second_try")["id"].as_str().expect("an id").to_owned();
    let states = server.eventually("five states", |server| {
        let states = server.get(&format!("/task_run_states/?task_run_id={id}"));
        let mut states: Vec<(String, String)> = states
            .as_array()?
            .iter()
            .map(|state| {
                (state["timestamp"].as_str().unwrap_or("").to_owned(), state["name"].as_str().unwrap_or("").to_owned())
            })
            .collect();
        states.sort();
        (states.len() == 5).then_some(states)
    });
    let names: Vec<&str> = states.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["Pending", "Running", "AwaitingRetry", "Retrying", "Completed"]);
}

#[test]
fn a_thousand_quick_tasks_do_not_wait_for_the_server_and_all_arrive() {
    let Some(server) = LiveServer::start() else { return };
    let program = Program::example("live_program").args(&["sequential", "1000"]).server(&server.api_url());
    let finished = program.env("PREFECT_LOGGING_LEVEL", "WARNING").run().succeeded();
    let micros: u64 = finished
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("loop took ")?.strip_suffix(" us")?.parse().ok())
        .expect("the program says how long it took");
    // The bound of a release build is 20 ms; this one is not optimised.
    assert!(micros < 100_000, "{micros} us");
    let query = json!({"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}});
    let mut last = 0;
    for _ in 0..8 {
        // Each look may take half a minute, and the server stores some tens of runs in a second.
        let more = server.eventually("more task runs", |server| {
            let count = server.post("/task_runs/count", &query).as_u64()?;
            (count >= (last + 125).min(1000)).then_some(count)
        });
        last = more;
    }
    assert_eq!(last, 1000);
    server.assert_log_clean(live::BUSY);
}

#[test]
fn a_failed_flow_is_run_again_as_the_server_says() {
    let Some((server, _alone)) = live::alone() else { return };
    Program::example("live_program").args(&["second-run"]).server(&server.api_url()).run().succeeded();
    let run = server.flow_run("second-run", "COMPLETED");
    assert_eq!(run["run_count"], 2);
    assert_eq!(run["empirical_policy"]["retries"], 1);
}

#[test]
fn wrong_parameters_fail_the_run_before_it_starts() {
    let Some(server) = LiveServer::start() else { return };
    let finished = Program::example("live_program").args(&["wrong-parameters"]).server(&server.api_url()).run();
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("parameter `seconds`: invalid type: string \"many\""), "{}", finished.stderr);
    let run = server.flow_run("resting", "FAILED");
    assert_eq!(run["run_count"], 0);
    let message = run["state"]["message"].as_str().expect("a message");
    assert!(message.starts_with("Validation of flow parameters failed with error:"), "{message}");
}

#[test]
fn a_running_flow_says_that_it_is_alive() {
    let Some((server, _alone)) = live::alone() else { return };
    let program = Program::example("live_program").args(&["resting", "2"]).server(&server.api_url()).start();
    let query = json!({"filter": {"event": {"name": ["prefect.flow-run.heartbeat"]}}, "limit": 50});
    let run = server.flow_run("resting", "RUNNING");
    let resource = format!("prefect.flow-run.{}", run["id"].as_str().expect("an id"));
    program.wait().succeeded();
    server.eventually("a heartbeat", |server| {
        let events = server.post("/events/filter", &query)["events"].as_array()?.clone();
        events.into_iter().find(|event| event["resource"]["prefect.resource.id"] == json!(resource))
    });
}

#[test]
fn a_flow_cancelled_at_the_server_ends_as_cancelled() {
    let Some((server, _alone)) = live::alone() else { return };
    let program = Program::example("live_program").args(&["resting", "3"]).server(&server.api_url()).start();
    let run = server.flow_run("resting", "RUNNING");
    let path = format!("/flow_runs/{}/set_state", run["id"].as_str().expect("an id"));
    server.post(&path, &json!({"state": {"type": "CANCELLING"}, "force": false}));
    let finished = program.wait();
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.stderr.contains("was cancelled"), "{}", finished.stderr);
    let ended = server.get(&format!("/flow_runs/{}", run["id"].as_str().expect("an id")));
    assert_eq!(ended["state_type"], "CANCELLED");
}

#[test]
fn python_reads_what_rust_wrote() {
    let Some((server, _alone)) = live::alone() else { return };
    Program::example("live_program").args(&["everything", "2"]).server(&server.api_url()).run().succeeded();
    let run = server.flow_run("one-of-everything", "COMPLETED");
    let script = format!(
        "from prefect.client.orchestration import get_client\n\
         with get_client(sync_client=True) as client:\n\
         \x20   run = client.read_flow_run('{}')\n\
         \x20   print(run.state.is_completed(), run.parameters)\n",
        run["id"].as_str().expect("an id")
    );
    assert_eq!(server.python(&script).trim(), "True {'upto': 2}");
}

#[test]
fn the_main_job_arrives_with_its_retries_edges_and_logs() {
    let Some(server) = LiveServer::start() else { return };
    let csv = std::env::temp_dir().join(format!("flowkit-live-etl-{}.csv", std::process::id()));
    let path = csv.to_str().expect("the folder of temporary files has a plain name");
    let finished = Program::example("etl").args(&["--out", path]).server(&server.api_url()).run().succeeded();
    assert!(finished.stdout.contains("1707 rows"), "{}", finished.stdout);
    std::fs::remove_file(&csv).expect("the file is where it was asked for");

    let run = server.flow_run("earthquakes", "COMPLETED");
    let tasks = server.task_runs(&run, 38);
    assert!(tasks.iter().all(|task| task["state_name"] == "Completed"), "{tasks:#?}");
    let named = |name: &str| -> Vec<&Value> {
        tasks.iter().filter(|task| task["name"].as_str().is_some_and(|it| it.starts_with(name))).collect()
    };
    let retried: Vec<&Value> = named("extract").into_iter().filter(|task| task["run_count"] == 2).collect();
    assert_eq!(retried.len(), 3, "the catalog refuses three pages once");
    let ids = |name: &str| named(name).iter().map(|task| task["id"].clone()).collect::<Vec<_>>();
    let extracts = ids("extract");
    for transform in named("transform") {
        let inputs = transform["task_inputs"].as_object().expect("an object");
        let from: Vec<&Value> = inputs.values().flat_map(|runs| runs.as_array().expect("a list")).collect();
        assert_eq!(from.len(), 1);
        assert!(extracts.contains(&from[0]["id"]));
    }
    let load = named("load")[0];
    let mut origins: Vec<String> = load["task_inputs"]
        .as_object()
        .expect("an object")
        .values()
        .flat_map(|runs| runs.as_array().expect("a list"))
        .map(|run| run["id"].to_string())
        .collect();
    origins.sort();
    let mut transforms: Vec<String> = ids("transform").iter().map(Value::to_string).collect();
    transforms.sort();
    assert_eq!(origins, transforms);
    let lines = server.logs(&run, 40);
    let ended = lines.iter().filter(|line| line["message"] == "Finished in state Completed()");
    let told: std::collections::HashSet<&Value> = ended.map(|line| &line["task_run_id"]).collect();
    assert!(tasks.iter().all(|task| told.contains(&task["id"])), "every run has its own last line");
    server.assert_log_clean(live::BUSY);
}
