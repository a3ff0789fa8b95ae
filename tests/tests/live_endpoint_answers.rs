//! What the endpoint of a program says: to whom, in which form, and to nonsense.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use flowkit_tests::live;
use flowkit_tests::program::Program;
use flowkit_tests::served::Served;
use serde_json::{Value, json};

const NOBODY: &str = "a8a8a8a8-1111-4111-8111-111111111111";

/// Requests that go wrong, and some that do not, which a Prefect server without runs answers too.
fn questions() -> Vec<(&'static str, String, Option<Value>)> {
    let set_state = format!("/flow_runs/{NOBODY}/set_state");
    let trigger = format!("/deployments/{NOBODY}/create_flow_run");
    vec![
        ("GET", "/health".into(), None),
        ("GET", "/ready".into(), None),
        ("GET", "/hello".into(), None),
        ("GET", "/version".into(), None),
        ("GET", "/admin/version".into(), None),
        ("GET", "/csrf-token?client=x".into(), None),
        ("GET", "/nope".into(), None),
        ("POST", "/health".into(), Some(json!({}))),
        ("GET", "/flow_runs/xyz".into(), None),
        ("GET", format!("/flow_runs/{NOBODY}"), None),
        ("GET", format!("/task_runs/{NOBODY}"), None),
        ("GET", format!("/flows/{NOBODY}"), None),
        ("GET", "/flows/name/nobody".into(), None),
        ("GET", format!("/deployments/{NOBODY}"), None),
        ("GET", "/deployments/name/no/body".into(), None),
        ("GET", format!("/automations/related-to/prefect.deployment.{NOBODY}"), None),
        ("POST", "/flow_runs/filter".into(), Some(json!({"limit": 201}))),
        ("POST", "/flow_runs/filter".into(), Some(json!({"limit": -1}))),
        ("POST", "/flow_runs/filter".into(), Some(json!({"offset": -1}))),
        ("POST", "/flow_runs/filter".into(), Some(json!({"sort": "x"}))),
        ("POST", "/flow_runs/filter".into(), Some(json!({"flow_runs": {"nope": 1}}))),
        ("POST", "/flow_runs/filter".into(), Some(json!({"flow_runs": {"id": {"any_": ["x"]}}}))),
        ("POST", "/flow_runs/filter".into(), Some(json!({"flow_runs": {"state": {"type": {"any_": ["X"]}}}}))),
        ("POST", "/flow_runs/filter".into(), Some(json!({"flow_runs": {"id": {"any_": [NOBODY]}}}))),
        ("POST", "/flow_runs/count".into(), Some(json!({"flow_runs": {"name": {"any_": ["nobody"]}}}))),
        ("POST", "/flows/filter".into(), Some(json!({"flows": {"id": {"any_": []}}}))),
        (
            "POST",
            "/deployments/filter".into(),
            Some(json!({"flows": {"name": {"any_": ["nobody"]}}, "sort": "NAME_ASC"})),
        ),
        ("POST", "/task_runs/count".into(), Some(json!({"task_runs": {"tags": {"all_": ["nothing"]}}}))),
        ("POST", "/logs/filter".into(), Some(json!({"logs": {"flow_run_id": {"any_": [NOBODY]}}, "limit": 500}))),
        ("POST", "/logs/filter".into(), Some(json!({"logs": {"flow_run_id": {"any_": [NOBODY]}}}))),
        ("POST", trigger.clone(), Some(json!({}))),
        ("POST", trigger, Some(json!({"nope": 1}))),
        ("POST", set_state.clone(), Some(json!({"state": {"type": "CANCELLING"}}))),
        ("POST", set_state.clone(), Some(json!({"state": {"type": "X"}}))),
        ("POST", set_state, Some(json!({}))),
        ("PATCH", format!("/deployments/{NOBODY}"), Some(json!({"paused": true}))),
        ("PATCH", format!("/deployments/{NOBODY}/schedules/{NOBODY}"), Some(json!({"active": true}))),
    ]
}

#[test]
fn mistakes_are_answered_as_a_prefect_server_answers_them() {
    let Some(server) = live::server() else { return };
    let served = Served::start();
    // Of what is wrong with a body, the places are compared: the words are pydantic's.
    let shape = |status: u16, mut body: Value| {
        if let Some(mistakes) = body["exception_detail"].as_array() {
            let places: Vec<Value> = mistakes.iter().map(|mistake| json!([mistake["type"], mistake["loc"]])).collect();
            body["exception_detail"] = json!(places);
        }
        (status, body)
    };
    for (method, path, body) in questions() {
        let theirs = server.send(method, &path, body.as_ref()).expect("it answers");
        let ours = served.send(method, &path, body.as_ref());
        let body = body.unwrap_or_default();
        assert_eq!(shape(ours.status, ours.body), shape(theirs.status, theirs.body), "{method} {path} {body}");
    }
    served.end();
}

const FITS: &str = r##"
import json, sys, warnings, urllib.request
warnings.simplefilter("ignore")
import jsonschema
from prefect.server.api.server import create_app
api, run = sys.argv[1:]
schemas = create_app(ephemeral=True).openapi()["components"]

def ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(api + path, data, {"content-type": "application/json"}, method=method)
    return json.load(urllib.request.urlopen(request, timeout=20))

def fits(kind, answer):
    schema = {"$ref": "#/components/schemas/" + kind, "components": schemas}
    for one in answer if isinstance(answer, list) else [answer]:
        jsonschema.validate(one, schema, format_checker=jsonschema.FormatChecker())
        known = set(schemas["schemas"][kind]["properties"])
        assert set(one) == known, (kind, set(one) ^ known)
    count = len(answer) if isinstance(answer, list) else 1
    print(kind, count > 0)
    return answer

