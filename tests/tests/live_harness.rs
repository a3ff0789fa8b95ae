//! The harness itself: the real server starts, keeps its data over an outage, and cannot outlive us.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flowkit_tests::live::{self, LiveServer, PINS, SERVER_VERSION};
use serde_json::json;

#[test]
fn the_shared_server_is_the_pinned_one() {
    let Some(server) = live::server() else { return };
    assert_eq!(server.get("/health"), json!(true));
    assert_eq!(server.get("/admin/version"), json!(SERVER_VERSION));
    let again = live::server().expect("it has just been there");
    assert!(std::ptr::eq(server, again));
}

#[test]
fn python_is_a_client_of_the_shared_server() {
    let script = "\
from prefect.client.orchestration import get_client
with get_client(sync_client=True) as client:
    print(client.api_url)
    client.create_flow_from_name('from-python')
";
    let Some(printed) = live::python(script) else {
        return;
    };
    let server = live::server().expect("the script ran against it");
    assert_eq!(printed.trim(), format!("{}/", server.api_url()));
    let flow = server.eventually("the flow", |server| {
        let reply = server.send("GET", "/flows/name/from-python", None).ok()?;
        (reply.status == 200).then_some(reply.body)
    });
    assert_eq!(flow["name"], "from-python");
}

#[test]
fn the_pins_are_what_is_installed() {
    let Some(server) = live::server() else { return };
    for pin in PINS {
        let (package, version) = pin.split_once("==").expect("a pin names a version");
        let script = format!("from importlib.metadata import version; print(version('{package}'))");
        assert_eq!(server.python(&script).trim(), version, "{package}");
    }
}

#[test]
fn an_outage_keeps_the_data_and_the_log_tells_what_was_refused() {
    let Some(server) = LiveServer::start() else {
        return;
    };
    let id = server.post("/flows/", &json!({ "name": "kept" }))["id"].clone();
    let path = format!("/flows/{}", id.as_str().expect("a flow has an id"));
    server.assert_log_clean(&[]);

    server.kill();
    assert!(!server.is_healthy());
    assert!(server.send("GET", &path, None).is_err());
    let url = server.api_url();
    server.restart();
    assert_eq!(server.api_url(), url);
    assert_eq!(server.get(&path)["name"], "kept");

    let reply = server.send("POST", "/flows/", Some(&json!({ "no name": 1 })));
    assert_eq!(reply.expect("the server is back").status, 422);
    server.assert_log_clean(&["\"POST /api/flows/ HTTP/1.1\" 422"]);
    let [told] = &server.complaints(&[])[..] else {
        panic!("not one complaint: {:#?}", server.log_lines());
    };
    assert!(told.contains("422"), "{told}");
}

#[test]
fn a_server_with_an_auth_string_lets_only_us_in() {
    let Some(server) = LiveServer::options().auth("flow:kit").start() else {
        return;
    };
    assert_eq!(server.get("/admin/version"), json!(SERVER_VERSION));
    let script = "\
import os, urllib.error, urllib.request
try:
    urllib.request.urlopen(os.environ['PREFECT_API_URL'] + '/admin/version')
except urllib.error.HTTPError as error:
    print(error.code)
";
    assert_eq!(server.python(script).trim(), "401");
}

#[test]
fn a_server_ends_with_a_test_process_that_is_killed() {
    let executable = std::env::current_exe().expect("a test has an executable");
    let mut victim = Command::new(executable)
        .args(["--exact", "starts_a_server_and_waits", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a test can run again");
    let output = BufReader::new(victim.stdout.take().expect("it is piped"));
    let address = output.lines().map_while(Result::ok).find_map(|line| {
        let (_, rest) = line.split_once("serves at http://")?;
        rest.strip_suffix("/api").map(str::to_owned)
    });
    let Some(address) = address else {
        let status = victim.wait().expect("it was started here");
        assert!(status.success(), "it started no server, and was not switched off either");
        return;
    };
    TcpStream::connect(&address).expect("the server is up");
    victim.kill().expect("it waits to be killed");
    victim.wait().expect("it was killed");

    let begun = Instant::now();
    while TcpStream::connect(&address).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(10), "a server at {address} is left over");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "is run by the test above, in a process to be killed"]
fn starts_a_server_and_waits() {
    let Some(server) = LiveServer::start() else {
        return;
    };
    println!("serves at {}", server.api_url());
    std::io::stdin().lines().for_each(drop);
}
