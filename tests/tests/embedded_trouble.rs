//! A disk that gives trouble: it is said clearly, no run's work is harmed, and no file.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use flowkit::{FlowRunFilter, Records, Runtime, StateType};
use flowkit_tests::program::{Program, Running};
use rusqlite::Connection;

fn disk(db: &Path, tasks: &str) -> Program {
    Program::example("disk").env("FLOWKIT_DB", db.to_str().expect("a path")).args(&[tasks])
}

fn is_whole(db: &Path) {
    let file = Connection::open(db).expect("a database");
    let found: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(found, "ok");
}

#[test]
fn a_full_disk_costs_no_run_its_work_and_it_is_said_what_was_not_stored() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("runs.db");
    let begun = std::time::Instant::now();
    let ended = disk(&db, "2000").files_up_to(512).run().succeeded();
    assert_eq!(ended.stdout, "at once: 1000\none by one: 1000\n", "{}", ended.stderr);
    // A run that waits for each of its records does not wait for a full disk each time.
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "it took {:?}", begun.elapsed());
    let said = |text: &str| ended.stderr.matches(text).count();
    // More than once if something small has found room meanwhile.
    assert!(said("Runs cannot be written to the database") >= 1, "{}", ended.stderr);
    let told = format!("flowkit: not written to the database `{}`: ", db.display());
    assert_eq!(said(&told), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains(" task-run state(s), "), "{}", ended.stderr);

    // With room again, the file is whole, and what was left in it has ended.
    let again = disk(&db, "10").run().succeeded();
    assert!(!again.stderr.contains("damaged") && !again.stderr.contains("not written"), "{}", again.stderr);
    is_whole(&db);
    let runs = Records::open(&db).expect("a database").flow_runs(&FlowRunFilter::new()).expect("runs");
    let newest: Vec<_> = runs.iter().take(2).map(|run| run.state.state_type()).collect();
    assert_eq!(newest, [StateType::Completed; 2], "{runs:#?}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named_before_anything_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o555)).expect("it is ours");
    let db = folder.path().join("runs.db");
    let ended = disk(&db, "10").as_nobody().run();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    let told = format!("the database `{}` cannot be opened for writing", db.display());
    assert!(ended.stderr.contains(&told) && ended.stderr.contains("Permission denied"), "{}", ended.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).expect("it can be read").count(), 0);
}

#[test]
fn a_file_that_cannot_be_written_is_named_before_anything_runs_and_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("runs.db");
    disk(&db, "10").run().succeeded();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("it is ours");
    std::fs::set_permissions(&db, Permissions::from_mode(0o444)).expect("it is ours");
    std::fs::set_permissions(folder.path().join("runs.db-lock"), Permissions::from_mode(0o666)).expect("it is ours");
    let before = std::fs::read(&db).expect("it can be read");
    let ended = disk(&db, "10").as_nobody().run();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("the database `{}` cannot be ", db.display())), "{}", ended.stderr);
    assert!(ended.stderr.contains("readonly") || ended.stderr.contains("read-only"), "{}", ended.stderr);
    assert!(std::fs::read(&db).expect("it can be read") == before, "nobody has touched it");
}

#[test]
fn a_damaged_file_is_set_aside_as_it_is_and_a_new_one_begun() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("runs.db");
    disk(&db, "500").run().succeeded();
    // As after a process that was killed.
    Connection::open(&db).and_then(|file| file.execute("UPDATE owner SET closed = 0", [])).expect("a database");
    let mut bytes = std::fs::read(&db).expect("it can be read");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_096].iter_mut().for_each(|byte| *byte ^= 0x5A);
    std::fs::write(&db, &bytes).expect("it can be written");

    let ended = disk(&db, "10").run().succeeded();
    assert!(ended.stderr.contains(&format!("The database `{}` is damaged", db.display())), "{}", ended.stderr);
    let names = std::fs::read_dir(folder.path()).expect("a folder").map(|file| file.expect("a file").file_name());
    let aside: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("runs.db.damaged-")).collect();
    let [aside] = &aside[..] else { panic!("{aside:?}") };
    assert!(ended.stderr.contains(&*aside.to_string_lossy()), "{}", ended.stderr);
    assert!(std::fs::read(folder.path().join(aside)).expect("it can be read") == bytes, "it is what it was");
    is_whole(&db);
    let runs = Records::open(&db).expect("a database").flow_runs(&FlowRunFilter::new()).expect("runs");
    assert_eq!(runs.len(), 2);
    assert!(Runtime::builder().embedded(&db).build().is_ok());
}

/// Runs a program that goes on until somebody ends it.
fn endless(db: &Path) -> Running {
    let out = db.with_extension("txt");
    let program = Program::example("crash").env("FLOWKIT_DB", db.to_str().expect("a path"));
    program.args(&["endless", out.to_str().expect("a path")]).start()
}

#[test]
fn a_great_file_is_looked_through_while_runs_go_on_and_set_aside_at_the_next_start_if_it_is_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("runs.db");
    disk(&db, "10").run().succeeded();
    // As after a process that was killed, with much in it.
    let much = "CREATE TABLE much(it); INSERT INTO much VALUES(zeroblob(9 << 20)); UPDATE owner SET closed = 0";
    Connection::open(&db).and_then(|file| file.execute_batch(much)).expect("a database");
    let mut bytes = std::fs::read(&db).expect("it can be read");
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 4_096].iter_mut().for_each(|byte| *byte ^= 0x5A);
    std::fs::write(&db, &bytes).expect("it can be written");

    let mut program = endless(&db);
    program.until(&format!("The database `{}` is damaged", db.display()));
    program.signal("TERM");
    let ended = program.wait();
    assert!(!ended.stderr.contains("It was moved to"), "{}", ended.stderr);
    let lines = std::fs::read_to_string(db.with_extension("txt")).expect("it ran meanwhile");
    assert!(lines.starts_with("step-0\n"), "{lines}");

    let again = disk(&db, "10").run().succeeded();
    assert!(again.stderr.contains("is damaged") && again.stderr.contains("It was moved to"), "{}", again.stderr);
    is_whole(&db);
}

#[test]
fn a_great_file_that_is_whole_is_closed_as_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("runs.db");
    disk(&db, "10").run().succeeded();
    let much = "CREATE TABLE much(it); INSERT INTO much VALUES(zeroblob(9 << 20)); UPDATE owner SET closed = 0";
    Connection::open(&db).and_then(|file| file.execute_batch(much)).expect("a database");
    let closed = || -> i64 {
        let file = Connection::open(&db).expect("a database");
        file.query_row("SELECT closed FROM owner", [], |row| row.get(0)).expect("a number")
    };
    // Until one process has lived for long enough.
    let ended = (0..100).find(|round| {
        disk(&db, &(10 << round.min(&8)).to_string()).run().succeeded();
        closed() == 1
    });
    assert!(ended.is_some(), "nobody has looked it through");
}

#[test]
fn a_file_that_is_removed_while_it_is_written_is_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("runs.db");
    let mut program = endless(&db);
    program.until("Beginning flow run");
    std::fs::remove_file(&db).expect("it is there");
    program.until(&format!("The database `{}` was removed or replaced while it is written", db.display()));
}
