//! Flow runs that go on after their process was killed: nothing that has finished is done again, nothing is left out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flowkit::{FlowRunFilter, FlowRunRecord, Records};
use flowkit_tests::program::{Finished, Program};
use rusqlite::{Connection, OpenFlags};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn db(&self) -> PathBuf {
        self.folder.path().join("runs.db")
    }

    fn program(&self, arguments: &[&str]) -> Program {
        let db = self.db();
        Program::example("resumable").env("FLOWKIT_DB", db.to_str().expect("a path")).args(arguments)
    }

    fn out(&self) -> String {
        self.folder.path().join("out.txt").to_str().expect("a path").to_owned()
    }

    /// How often there is each line.
    fn lines(&self) -> HashMap<String, u32> {
        let mut counts = HashMap::new();
        for line in std::fs::read_to_string(self.out()).unwrap_or_default().lines() {
            *counts.entry(line.to_owned()).or_default() += 1;
        }
        counts
    }

    fn file(&self) -> Connection {
        Connection::open_with_flags(self.db(), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a database")
    }

    fn run(&self) -> FlowRunRecord {
        let runs = Records::open(self.db()).expect("a database").flow_runs(&FlowRunFilter::new()).expect("runs");
        runs.into_iter().find(|run| run.parent_flow_run_id.is_none()).expect("a run")
    }

    fn changing(&self, program: &str) -> Finished {
        self.program(&["changing", &self.out()]).env("PROGRAM", program).run()
    }
}

/// What tasks have finished according to the file, and whether that is whole.
fn finished(file: &Connection) -> Vec<String> {
    let whole: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(whole, "ok");
    let mut known =
        file.prepare("SELECT value FROM journal WHERE value IS NOT NULL AND subflow IS NULL").expect("a query");
    let rows = known.query_map([], |row| row.get::<_, String>(0)).expect("rows");
    rows.map(|value| value.expect("a value").trim_matches('"').to_owned()).collect()
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path").to_owned()
}

/// Kills a program again and again, and lets it go on, until it is done.
fn survive(kills: u32, steps: u32, durability: &str) {
    let place = Place::new();
    let (out, count) = (place.out(), steps.to_string());
    let start = || place.program(&["lines", &out, &count]).env("FLOWKIT_DURABILITY", durability).start();
    let mut done: Vec<(String, u32)> = Vec::new();
    let (mut killed, mut patience) = (0, 12.0);
    let told = loop {
        let mut program = start();
        let random = Duration::from_secs_f64(fastrand::f64() * patience / 1000.0);
        // Long enough to have begun, and then at any moment.
        program.until("Beginning flow run");
        std::thread::park_timeout(random);
        if killed < kills {
            program.signal("KILL");
        }
        let ended = program.wait();
        if ended.code.is_some() {
            break ended;
        }
        killed += 1;
        // A run that does not get on by itself is to end some day.
        patience *= 1.02;
        let lines = place.lines();
        for (line, before) in &done {
            assert_eq!(lines.get(line), Some(before), "{line} had finished, and ran again after kill {killed}");
        }
        if place.db().exists() {
            done = finished(&place.file()).into_iter().map(|line| (line.clone(), lines[&line])).collect();
        }
    };
    assert_eq!((told.code, told.stdout.trim()), (Some(0), count.as_str()), "{}", told.stderr);
    let lines = place.lines();
    assert_eq!(lines.len(), steps as usize, "after {killed} kills every line is there");
    let run = place.run();
    assert_eq!(run.state.name(), "Completed");
    assert!(run.run_count <= killed + 1, "it began again after kills that came once it was on disk: {}", run.run_count);
    assert!(killed > 0, "it was done before it could be killed");
    println!("killed {killed} times, {} lines written twice", lines.values().filter(|count| **count > 1).count());
}

#[test]
fn a_flow_run_that_is_killed_again_and_again_is_done_in_the_end() {
    let full = std::env::var("FLOWKIT_FULL").is_ok();
    let (kills, steps) = if full { (200, 500) } else { (12, 150) };
    survive(kills, steps, "commit");
}

#[test]
fn without_waiting_for_the_disk_nothing_is_left_out_either() {
    survive(4, 900, "fast");
}

#[test]
fn a_program_that_asks_for_something_else_is_refused_and_the_run_stays_as_it_was() {
    let place = Place::new();
    assert_eq!(place.changing("dies").signal, Some(6));
    let refused = place.changing("changed");
    assert_eq!(refused.code, Some(1));
    let told = "the program has changed: at call 2 it asks for `other`, but before it was stopped it had asked for call 2: `leave`, \
                call 3: `leave`.";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    assert_eq!(place.run().state.name(), "Interrupted");
    let lines = place.lines();
    assert_eq!((lines.len(), lines.get("other-second")), (3, None), "nothing new was done: {lines:?}");
    let resumed = place.changing("as it was");
    assert_eq!(resumed.stdout.trim(), "first second third fourth", "{}", resumed.stderr);
    assert!(resumed.stderr.contains("3 of its calls have finished"), "{}", resumed.stderr);
    assert!(resumed.stderr.contains("Of the tasks and subflows, replayed 3, ran 1"), "{}", resumed.stderr);
    assert!(place.lines().values().all(|count| *count == 1), "{:?}", place.lines());
    assert_eq!(place.run().state.name(), "Completed");
}

#[test]
fn an_interrupted_run_is_resumed_by_its_id() {
    let place = Place::new();
    place.changing("dies");
    let run = place.run().id.to_string();
    let resumed = place.program(&["resume", &run]).run();
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert_eq!(place.run().state.name(), "Completed");
    assert_eq!(place.lines().len(), 4);
    let again = place.program(&["resume", &run]).run();
    assert!(again.stderr.contains("cannot be resumed: it is in state Completed"), "{}", again.stderr);
    let unknown = place.program(&["resume", "00000000-0000-4000-8000-000000000000"]).run();
    assert!(unknown.stderr.contains("there is no flow run with the id"), "{}", unknown.stderr);
}

#[test]
fn all_interrupted_runs_are_resumed_together() {
    let place = Place::new();
    let outs: Vec<String> = ["a", "b"].iter().map(|name| text(&place.folder.path().join(name))).collect();
    for out in &outs {
        place.program(&["changing", out]).env("PROGRAM", "dies").run();
    }
    let resumed = place.program(&["resume-all"]).run().succeeded();
    assert_eq!(resumed.stdout.lines().filter(|line| line.ends_with("Ok(())")).count(), 2, "{}", resumed.stdout);
    for out in &outs {
        assert_eq!(std::fs::read_to_string(out).expect("lines").lines().count(), 4);
    }
}

#[test]
fn other_parameters_are_another_run() {
    let place = Place::new();
    place.changing("dies");
    let elsewhere = text(&place.folder.path().join("elsewhere.txt"));
    let other = place.program(&["changing", &elsewhere]).run().succeeded();
    assert_eq!(other.stdout.trim(), "first second third fourth");
    assert_eq!(
        std::fs::read_to_string(&elsewhere).expect("lines").lines().count(),
        4,
        "nothing was taken from the other"
    );
}

#[test]
fn a_call_with_a_key_is_known_whatever_its_arguments_are() {
    let place = Place::new();
    assert_eq!(place.program(&["keyed", &place.out()]).env("PROGRAM", "dies").run().signal, Some(6));
    let resumed = place.program(&["keyed", &place.out()]).run().succeeded();
    let lines = std::fs::read_to_string(place.out()).expect("lines");
    assert_eq!((lines.lines().count(), lines.lines().next()), (2, Some(resumed.stdout.trim())));
}
