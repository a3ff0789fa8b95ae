//! Runs in a file: what is written is what happened, one process writes, and nothing else is touched.

use std::path::Path;

use flowkit::prelude::*;
use flowkit::{FlowRunFilter, Records, Runtime, State, StateType};
use rusqlite::Connection;

#[task(retries = 1)]
async fn flaky(n: u32) -> anyhow::Result<u32> {
    tracing::info!("at {n}");
    anyhow::ensure!(flowkit::runtime::task_run().map(|run| run.run_count()) == Some(2) || n != 2, "not yet");
    Ok(n * 2)
}

#[task(name = "adds", tags = ["sum"])]
async fn add(numbers: Vec<u32>) -> u32 {
    numbers.iter().sum()
}

#[flow]
async fn total(upto: u32) -> anyhow::Result<u32> {
    let numbers = flowkit::map(1..=upto, flaky).await?;
    Ok(add(numbers).name("sum of {numbers}").await?)
}

#[flow]
async fn outer() -> anyhow::Result<u32> {
    anyhow::bail!("{} is too much", total(2).await?)
}

fn runtime(path: &Path) -> Runtime {
    Runtime::builder().embedded(path).build().expect("the file can be written")
}

fn names(states: &[State]) -> Vec<&str> {
    states.iter().map(State::name).collect()
}

#[tokio::test(start_paused = true)]
async fn what_happened_can_be_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let runtime = runtime(&path);
    runtime.run(async { outer().await }).await.expect_err("it is too much");
    assert!(runtime.flush(std::time::Duration::from_secs(20)).await.is_empty());

    let records = Records::open(&path).expect("a reader");
    let runs = records.flow_runs(&FlowRunFilter::new()).expect("runs");
    let [inner, outer] = &runs[..] else { panic!("{runs:#?}") };
    assert_eq!((outer.flow_name.as_str(), outer.state.state_type()), ("outer", StateType::Failed));
    assert_eq!(outer.state.message(), Some("Flow run encountered an exception: 6 is too much"));
    assert_eq!((inner.parameters.to_string().as_str(), inner.run_count), (r#"{"upto":2}"#, 1));
    assert_eq!(inner.parent_flow_run_id, Some(outer.id));
    let states = records.flow_run_states(inner.id).expect("states");
    assert_eq!(names(&states), ["Pending", "Running", "Completed"]);

    let tasks = records.task_runs(Some(inner.id)).expect("task runs");
    let mut seen: Vec<_> =
        tasks.iter().map(|run| (run.task_name.as_str(), names(&run.states), run.effort.run_count)).collect();
    seen.sort();
    let usual = || vec!["Pending", "Running", "Completed"];
    let retried = vec!["Pending", "Running", "Retrying", "Completed"];
    assert_eq!(seen, [("adds", usual(), 1), ("flaky", usual(), 1), ("flaky", retried, 2)]);
    let sum = tasks.iter().find(|run| run.task_name == "adds").expect("it ran");
    assert_eq!((sum.name.as_str(), sum.tags.as_slice()), ("sum of [2, 4]", ["sum".to_owned()].as_slice()));
    let twice = tasks.iter().find(|run| run.effort.run_count == 2).expect("it ran");
    let kept = runtime.history().expect("in memory too").task_runs();
    let of_memory = |id| kept.iter().find(|run| run.id() == id).map(|run| (run.name(), run.states(), run.effort()));
    for run in &tasks {
        assert_eq!(of_memory(run.id), Some((run.name.clone(), run.states.clone(), run.effort)), "{run:#?}");
    }
    let stand_in = records.task_runs(Some(outer.id)).expect("task runs");
    assert_eq!(stand_in[0].states, of_memory(stand_in[0].id).expect("in memory too").1);
    assert_eq!(Some(stand_in[0].id), inner.parent_task_run_id);

    let logs = records.logs(Some(inner.id)).expect("logs");
    let of_bodies = logs.iter().filter(|line| line.message == "at 2" && line.task_run_id == Some(twice.id));
    assert_eq!(of_bodies.count(), 2, "{logs:#?}");
    assert!(logs.last().is_some_and(|line| line.message.starts_with("Finished in state Completed")), "{logs:#?}");
    let failed = records.flow_runs(&FlowRunFilter::new().state(StateType::Failed).flow("outer")).expect("runs");
    assert_eq!(failed.len(), 1);
}

#[tokio::test]
async fn a_second_writer_is_told_who_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let first = runtime(&path);
    let error = Runtime::builder().embedded(&path).build().expect_err("somebody writes").to_string();
    assert!(error.contains(&format!("is being written by process {}", std::process::id())), "{error}");
    drop(first);
    runtime(&path);
}

#[tokio::test]
async fn a_file_of_somebody_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |path: &Path| Runtime::builder().embedded(path).build().expect_err("it is not ours").to_string();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a database, but long enough to be looked at as if it were one. ".repeat(20))
        .expect("a file");
    assert!(refused(&text).contains("it is not an SQLite database"), "{}", refused(&text));
    let other = folder.path().join("other.db");
    Connection::open(&other).and_then(|other| other.execute_batch("CREATE TABLE theirs(x)")).expect("a database");
    assert!(refused(&other).contains("the SQLite database of another program"), "{}", refused(&other));
    let newer = folder.path().join("newer.db");
    drop(runtime(&newer));
    Connection::open(&newer).and_then(|newer| newer.pragma_update(None, "user_version", 99)).expect("a database");
    assert!(refused(&newer).contains("a newer version of flowkit has written it (format 99"), "{}", refused(&newer));
    let missing = folder.path().join("no/such/folder/runs.db");
    assert!(refused(&missing).contains("there is no folder"), "{}", refused(&missing));
    assert!(refused(folder.path()).contains("it is a folder, and must be a file"), "{}", refused(folder.path()));
    assert!(refused(Path::new("/dev/null")).contains("it is not a regular file"));
    let beside: Vec<_> =
        std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert!(!beside.contains(&"notes.txt-lock".into()) && !beside.contains(&"other.db-lock".into()), "{beside:?}");
    let nothing = Records::open(folder.path().join("nothing.db")).expect_err("there is none").to_string();
    assert!(nothing.contains("nothing.db") && nothing.contains("there is no such file"), "{nothing}");
}

#[tokio::test]
async fn after_a_clean_end_the_file_by_itself_is_all_there_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let first = runtime(&path);
    first.run(async { total(1).await }).await.expect("it works");
    drop(first);
    let copy = folder.path().join("copy.db");
    std::fs::copy(&path, &copy).expect("a copy");
    let runs = Records::open(&copy).and_then(|records| records.flow_runs(&FlowRunFilter::new())).expect("runs");
    assert_eq!(runs.len(), 1);
}
