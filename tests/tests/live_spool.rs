//! What cannot be delivered before a program ends is kept on disk, and the next program delivers it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flowkit_tests::live::LiveServer;
use flowkit_tests::program::{Finished, Program};
use serde_json::{Value, json};

/// What a server on sqlite says when two want to write at once; flowkit asks again.
const BUSY: &[&str] = &["503 Service Unavailable"];

const DELIVERED: &str = "Delivered what earlier programs could not deliver";
const KEPT: &str = "flowkit: not delivered to the server yet: ";

/// All files below a folder that wait for delivery.
fn waiting(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let below = entries.flat_map(|path| if path.is_dir() { waiting(&path) } else { vec![path] });
    below.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect()
}

fn program(server: &LiveServer, args: &[&str]) -> Program {
    let spool = server.spool();
    let spool = spool.to_str().expect("the target directory has a plain name");
    Program::example("live_program")
        .args(args)
        .server(&server.api_url())
        .env("FLOWKIT_SPOOL", spool)
        .env("PREFECT_API_KEY", "pnu_verysecret")
}

/// A program that waits for delivery, also on a busy machine.
fn patient(server: &LiveServer) -> Program {
    program(server, &["sequential", "2"]).env("FLOWKIT_FLUSH_TIMEOUT", "60")
}

fn last_words(finished: &Finished) -> &str {
    finished.stderr.lines().last().expect("last words")
}

/// Checks that the server has every line once, and the last one of the run.
fn assert_lines_once(server: &LiveServer, run: &Value) {
    let lines = server.eventually("the last line of a run", |server| {
        let lines = server.logs(run, 1);
        lines.iter().any(|line| line["message"] == "Finished in state Completed()").then_some(lines)
    });
    let mut counts: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for line in &lines {
        let text = |key: &str| line[key].to_string();
        *counts.entry((text("timestamp"), text("task_run_id"), text("message"))).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count == 1), "{lines:#?}");
}

#[test]
fn what_a_server_that_was_killed_has_missed_is_delivered_once_by_the_next_programs() {
    let Some(server) = LiveServer::start() else { return };
    let hasty = |args: &[&str]| program(&server, args).env("FLOWKIT_FLUSH_TIMEOUT", "1").start();
    // One goes on with subflows, which the server has never heard of, and one has ended otherwise by somebody's will.
    let parent = hasty(&["with-subflows", "8"]);
    let other = hasty(&["resting", "8"]);
    let run = server.flow_run("with-subflows", "RUNNING");
    let overruled = server.flow_run("resting", "RUNNING");
    server.kill();
    for finished in [parent, other].map(|program| program.wait().succeeded()) {
        let words = last_words(&finished);
        assert!(words.starts_with(KEPT) && words.contains("; kept in "), "{}", finished.stderr);
        assert!(
            words.ends_with(&format!("delivered by the next program that reports to {}", server.api_url())),
            "{words}"
        );
    }
    let files = waiting(&server.spool());
    assert_eq!(files.len(), 2, "one for each process");
    for file in &files {
        let text = std::fs::read_to_string(file).expect("it is text");
        assert!(!text.contains("verysecret"), "{text}");
    }

    server.restart();
    let path = format!("/flow_runs/{}/set_state", overruled["id"].as_str().expect("an id"));
    server.post(&path, &json!({"state": {"type": "CRASHED", "message": "by hand"}, "force": true}));
    let next = [0, 1].map(|_| patient(&server).start());
    let said = next.map(|program| program.wait().succeeded().stderr).concat();
    assert_eq!(said.matches(DELIVERED).count(), 1, "{said}");
    assert!(!said.contains("not delivered"), "{said}");
    let keeps = format!("Flow run(s) {} had been put into another state", overruled["id"].as_str().expect("an id"));
    assert!(said.contains(&keeps), "{said}");
    assert!(waiting(&server.spool()).is_empty(), "what is delivered is not kept");

    let run = server.flow_run("with-subflows", "COMPLETED").as_object().cloned().filter(|it| it["id"] == run["id"]);
    let run = Value::Object(run.expect("it is the same run"));
    let tasks = server.task_runs(&run, 3);
    assert!(tasks.iter().all(|task| task["state_name"] == "Completed"), "{tasks:#?}");
    assert_lines_once(&server, &run);
    for kid in ["kid-1", "kid-2"] {
        let kid = server.post("/flow_runs/filter", &json!({"flow_runs": {"name": {"any_": [kid]}}}));
        assert_eq!(kid.as_array().map(Vec::len), Some(1), "{kid:#}");
        assert_eq!(kid[0]["state_name"], "Completed");
        assert!(tasks.iter().any(|task| task["id"] == kid[0]["parent_task_run_id"]));
        assert_eq!(server.task_runs(&kid[0], 1)[0]["state_name"], "Completed");
        assert_lines_once(&server, &kid[0]);
    }
    let overruled = server.get(&format!("/flow_runs/{}", overruled["id"].as_str().expect("an id")));
    assert_eq!((&overruled["state_name"], &overruled["state"]["message"]), (&json!("Crashed"), &json!("by hand")));
    // Its task has come to its end all the same.
    assert_eq!(server.task_runs(&overruled, 1)[0]["state_name"], "Completed");
    // One and two subflows, one, and two with two tasks.
    assert_eq!(server.post("/flow_runs/count", &json!({})), 6);
    assert_eq!(server.post("/task_runs/count", &json!({})), 3 + 2 + 1 + 2 * 2);
    server.assert_log_clean(BUSY);

    let quiet = program(&server, &["sequential", "1"]).run().succeeded();
    assert!(!quiet.stderr.contains(DELIVERED), "{}", quiet.stderr);
}

