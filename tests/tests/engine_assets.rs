//! Assets that tasks make, and what is told of them.

use flowkit::prelude::*;
use flowkit::{Asset, AssetEvent, ErrorKind, Runtime};
use serde_json::{Value, json};

const CLEAN: Asset = Asset::new("s3://lake/clean").name("Clean").owners(&["data team"]);

#[task(materializes = "s3://lake/raw", asset_deps = ["postgres://db/users"])]
async fn load(rows: u32) -> flowkit::Result<u32> {
    flowkit::asset_metadata("s3://lake/raw", json!({"rows": 0, "source": "db"}))?;
    flowkit::asset_metadata("s3://lake/raw", json!({"rows": rows}))?;
    Ok(rows)
}

#[task]
async fn double(n: u32) -> u32 {
    n * 2
}

#[task(materializes = [CLEAN, "s3://lake/index"], materialized_by = "dbt", retries = 1)]
fn clean(n: u32) -> Result<u32, String> {
    if n == 0 { Err("nothing".to_owned()) } else { Ok(n) }
}

#[flow]
async fn pipeline(rows: u32) -> flowkit::Result<u32> {
    let raw = load(rows).submit();
    let doubled = double(&raw).submit();
    clean(&doubled).await
}

fn told(event: &AssetEvent) -> (&'static str, &'static str, Vec<&'static str>) {
    let event_name = event.event.strip_prefix("prefect.asset.").expect("it is of an asset");
    (event_name, event.asset.key(), event.upstream.iter().map(Asset::key).collect())
}

async fn events_of(rows: u32) -> Vec<AssetEvent> {
    let runtime = Runtime::ephemeral();
    let _ = runtime.run(async { pipeline(rows).await }).await;
    runtime.history().expect("it is in memory").asset_events()
}

#[tokio::test(start_paused = true)]
async fn a_task_tells_what_it_has_made_and_of_what() {
    let events = events_of(3).await;
    let expected = [
        ("referenced", "postgres://db/users", vec![]),
        ("materialization.succeeded", "s3://lake/raw", vec!["postgres://db/users"]),
        ("referenced", "s3://lake/raw", vec![]),
        ("materialization.succeeded", "s3://lake/clean", vec!["s3://lake/raw"]),
        ("materialization.succeeded", "s3://lake/index", vec!["s3://lake/raw"]),
    ];
    assert_eq!(events.iter().map(told).collect::<Vec<_>>(), expected);
    let metadata = |event: &AssetEvent| event.metadata.clone().map(Value::Object);
    assert_eq!(metadata(&events[1]), Some(json!({"rows": 3, "source": "db"})));
    assert_eq!((metadata(&events[3]), events[3].materialized_by), (None, Some("dbt")));
    assert_eq!((events[1].task_run.task().name, events[3].asset), ("load", CLEAN));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_tells_so_once_after_its_last_attempt() {
    let events = events_of(0).await;
    let failed: Vec<_> = events[3..].iter().map(told).collect();
    let expected = [
        ("materialization.failed", "s3://lake/clean", vec!["s3://lake/raw"]),
        ("materialization.failed", "s3://lake/index", vec!["s3://lake/raw"]),
    ];
    assert_eq!(failed, expected);
}

#[flow]
async fn starved() -> flowkit::Result<u32> {
    let failed = clean(0).submit();
    let lost = double(&failed).submit();
    clean(&lost).await
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_not_started_tells_nothing_of_its_assets() {
    let runtime = Runtime::ephemeral();
    runtime.run(async { starved().await }).await.expect_err("the first fails");
    let events = runtime.history().expect("it is in memory").asset_events();
    assert_eq!(events.len(), 2, "{events:#?}");
}

#[task]
async fn makes_nothing() -> flowkit::Result<()> {
    flowkit::asset_metadata("s3://lake/raw", json!({}))
}

#[task(materializes = CLEAN)]
async fn odd_metadata() -> flowkit::Result<()> {
    flowkit::asset_metadata(CLEAN.key(), json!([1]))
}

#[tokio::test(start_paused = true)]
async fn metadata_is_refused_where_it_belongs_to_nothing() {
    let outside = flowkit::asset_metadata("s3://lake/raw", json!({})).expect_err("there is no task");
    assert_eq!(outside.kind(), ErrorKind::Definition);
    assert_eq!(outside.to_string(), "metadata of asset `s3://lake/raw`: there is no task here that could make it");
    let runtime = Runtime::ephemeral();
    let error = runtime.run(async { makes_nothing().await }).await.expect_err("it makes none");
    assert!(error.chain().ends_with("task `makes_nothing` does not materialize it (it does none)"), "{error:?}");
    let error = runtime.run(async { odd_metadata().await }).await.expect_err("a list is no object");
    assert!(error.chain().ends_with("a JSON object is expected, not `[1]`"), "{error:?}");
}
