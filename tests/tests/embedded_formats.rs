//! Files that older versions have written: they become what is written today, with all that is in them.

use std::path::Path;

use flowkit::prelude::*;
use flowkit::{FlowRunFilter, Records, Runtime, run_deployment};
use rusqlite::Connection;

#[flow]
async fn work(#[param(default = 0)] seconds: u64) {
    tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
}

fn version(path: &Path) -> i32 {
    let file = Connection::open(path).expect("a database");
    file.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version")
}

#[flowkit::test]
async fn a_file_of_format_2_is_read_and_written_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let old = Connection::open(&path).expect("a database");
    old.execute_batch(include_str!("formats/2.sql")).expect("as it was written");
    drop(old);
    assert_eq!(version(&path), 2);

    let runtime = Runtime::builder().embedded(&path).build().expect("it is migrated");
    assert!(version(&path) > 2);
    runtime
        .run(async {
            work.deployment("d").await?;
            run_deployment("work/d").name("new").timeout(0_u64).await
        })
        .await
        .expect("it waits");
    drop(runtime);

    let records = Records::open(&path).expect("a reader");
    let runs = records.flow_runs(&FlowRunFilter::new()).expect("runs");
    let told: Vec<_> = runs.iter().map(|run| (run.name.as_str(), run.state.name())).collect();
    assert_eq!(told, [("new", "Scheduled"), ("olive-chinchilla", "Crashed"), ("wise-ferret", "Completed")]);
    let ended = &runs[2];
    assert_eq!((ended.tags.len(), ended.parameters.to_string().as_str()), (1, r#"{"seconds":0}"#));
    assert_eq!(records.task_runs(Some(ended.id)).expect("task runs").len(), 1);
    assert_eq!(records.logs(Some(ended.id)).expect("logs")[0].message, "working");
    let whole: String = Connection::open(&path)
        .and_then(|file| file.query_row("PRAGMA integrity_check", [], |row| row.get(0)))
        .expect("a check");
    assert_eq!(whole, "ok");
}
