//! What a real server knows of states that code chose, of assets, and of parameters that are not plain.

use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::program::Program;
use serde_json::{Value, json};

fn run(server: &LiveServer, what: &str) -> flowkit_tests::program::Finished {
    Program::example("surface_program").args(&[what]).server(&server.api_url()).run().succeeded()
}

fn related<'a>(event: &'a Value, role: &str) -> Vec<&'a str> {
    let all = event["related"].as_array().expect("a list").iter();
    let of_role = all.filter(|related| related["prefect.resource.role"] == role);
    of_role.filter_map(|related| related["prefect.resource.id"].as_str()).collect()
}

#[test]
fn the_server_has_what_tasks_told_of_their_assets() {
    let Some(server) = LiveServer::start() else { return };
    run(&server, "assets");
    let flow_run = server.flow_run("assets", "COMPLETED");
    let tasks = server.task_runs(&flow_run, 2);
    let task = |name: &str| {
        let found = tasks.iter().find(|task| task["name"].as_str().is_some_and(|it| it.starts_with(name)));
        format!("prefect.task-run.{}", found.expect(name)["id"].as_str().expect("an id"))
    };
    let query = json!({"filter": {"event": {"prefix": ["prefect.asset."]}}, "limit": 50});
    let events = server.eventually("four events", |server| {
        let events = server.post("/events/filter", &query)["events"].as_array()?.clone();
        (events.len() == 4).then_some(events)
    });
    let of = |event: &str, key: &str| {
        let found = events.iter().find(|it| it["event"] == event && it["resource"]["prefect.resource.id"] == key);
        found.unwrap_or_else(|| panic!("no {event} of {key}: {events:#?}")).clone()
    };
    let used = of("prefect.asset.referenced", "postgres://db/users");
    assert_eq!(related(&used, "task-run"), [task("load")]);
    assert_eq!(related(&used, "flow-run"), [format!("prefect.flow-run.{}", flow_run["id"].as_str().expect("an id"))]);
    let made = of("prefect.asset.materialization.succeeded", "s3://lake/raw");
    assert_eq!((&made["payload"], related(&made, "asset")), (&json!({"rows": 3}), vec!["postgres://db/users"]));
    assert_eq!(related(&made, "tag"), ["prefect.tag.nightly"]);
    of("prefect.asset.referenced", "s3://lake/raw");
    let failed = of("prefect.asset.materialization.failed", "s3://lake/clean");
    assert_eq!(related(&failed, "asset"), ["s3://lake/raw"]);
    assert_eq!(related(&failed, "asset-materialized-by"), ["dbt"]);
    assert_eq!(related(&failed, "task-run"), [task("clean")]);
    assert_eq!(failed["resource"]["prefect.resource.name"], "Clean");
    assert_eq!(failed["resource"]["prefect.asset.owners"], "[\"data team\"]");
}

#[test]
fn the_server_has_runs_in_the_states_that_they_chose() {
    let Some(server) = live::server() else { return };
    let finished = run(server, "states");
    let top = server.flow_run("states", "COMPLETED");
    assert_eq!(top["name"], "states of eu");
    let told: Value = serde_json::from_str(finished.stdout.lines().last().unwrap_or_default()).expect("its addresses");
    let id = top["id"].as_str().expect("an id");
    let api = server.api_url();
    assert_eq!(told[0], format!("{api}/flow_runs/{id}"));
    let ui = api.strip_suffix("/api").expect("the address of an API");
    assert_eq!(told[1], format!("{ui}/runs/flow-run/{id}"));

    let state = |flow: &str, state_type: &str| {
        let run = server.flow_run(flow, state_type);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&run["state"]["name"]), text(&run["state"]["message"]))
    };
    assert_eq!(state("own-done", "COMPLETED"), ("MyDone".into(), "as planned".into()));
    assert_eq!(state("own-cancel", "CANCELLED"), ("Cancelled".into(), "I cancelled".into()));
    assert_eq!(state("gathered", "FAILED"), ("Failed".into(), "1/3 states failed.".into()));
    let query = json!({"flows": {"name": {"any_": ["child"]}}});
    let children = server.post("/flow_runs/filter", &query).as_array().cloned().expect("a list");
    let child = |state: &str| children.iter().find(|run| run["state"]["name"] == state).expect(state);
    let (good, bad, starved) = (child("Completed"), child("Failed"), child("NotReady"));
    let why = format!("Upstream flow run '{}' did not reach a 'COMPLETED' state.", bad["id"].as_str().expect("an id"));
    assert_eq!(starved["state"]["message"], json!(why));

    let tasks = server.task_runs(&top, 8);
    let skipped = tasks.iter().find(|task| task["state_name"] == "Skipped").expect("one was skipped");
    assert_eq!((&skipped["state_type"], &skipped["state"]["message"]), (&json!("COMPLETED"), &json!("no rows")));
    let fed = tasks.iter().find(|task| task["name"].as_str().is_some_and(|name| name.starts_with("number")));
    let edge = json!([{"input_type": "flow_run", "id": good["id"]}]);
    assert_eq!(fed.expect("it took the result of a subflow")["task_inputs"]["n"], edge);
}

#[test]
fn the_server_never_sees_a_secret() {
    let Some(server) = live::server() else { return };
    run(server, "secret");
    let flow_run = server.flow_run("with-secret", "FAILED");
    assert_eq!(flow_run["parameters"], json!({"token": "**********", "pause": "PT1M30S"}));
    let message = "Flow run encountered an exception: ********** was refused after PT1M30S";
    assert_eq!(flow_run["state"]["message"], message);
    let lines = server.logs(&flow_run, 3);
    assert!(lines.iter().any(|line| line["message"] == "the token is **********"), "{lines:#?}");
    assert!(!json!(lines).to_string().contains("open-sesame"));
}
