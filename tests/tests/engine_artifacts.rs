//! Artifacts without a server.

#[path = "things/artifacts.rs"]
mod artifacts;

use flowkit::artifact::{self, ArtifactKind};
use flowkit::prelude::*;
use flowkit::{FlowRunFilter, FlowRunId, Records, Runtime};
use futures::FutureExt;
use serde_json::json;

#[flow]
async fn shows(what: String) -> flowkit::Result<FlowRunId> {
    artifact::markdown(what).key("report").await?;
    shows_more(2).await?;
    Ok(flowkit::runtime::flow_run().expect("a body is in a run").id())
}

#[task]
async fn shows_more(rows: u32) -> flowkit::Result<()> {
    let rows: Vec<_> = (0..rows).map(|n| json!({"n": n})).collect();
    artifact::table(&rows).key("rows").await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn artifacts_in_memory() {
    Runtime::ephemeral().run(artifacts::hold("memory")).await;
}

#[tokio::test(start_paused = true)]
async fn artifacts_in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = Runtime::builder().embedded(folder.path().join("runs.db")).build().expect("a file");
    runtime.run(artifacts::hold("file")).await;
}

#[tokio::test(start_paused = true)]
async fn the_history_has_what_runs_have_shown() {
    let runtime = Runtime::ephemeral();
    let run = runtime.run(async { shows("well".to_owned()).await }).await.expect("it is shown");
    let shown = runtime.history().expect("in memory").artifacts();
    let facts: Vec<_> = shown.iter().map(|one| (one.key.as_deref(), one.kind.clone(), one.flow_run_id)).collect();
    let expected =
        [(Some("report"), ArtifactKind::Markdown, Some(run)), (Some("rows"), ArtifactKind::Table, Some(run))];
    assert_eq!(facts, expected);
    let tasks = runtime.history().expect("in memory").task_runs();
    assert_eq!((shown[0].task_run_id, shown[1].task_run_id), (None, Some(tasks[0].id())));
}

#[tokio::test(start_paused = true)]
async fn progress_of_many_changes_with_each_whole_percent() {
    let runtime = Runtime::ephemeral();
    runtime
        .run(async {
            let progress = artifact::progress().key("many").steps(1000).await.expect("it is shown");
            let mut seen = vec![];
            for _ in 0..1000 {
                progress.advance().await.expect("it is shown");
                seen.push(artifact::get("many").await.expect("it is there").percent().expect("a number"));
            }
            seen.dedup();
            assert_eq!((seen.len(), seen[0], seen[1], seen.last()), (101, 0.0, 1.0, Some(&100.0)));
        })
        .await;
}

#[test]
fn they_are_there_without_any_async_runtime() {
    let made = artifact::markdown("of main").key("of-main").blocking().expect("it is made");
    assert_eq!(artifact::get("of-main").blocking().expect("it is there"), made);
    let progress = artifact::progress().blocking().expect("it is shown");
    progress.set(50).blocking().expect("it is shown");
    progress.advance().blocking().expect("it is shown");
    assert_eq!(progress.percent(), 51.0);
    let link = artifact::link("x").blocking().expect("it is made");
    assert_eq!(link.text(), Some("[x](x)"));
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_is_in_the_file_with_its_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let open = || Runtime::builder().embedded(&path).build().expect("a file");
    let first = open();
    let run = first
        .run(async {
            let run = shows("first".to_owned()).await.expect("it is shown");
            let progress = artifact::progress().key("progress").await.expect("it is shown");
            progress.set(12.5).await.expect("it is shown");
            run
        })
        .await;
    let shown = first.history().expect("in memory too").artifacts();
    drop(first);
    let records = Records::open(&path).expect("a reader");
    assert_eq!(records.artifacts(Some(run)).expect("artifacts"), shown[..2]);
    assert_eq!(records.artifacts(None).expect("artifacts"), shown[2..]);
    assert_eq!(shown[2].percent(), Some(12.5));
    assert_eq!(records.artifact("rows").expect("it can be read").as_ref(), Some(&shown[1]));
    assert_eq!(records.artifact("no-such").expect("it can be read"), None);

    let second = open();
    second
        .run(async {
            assert_eq!(artifact::get("report").await.expect("it is in the file"), shown[0]);
            assert!(artifact::get("no-such").await.expect_err("there is none").is_not_found());
            shows("second".to_owned()).await.expect("it is shown");
            assert_eq!(artifact::get("report").await.expect("it is there").text(), Some("second"));
        })
        .await;
    let alone = std::thread::spawn(move || {
        let found = second.run(async { artifact::get("progress").blocking() });
        found.now_or_never().expect("it waits for nothing else")
    });
    let found = alone.join().expect("a thread without an async runtime").expect("it is in the file");
    assert_eq!(found.percent(), Some(12.5));
}

