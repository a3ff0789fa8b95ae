//! Processes that are killed: with `fast` too, everything that they have seen is in the file afterwards.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flowkit::{FlowRunFilter, Records, Runtime, StateType};
use flowkit_tests::program::{Finished, Program};
use rusqlite::Connection;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn db(&self) -> PathBuf {
        self.at("runs.db")
    }

    fn program(&self, arguments: &[&str]) -> Program {
        let db = self.db();
        let program = Program::example("crash").env("FLOWKIT_DB", db.to_str().expect("a path"));
        program.env("FLOWKIT_DURABILITY", "fast").args(arguments)
    }

    fn out(&self) -> String {
        self.at("out.txt").to_str().expect("a path").to_owned()
    }

    /// What programs have seen.
    fn lines(&self) -> Vec<String> {
        std::fs::read_to_string(self.out()).unwrap_or_default().lines().map(ToOwned::to_owned).collect()
    }

    /// The names of all files that lie beside the database until everything is in it.
    fn beside(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.0.path()).expect("a folder");
        let names = files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.contains("-tail")).collect()
    }

    /// Has a process end in the middle of a run.
    fn dies(&self, steps: &str) {
        let died = self.program(&["short", steps]).env("PROGRAM", "dies").run();
        assert_eq!(died.signal, Some(6), "{}", died.stderr);
        assert!(!self.beside().is_empty());
    }

    /// Has a process run to its end.
    fn lives(&self) -> Finished {
        let lived = self.program(&["short", "5"]).run().succeeded();
        assert_eq!(lived.stdout.trim(), "5", "{}", lived.stderr);
        lived
    }

    fn records(&self) -> Records {
        let file = Connection::open(self.db()).expect("a database");
        let found: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
        assert_eq!(found, "ok");
        Records::open(self.db()).expect("a database")
    }

    /// How all task runs of flows have ended, by their names.
    fn task_runs(&self) -> HashMap<String, Vec<StateType>> {
        let records = self.records();
        let mut ended: HashMap<String, Vec<StateType>> = HashMap::new();
        for flow_run in records.flow_runs(&FlowRunFilter::new().limit(u32::MAX)).expect("flow runs") {
            for run in records.task_runs(Some(flow_run.id)).expect("task runs") {
                ended.entry(run.name.clone()).or_default().extend(run.state().map(|state| state.state_type()));
            }
        }
        ended
    }
}

/// How often something that is killed at random is killed.
fn rounds(short: u32) -> u32 {
    if std::env::var("FLOWKIT_FULL").is_ok() { 120 } else { short }
}

fn kill_soon(place: &Place, arguments: &[&str], patience: f64) -> Finished {
    let mut program = place.program(arguments).start();
    program.until("Beginning flow run");
    std::thread::park_timeout(Duration::from_secs_f64(fastrand::f64() * patience));
    program.signal("KILL");
    program.wait()
}