fits("DeploymentResponse", ask("POST", "/deployments/filter", {}))
fits("Flow", ask("POST", "/flows/filter", {}))
fits("FlowRunResponse", ask("POST", "/flow_runs/filter", {}))
fits("Log", ask("POST", "/logs/filter", {}))
fits("TaskRun", ask("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}}))
deployment = fits("DeploymentResponse", ask("GET", "/deployments/name/hello%20world/daily"))
fits("DeploymentSchedule", ask("GET", f"/deployments/{deployment['id']}/schedules"))
fits("Flow", ask("GET", f"/flows/{deployment['flow_id']}"))
fits("State", ask("GET", f"/flow_run_states/?flow_run_id={run}"))
fits("OrchestrationResult", ask("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}}))
"##;

#[test]
fn answers_have_the_members_and_types_that_prefects_schema_names() {
    if live::interpreter().is_none() {
        return;
    }
    let served = Served::start();
    let run = served.trigger("hello%20world/daily", &json!({}));
    served.in_state(&run, "COMPLETED");
    served.trigger("resting/long", &json!({"parameters": {"seconds": 0.1}}));
    let printed = served.python(&["-c", FITS, served.api_url(), &run]).prints();
    assert_eq!(printed.lines().count(), 10, "{printed}");
    assert!(printed.lines().all(|line| line.ends_with("True")), "{printed}");
    served.end();
}

/// Says something to the endpoint, and returns the first line of what comes back.
fn say(served: &Served, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(served.address()).expect("it is there");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    // It may hang up before it has heard everything.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut heard = Vec::new();
    let _ = stream.take(64 * 1024).read_to_end(&mut heard);
    String::from_utf8_lossy(&heard).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn web_pages_and_other_hosts_are_refused_and_long_bodies_too() {
    let served = Served::start();
    let get = |headers: &str| say(&served, format!("GET /api/flows/x HTTP/1.1\r\n{headers}\r\n\r\n").as_bytes());
    assert!(get("host: localhost").contains("404"));
    assert!(get("host: localhost\r\norigin: http://localhost").contains("403"));
    assert!(get("host: rebound.example").contains("403"));
    let upgrade = "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: x";
    let listen = format!("GET /api/events/out HTTP/1.1\r\nhost: localhost\r\norigin: null\r\n{upgrade}\r\n\r\n");
    assert!(say(&served, listen.as_bytes()).contains("403"));
    let long: usize = 5_000_000;
    let head = format!("POST /api/flow_runs/filter HTTP/1.1\r\nhost: localhost\r\ncontent-length: {long}\r\n\r\n");
    assert!(say(&served, head.as_bytes()).contains("413"));
    let head = "POST /api/flow_runs/filter HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("{long:x}\r\n{}\r\n", " ".repeat(long));
    let said = say(&served, [head.as_bytes(), chunk.as_bytes()].concat().as_slice());
    // It may hang up so early that its answer is lost.
    assert!(said.contains("413") || said.is_empty(), "{said}");
    assert!(
        say(&served, b"POST /api/flow_runs/filter HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\n{bad")
            .contains("422")
    );
    served.end();
}

#[test]
fn nonsense_neither_ends_the_endpoint_nor_the_runs() {
    let served = Served::start();
    let run = served.trigger("resting/long", &json!({}));
    served.in_state(&run, "RUNNING");
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let paths =
        ["/api/flow_runs/filter", "/api/events/out", "/api/logs/out", "/api/flow_runs/%00%ff/set_state", "/", "//..//"];
    let rounds = if std::env::var_os("FLOWKIT_FULL").is_some() { 5000 } else { 300 };
    for round in 0..rounds {
        let length = random(400);
        let noise: Vec<u8> = (0..length).map(|_| u8::try_from(random(256)).unwrap_or_default()).collect();
        let path = paths[usize::try_from(random(paths.len() as u64)).unwrap_or_default()];
        let said = match round % 4 {
            0 => noise,
            1 => [
                format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n").as_bytes(),
                &noise,
            ]
            .concat(),
            2 => [format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n").as_bytes(), &noise].concat(),
            _ => {
                let upgrade =
                    "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: x";
                [format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{upgrade}\r\n\r\n").as_bytes(), &noise].concat()
            }
        };
        say(&served, &said);
    }
    assert_eq!(served.send("GET", &format!("/flow_runs/{run}"), None).body["state_type"], "RUNNING");
    let cancel = json!({"state": {"type": "CANCELLING"}});
    served.send("POST", &format!("/flow_runs/{run}/set_state"), Some(&cancel));
    served.in_state(&run, "CANCELLED");
    let said = served.end().stderr;
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn an_endpoint_that_cannot_be_is_an_error_that_says_why() {
    let fails = |address: &str, variable: (&str, &str)| {
        let program = Program::example("live_endpoint").args(&["serve", address]);
        let finished = program.env(variable.0, variable.1).run();
        assert_ne!(finished.code, Some(0));
        finished.stderr
    };
    let exposed = fails("0.0.0.0:0", ("NO", "THING"));
    assert!(exposed.contains("set a token") && exposed.contains("FLOWKIT_ENDPOINT_TOKEN"), "{exposed}");
    let crooked = fails("4200", ("NO", "THING"));
    assert!(crooked.contains("`.endpoint(..)`") && crooked.contains("such as 127.0.0.1:4200"), "{crooked}");
    let twice = fails("127.0.0.1:0", ("PREFECT_API_URL", "http://127.0.0.1:9/api"));
    assert!(twice.contains("PREFECT_API_URL is set"), "{twice}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = fails(&taken.local_addr().expect("an address").to_string(), ("NO", "THING"));
    assert!(taken.contains("cannot open the endpoint at 127.0.0.1:"), "{taken}");
}