#[tokio::test]
async fn what_a_run_has_shown_goes_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let first = Runtime::builder().keep_for(0).keep_size(0).embedded(&path).build().expect("a file");
    first
        .run(async {
            shows("old".to_owned()).await.expect("it is shown");
            artifact::markdown("of no run").key("lone").await.expect("it is shown");
            flowkit::variable::set("stays", &1).await.expect("it is set");
        })
        .await;
    drop(first);
    let count = |what: &str| {
        let file = rusqlite::Connection::open(&path).expect("a database");
        file.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get::<_, i64>(0)).expect("a count")
    };
    assert_eq!((count("flow_run"), count("artifact"), count("variable")), (1, 3, 1));
    let year = 365 * 24 * 3600 * 1_000_000_i64;
    let file = rusqlite::Connection::open(&path).expect("a database");
    file.execute_batch(&format!(
        "UPDATE flow_run SET ended = ended - {year}; UPDATE artifact SET created = created - {year}"
    ))
    .expect("they grow old");
    drop(file);
    let second = Runtime::builder().keep_for("1h").keep_size(0).embedded(&path).build().expect("a file");
    let started = std::time::Instant::now();
    while count("artifact") > 0 {
        assert!(started.elapsed() < std::time::Duration::from_secs(60), "{} are left", count("artifact"));
        second.flush(std::time::Duration::from_secs(60)).await;
    }
    assert_eq!((count("flow_run"), count("variable")), (0, 1));
    let records = Records::open(&path).expect("a reader");
    assert_eq!(records.flow_runs(&FlowRunFilter::new()).expect("runs").len(), 0);
}

#[task]
async fn even(n: u32) -> Result<u32, String> {
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    if n.is_multiple_of(2) { Ok(n) } else { Err(format!("{n} is odd")) }
}

async fn shown_percent(key: &str) -> f64 {
    artifact::get(key).await.expect("it is there").percent().expect("a number")
}

#[tokio::test(start_paused = true)]
async fn a_map_drives_a_progress_with_each_item_that_ends() {
    let runtime = Runtime::ephemeral();
    runtime
        .run(async {
            let progress = artifact::progress().key("map").steps(30).await.expect("it is shown");
            let mut stream = flowkit::map(0..30, even).limit(10).progress(&progress).stream();
            let mut seen = vec![];
            while let Some(_either) = stream.next().await {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                seen.push(shown_percent("map").await.round());
            }
            seen.dedup();
            assert_eq!(seen, [33.0, 67.0, 100.0]);

            let progress = artifact::progress().key("half").steps(40).await.expect("it is shown");
            let results = flowkit::map(0..20, even).progress(&progress).results().await;
            assert_eq!(
                (results.iter().filter(|result| result.is_ok()).count(), shown_percent("half").await),
                (10, 50.0)
            );
            flowkit::map([2], even).progress(&progress).await.expect("it is even");
            assert_eq!(shown_percent("half").await.floor(), 52.0);
        })
        .await;
}

#[flow]
async fn leaves_its_map_to_itself() -> flowkit::Result<()> {
    let progress = artifact::progress().key("left").steps(7).await?;
    let _ = flowkit::map(0..7, even).limit(2).progress(&progress).submit();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_flow_run_ends_after_the_progress_of_its_maps_is_shown() {
    let runtime = Runtime::ephemeral();
    runtime
        .run(async {
            let _ = leaves_its_map_to_itself().await;
            assert_eq!(shown_percent("left").await, 100.0);
        })
        .await;
}