#[test]
fn all_that_a_killed_process_has_seen_is_in_the_file_with_its_end() {
    for round in 0..rounds(10) {
        let place = Place::new();
        let killed = kill_soon(&place, &["endless", &place.out()], 0.04);
        assert_eq!(killed.signal, Some(9), "{}", killed.stderr);
        drop(Runtime::builder().embedded(place.db()).build().expect("the file is whole"));
        assert_eq!(place.beside(), [""; 0], "all of it is in the file");

        let (lines, ended) = (place.lines(), place.task_runs());
        for line in &lines {
            let expected = if line.starts_with("fails") { StateType::Failed } else { StateType::Completed };
            assert_eq!(ended.get(line).map(Vec::as_slice), Some(&[expected][..]), "round {round}: {line}");
        }
        assert!(ended.values().flatten().all(|state| state.is_final()), "round {round}: {ended:?}");
        assert!(ended.values().all(|states| states.len() == 1), "round {round}: {ended:?}");

        let records = place.records();
        let flow_runs = records.flow_runs(&FlowRunFilter::new().limit(u32::MAX)).expect("flow runs");
        let subflows = lines.iter().filter(|line| line.starts_with("inner")).count();
        let ended = |flow: &str, state| {
            flow_runs.iter().filter(|run| run.flow_name == flow && run.state.state_type() == state).count()
        };
        assert_eq!(ended("endless", StateType::Crashed), 1, "round {round}: {flow_runs:#?}");
        assert!(ended("part", StateType::Completed) >= subflows, "round {round}: {flow_runs:#?}");
        assert!(flow_runs.len() <= subflows + 2, "round {round}: {flow_runs:#?}");

        let top = flow_runs.last().expect("it has begun");
        let mut said: HashMap<String, u32> = HashMap::new();
        for line in records.logs(Some(top.id)).expect("log lines") {
            *said.entry(line.message).or_default() += 1;
        }
        let steps = lines.iter().filter_map(|line| line.strip_prefix("step-")?.parse::<u32>().ok());
        for step in steps.filter(|step| step.is_multiple_of(10)) {
            // Once by the step itself; the first ones are said by the items of maps too.
            let count = said.get(&format!("at {step}")).copied().unwrap_or(0);
            assert!(count == 1 || step == 0 && count >= 1, "round {round}: {step} was said {count} times");
        }
    }
}

#[test]
fn a_resumable_run_that_does_not_wait_for_the_disk_runs_nothing_again_that_has_finished() {
    let place = Place::new();
    let steps = if rounds(0) > 0 { "40000" } else { "3000" };
    let (out, mut kills) = (place.out(), 0);
    let count = |lines: &[String], line: String| lines.iter().filter(|known| **known == line).count();
    while kills < rounds(10) {
        let ended = kill_soon(&place, &["steady", &out, steps], 0.03);
        if ended.code.is_some() {
            break;
        }
        kills += 1;
    }
    let ended = place.program(&["steady", &out, steps]).run().succeeded();
    assert_eq!(ended.stdout.trim(), steps, "{}", ended.stderr);
    let lines = place.lines();
    let ran: HashSet<&str> = lines.iter().filter_map(|line| line.strip_prefix("ran-")).collect();
    assert_eq!(ran.len().to_string(), steps);
    assert!(kills > 0, "it was done before it could be killed");
    // What was seen had finished: whatever comes later, it is not done again.
    let mut seen = HashSet::new();
    for line in &lines {
        match line.strip_prefix("ran-") {
            Some(n) => assert!(!seen.contains(n), "{n} had finished, and ran again, after one of {kills} kills"),
            None => drop(seen.insert(line.trim_start_matches("saw-"))),
        }
    }
    assert_eq!(count(&lines, "ran-0".to_owned()), 1);
}

#[test]
fn a_record_that_is_torn_ends_what_is_taken_over_and_no_more() {
    for cut in [1, 7, 16, 200] {
        let place = Place::new();
        place.dies("40");
        // What the process was writing is at the end of the file whose first record is the newer one.
        let begins = |name: &String| {
            let bytes = std::fs::read(place.at(name)).expect("a file");
            bytes.get(36..44).map(|number| u64::from_le_bytes(number.try_into().expect("eight bytes")))
        };
        let name = place.beside().into_iter().max_by_key(begins).expect("a file");
        let file = std::fs::OpenOptions::new().write(true).open(place.at(&name)).expect("a file");
        let length = file.metadata().expect("a file").len();
        file.set_len(length.saturating_sub(cut)).expect("it can be made shorter");
        let lived = place.lives();
        assert!(!lived.stderr.contains("not taken over") && !lived.stderr.contains("damaged"), "{}", lived.stderr);
        let ended = place.task_runs();
        for n in 5..36 {
            assert_eq!(ended[&format!("step-{n}")], [StateType::Completed], "without {cut} bytes: {n}");
        }
        assert_eq!(place.beside(), [""; 0]);
    }
}

