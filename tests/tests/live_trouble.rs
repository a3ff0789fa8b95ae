//! Servers that are away, wrong or unwilling, and processes that die.

use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::program::Program;
use serde_json::json;

fn crashed_by(signal: &str, number: i32, why: &str) {
    let Some(server) = LiveServer::start() else { return };
    let program = Program::example("live_program").args(&["resting", "60"]).server(&server.api_url()).start();
    let run = server.flow_run("resting", "RUNNING");
    program.signal(signal);
    let finished = program.wait();
    assert_eq!((finished.code, finished.signal), (None, Some(number)), "{}", finished.stderr);
    assert!(finished.stderr.contains(&format!("Crash detected! {why}")), "{}", finished.stderr);
    let crashed = server.flow_run("resting", "CRASHED");
    assert_eq!((&crashed["id"], &crashed["state"]["message"]), (&run["id"], &json!(why)));
    let tasks = server.task_runs(&run, 1);
    assert_eq!((&tasks[0]["state_name"], &tasks[0]["name"]), (&json!("Crashed"), &json!("rest-60")));
    server.logs(&run, 3);
    server.assert_log_clean(live::BUSY);
}

#[test]
fn an_interrupt_is_reported_before_it_ends_the_process() {
    crashed_by("INT", 2, "Execution was aborted by an interrupt signal.");
}

#[test]
fn a_termination_is_reported_before_it_ends_the_process() {
    crashed_by("TERM", 15, "Execution was aborted by a termination signal.");
}

#[test]
fn a_panic_of_main_leaves_crashed_runs() {
    let Some(server) = live::server() else { return };
    let finished = Program::example("live_program").args(&["panic"]).server(&server.api_url()).run();
    assert_eq!(finished.code, Some(101), "{}", finished.stderr);
    let run = server.flow_run("resting", "CRASHED");
    assert_eq!(run["state"]["message"], "Execution was ended by a panic outside of the flow.");
}

#[test]
fn an_exit_in_the_middle_leaves_crashed_runs() {
    let Some(server) = LiveServer::start() else { return };
    let finished = Program::example("live_program").args(&["exit"]).server(&server.api_url()).run();
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    let run = server.flow_run("resting", "CRASHED");
    assert_eq!(run["state"]["message"], "Execution was ended by the exit of the process.");
}

#[test]
fn a_server_that_comes_back_in_time_gets_everything() {
    let Some(server) = LiveServer::start() else { return };
    let program = Program::example("live_program")
        .args(&["with-subflows", "2"])
        .server(&server.api_url())
        .env("FLOWKIT_FLUSH_TIMEOUT", "60")
        .start();
    server.flow_run("with-subflows", "RUNNING");
    server.kill();
    // The flow goes on, and ends, without a server.
    server.restart();
    let finished = program.wait().succeeded();
    assert!(!finished.stderr.contains("not delivered"), "{}", finished.stderr);
    let run = server.flow_run("with-subflows", "COMPLETED");
    assert_eq!(server.task_runs(&run, 3).len(), 3);
    for kid in ["kid-1", "kid-2"] {
        let query = json!({"flow_runs": {"name": {"any_": [kid]}}});
        let run = server.eventually(kid, |server| server.post("/flow_runs/filter", &query).get(0).cloned());
        assert_eq!(run["state_name"], "Completed");
        assert_eq!(server.task_runs(&run, 1)[0]["state_name"], "Completed");
    }
}

#[test]
fn a_server_that_stays_away_harms_no_work_and_what_is_lost_is_counted() {
    let Some(server) = LiveServer::start() else { return };
    let program = Program::example("live_program")
        .args(&["resting", "2"])
        .server(&server.api_url())
        .env("FLOWKIT_FLUSH_TIMEOUT", "1")
        .start();
    server.flow_run("resting", "RUNNING");
    server.kill();
    let finished = program.wait().succeeded();
    assert!(finished.stderr.contains("Finished in state Completed()"), "{}", finished.stderr);
    let statement = finished.stderr.lines().last().expect("last words");
    assert!(statement.starts_with("flowkit: not delivered to the server: 1 flow-run state(s),"), "{statement}");
    assert!(statement.contains("cannot connect to"), "{statement}");
}

fn refused(program: Program, words: &[&str]) {
    let finished = program.args(&["sequential", "1"]).run();
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let errors: Vec<&str> = finished.stderr.lines().filter(|line| line.starts_with("Error")).collect();
    assert_eq!(errors.len(), 1, "{}", finished.stderr);
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    for word in words {
        assert!(errors[0].contains(word), "{word}: {}", errors[0]);
    }
}

#[test]
fn an_unreachable_server_is_one_clear_error() {
    // Port 9 of the loopback interface: nobody listens there.
    let program = Program::example("live_program").server("http://127.0.0.1:9/api");
    refused(program, &["PREFECT_API_URL", "http://127.0.0.1:9/api", "cannot connect"]);
}

#[test]
fn an_address_that_is_none_is_one_clear_error() {
    for (url, why) in [("ftp://host/api", "scheme"), ("not a url", "not a url"), ("http://", "http://")] {
        refused(Program::example("live_program").server(url), &["PREFECT_API_URL", why]);
    }
}

#[test]
fn a_bad_setting_is_one_clear_error() {
    let program = Program::example("live_program").env("PREFECT_LOGGING_LEVEL", "loud");
    refused(program, &["PREFECT_LOGGING_LEVEL", "loud", "DEBUG, INFO, WARNING, ERROR"]);
}

#[test]
fn missing_and_wrong_credentials_name_the_setting() {
    let Some(server) = LiveServer::options().auth("flow:kit").start() else { return };
    let program = || Program::example("live_program").server(&server.api_url());
    refused(program(), &["401", "PREFECT_API_AUTH_STRING"]);
    refused(program().env("PREFECT_API_AUTH_STRING", "flow:wrong"), &["401", "PREFECT_API_AUTH_STRING"]);
    let program = program().env("PREFECT_API_AUTH_STRING", "flow:kit").args(&["sequential", "2"]);
    program.run().succeeded();
    let run = server.flow_run("sequential", "COMPLETED");
    assert_eq!(server.task_runs(&run, 2).len(), 2);
}

#[test]
fn a_server_of_another_major_version_is_refused_by_name() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/api", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for stream in listener.incoming().take(4) {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 2048];
            let _ = stream.read(&mut request);
            let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\nconnection: close\r\n\r\n\"2.20.0\"";
            stream.write_all(answer.as_bytes()).expect("it is read");
        }
    });
    refused(Program::example("live_program").server(&url), &["PREFECT_API_URL", "2.20.0", "3."]);
}