#[test]
fn an_interrupted_program_keeps_its_crash_and_a_place_that_cannot_be_written_is_named() {
    let Some(server) = LiveServer::start() else { return };
    let interrupted = program(&server, &["resting", "60"]).start();
    // Nobody has chosen a place, and the usual one cannot be made.
    let homeless =
        program(&server, &["with-subflows", "8"]).env("FLOWKIT_SPOOL", "").env("XDG_CACHE_HOME", "/dev/null");
    let homeless = homeless.env("FLOWKIT_FLUSH_TIMEOUT", "1").start();
    // Begins a subflow that the server has never heard of, for which log lines and events wait.
    let mut deep = program(&server, &["late-subflow", "8", "60"]).start();
    let run = server.flow_run("resting", "RUNNING");
    server.flow_run("with-subflows", "RUNNING");
    server.flow_run("late-subflow", "RUNNING");
    server.kill();
    deep.until("Beginning subflow run");
    deep.signal("TERM");
    let told = Instant::now();
    let deep = deep.wait();
    assert!(told.elapsed() < Duration::from_secs(20), "{:?}: {}", told.elapsed(), deep.stderr);
    assert_eq!(deep.signal, Some(15), "{}", deep.stderr);
    assert!(last_words(&deep).starts_with(KEPT), "{}", deep.stderr);
    let homeless = homeless.wait().succeeded();
    let words = last_words(&homeless);
    assert!(words.starts_with("flowkit: not delivered to the server: "), "{words}");
    assert!(words.contains("could not be kept in /dev/null/flowkit/spool/127.0.0.1-"), "{words}");
    interrupted.signal("INT");
    let interrupted = interrupted.wait();
    assert_eq!(interrupted.signal, Some(2), "{}", interrupted.stderr);
    assert!(last_words(&interrupted).starts_with(KEPT), "{}", interrupted.stderr);
    server.restart();
    let said = patient(&server).run().succeeded().stderr;
    assert!(said.contains(DELIVERED), "{said}");
    let crashed = server.get(&format!("/flow_runs/{}", run["id"].as_str().expect("an id")));
    assert_eq!(crashed["state"]["message"], "Execution was aborted by an interrupt signal.", "{crashed:#}");
    assert_eq!(server.task_runs(&crashed, 1)[0]["state_name"], "Crashed");
    let parent = server.flow_run("late-subflow", "CRASHED");
    let subflows =
        server.post("/flow_runs/filter", &json!({"flow_runs": {"parent_flow_run_id": {"any_": [parent["id"]]}}}));
    assert_eq!(subflows.as_array().map(Vec::len), Some(1), "{subflows:#}");
    assert_eq!(subflows[0]["state"]["message"], "Execution was aborted by a termination signal.", "{subflows:#}");
    assert_eq!(server.task_runs(&subflows[0], 1)[0]["state_name"], "Crashed");
    let lines = server.logs(&subflows[0], 3);
    assert!(
        lines.iter().any(|line| line["message"].as_str().is_some_and(|it| it.starts_with("Beginning"))),
        "{lines:#?}"
    );
}

#[test]
fn a_chosen_place_that_cannot_be_written_is_an_error_at_the_start() {
    let program = Program::example("live_program").server("http://127.0.0.1:9/api").env("FLOWKIT_SPOOL", "/dev/null/x");
    let finished = program.args(&["sequential", "1"]).run();
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("the setting FLOWKIT_SPOOL is `/dev/null/x`, where nothing can be kept"),
        "{}",
        finished.stderr
    );
}

#[test]
fn without_a_server_and_without_an_outage_there_is_no_spool() {
    let home = std::env::temp_dir().join(format!("flowkit-no-spool-{}", std::process::id()));
    std::fs::create_dir(&home).expect("it is new");
    let path = home.to_str().expect("the folder of temporary files has a plain name");
    let program = || {
        let program = Program::example("live_program").args(&["sequential", "1"]);
        program.env("FLOWKIT_SPOOL", "").env("XDG_CACHE_HOME", "").env("HOME", path)
    };
    program().run().succeeded();
    if let Some(server) = flowkit_tests::live::server() {
        program().server(&server.api_url()).run().succeeded();
    }
    // It fails if there is anything in it.
    std::fs::remove_dir(&home).expect("the folder is empty");
}