#[test]
fn a_process_that_moves_to_another_folder_leaves_its_reports_beside_the_database() {
    let (place, elsewhere) = (Place::new(), tempfile::tempdir().expect("a folder"));
    let folder = elsewhere.path().to_str().expect("a path");
    let program = place.program(&["short", "4000"]).env("FLOWKIT_DB", "runs.db").folder(place.0.path());
    let died = program.env("PROGRAM", "dies").env("ELSEWHERE", folder).run();
    assert_eq!(died.signal, Some(6), "{}", died.stderr);
    assert_eq!(std::fs::read_dir(elsewhere.path()).expect("a folder").count(), 0, "nothing goes elsewhere");
    place.lives();
    let ended = place.task_runs();
    for n in 5..4000 {
        assert_eq!(ended[&format!("step-{n}")], [StateType::Completed], "{n}");
    }
}

#[test]
fn a_link_to_a_database_that_is_written_is_the_same_database() {
    for (first, second) in [("link.db", "runs.db"), ("runs.db", "link.db")] {
        let place = Place::new();
        std::os::unix::fs::symlink("runs.db", place.at("link.db")).expect("a link");
        let build = |name: &str| Runtime::builder().embedded(place.at(name)).build();
        let writes = build(first).expect("nobody else writes");
        let refused = build(second).expect_err("somebody writes").to_string();
        assert!(refused.contains("runs.db` is being written by process"), "{refused}");
        drop(writes);
        assert!(!place.at("link.db-lock").exists() && place.at("runs.db-lock").exists());
    }
}

#[test]
fn what_belongs_to_a_database_that_is_gone_is_set_aside() {
    let place = Place::new();
    place.dies("40");
    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(place.at(&format!("runs.db{suffix}"))).expect("it is there");
    }
    let lived = place.lives();
    assert!(lived.stderr.contains("are not taken over: it belongs to another database"), "{}", lived.stderr);
    assert!(!place.beside().is_empty() && place.beside().iter().all(|name| name.contains(".aside-")));
    assert_eq!(place.records().flow_runs(&FlowRunFilter::new()).expect("runs").len(), 1);
}

#[test]
fn what_another_version_has_left_is_set_aside() {
    let place = Place::new();
    place.dies("40");
    let change = |file: &Path| {
        let mut bytes = std::fs::read(file).expect("a file");
        bytes[8] = 99;
        std::fs::write(file, bytes).expect("a file");
    };
    place.beside().iter().for_each(|name| change(&place.at(name)));
    let lived = place.lives();
    let told = "another version of flowkit has written it (format 99, this one knows 2)";
    assert!(lived.stderr.contains(told), "{}", lived.stderr);
    assert!(!place.beside().is_empty() && place.beside().iter().all(|name| name.contains(".aside-")));
    // The other run is there if the process had come to write it.
    let runs = place.records().flow_runs(&FlowRunFilter::new()).expect("runs");
    assert_eq!(runs[0].state.state_type(), StateType::Completed, "{runs:#?}");
}

#[test]
fn what_cannot_be_written_beside_the_database_is_told_once_and_harms_nothing() {
    let place = Place::new();
    for suffix in ["-tail0", "-tail1"] {
        std::os::unix::fs::symlink(place.at("no/such/folder"), place.at(&format!("runs.db{suffix}"))).expect("a link");
    }
    let lived = place.program(&["short", "3000"]).run().succeeded();
    assert_eq!(lived.stdout.trim(), "3000");
    assert_eq!(lived.stderr.matches("runs.db-tail0` cannot be written").count(), 1, "{}", lived.stderr);
    assert_eq!(lived.stderr.matches("cannot be written").count(), 1, "{}", lived.stderr);
    assert_eq!(place.task_runs().len(), 3000);
}

#[test]
fn nothing_is_left_beside_the_database_after_a_clean_end() {
    let place = Place::new();
    place.lives();
    assert_eq!(place.beside(), [""; 0]);
}
