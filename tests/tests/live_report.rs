//! How much a server is told of task runs, in each mode.

use std::collections::BTreeMap;

use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::program::Program;
use serde_json::{Value, json};

/// Runs the flow in a mode, with maps of so many runs, and gives its task runs by name without what makes names unique.
fn task_runs(server: &LiveServer, mode: &str, size: u32) -> BTreeMap<String, Vec<Value>> {
    let program = Program::example("live_program").args(&["reported", &size.to_string(), mode]);
    let program = program.server(&server.api_url()).env("FLOWKIT_REPORT", mode).env("FLOWKIT_FLUSH_TIMEOUT", "600");
    let finished = program.env("PREFECT_LOGGING_LEVEL", "CRITICAL").run().succeeded();
    assert!(!finished.stderr.contains("not delivered"), "{}", finished.stderr);
    let name = format!("reported-{mode}");
    let runs = server.post("/flow_runs/filter", &json!({"flow_runs": {"name": {"any_": [name]}}}));
    let id = runs[0]["id"].as_str().expect("there is a run");
    let mut by_name: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for offset in (0..).step_by(200) {
        let query = json!({"flow_runs": {"id": {"any_": [id]}}, "limit": 200, "offset": offset, "sort": "ID_DESC"});
        let page = server.post("/task_runs/filter", &query);
        let page = page.as_array().expect("a list").clone();
        let is_last = page.len() < 200;
        for run in page {
            let name = run["name"].as_str().expect("a name");
            let (name, _) = name.rsplit_once('-').expect("a name with digits");
            by_name.entry(name.to_owned()).or_default().push(run);
        }
        if is_last {
            return by_name;
        }
    }
    by_name
}

fn sizes(runs: &BTreeMap<String, Vec<Value>>) -> Vec<(&str, usize)> {
    runs.iter().map(|(name, runs)| (name.as_str(), runs.len())).collect()
}

/// The names of the states that the server keeps of a task run, in order.
fn states(server: &LiveServer, run: &Value) -> Vec<String> {
    let id = run["id"].as_str().expect("an id");
    let states = server.get(&format!("/task_run_states/?task_run_id={id}"));
    let mut states: Vec<(String, String)> = states
        .as_array()
        .expect("a list")
        .iter()
        .map(|state| (state["timestamp"].to_string(), state["name"].as_str().expect("a name").to_owned()))
        .collect();
    states.sort();
    states.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn all_tells_every_state_however_many_wait() {
    let Some(server) = live::server() else { return };
    // Three states each: more than those that wait when others leave some out.
    let runs = task_runs(server, "all", 200);
    assert_eq!(sizes(&runs), [("caller", 1), ("not_three", 10), ("number", 401), ("total", 1)]);
    for run in runs["number"].iter().step_by(50) {
        assert_eq!(states(server, run), ["Pending", "Running", "Completed"], "{run:#}");
    }
}

#[test]
fn final_tells_the_final_state_of_each_run_alone_with_its_times() {
    let Some(server) = live::server() else { return };
    let runs = task_runs(server, "final", 40);
    assert_eq!(sizes(&runs), [("caller", 1), ("not_three", 10), ("number", 81), ("total", 1)]);
    assert!(runs["number"].iter().all(|run| run["state_name"] == "Completed"), "{runs:#?}");
    assert_eq!(runs["not_three"].iter().filter(|run| run["state_name"] == "Failed").count(), 1);
    let total = &runs["total"][0];
    assert_eq!(states(server, total), ["Completed"]);
    assert!(total["run_count"] == 1 && total["start_time"].is_string() && total["end_time"].is_string(), "{total:#}");
    assert_eq!(total["task_inputs"]["numbers"].as_array().map(Vec::len), Some(40));
}

#[test]
fn aggregate_tells_of_a_map_as_one_task_run_and_of_its_runs_only_if_they_fail() {
    let Some(server) = live::server() else { return };
    let runs = task_runs(server, "aggregate", 150);
    let expected =
        [("caller-map", 1), ("not_three", 1), ("not_three-map", 1), ("number", 1), ("number-map", 2), ("total", 1)];
    assert_eq!(sizes(&runs), expected);
    let named = |name: &str| &runs[name][0];
    let input = |run: &Value| json!([{"input_type": "task_run", "id": run["id"]}]);
    let (first, second) = match &runs["number-map"][..] {
        [one, other] if one["task_inputs"]["n"] == json!([]) => (one, other),
        maps => (&maps[1], &maps[0]),
    };
    for map in [first, second] {
        assert_eq!(map["state"]["message"], "150 task runs: 150 Completed", "{map:#}");
        assert_eq!((&map["state_name"], &map["run_count"]), (&json!("Completed"), &json!(1)));
        assert_eq!(states(server, map), ["Pending", "Running", "Completed"]);
    }
    assert_eq!(second["task_inputs"]["n"], input(first), "{second:#}");
    assert_eq!(named("total")["task_inputs"]["numbers"], input(first));
    let (failed, failures) = (named("not_three"), named("not_three-map"));
    assert_eq!(states(server, failed), ["Failed"]);
    assert_eq!(failures["state_name"], "Failed");
    assert_eq!(failures["state"]["message"], "10 task runs: 9 Completed, 1 Failed");
    // A call inside of a run of a map is told as any other.
    assert_eq!(named("number")["task_inputs"]["__parents__"], input(named("caller-map")), "{:#}", named("number"));
}

#[test]
fn a_mode_that_is_none_is_one_clear_error() {
    let finished = Program::example("live_program").args(&["sequential", "1"]).env("FLOWKIT_REPORT", "some").run();
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let expected = "the setting FLOWKIT_REPORT is `some`, and must be auto, all, final or aggregate";
    assert!(finished.stderr.contains(expected), "{}", finished.stderr);
}
