//! The program whose states, edges, parameters and assets the live suite looks for at the server.

use flowkit::prelude::*;
use flowkit::{Asset, Secret, State, TimeDelta, runtime};
use serde_json::json;

const CLEAN: Asset = Asset::new("s3://lake/clean").name("Clean").owners(&["data team"]);

#[task(materializes = "s3://lake/raw", asset_deps = ["postgres://db/users"], tags = ["nightly"])]
async fn load(rows: u32) -> flowkit::Result<u32> {
    flowkit::asset_metadata("s3://lake/raw", json!({"rows": rows}))?;
    Ok(rows)
}

#[task(materializes = CLEAN, materialized_by = "dbt")]
async fn clean(rows: u32) -> Result<u32, String> {
    Err(format!("{rows} are too few"))
}

/// Makes assets.
#[flow]
async fn assets() -> flowkit::Result<()> {
    let loaded = load(3).submit();
    let cleaned = clean(&loaded).submit();
    let _ = cleaned.wait().await;
    Ok(())
}

#[task]
async fn number(n: u32) -> Result<u32, String> {
    if n == 0 { Err("nothing".to_owned()) } else { Ok(n) }
}

#[task]
async fn skip() -> flowkit::Result<()> {
    Err(flowkit::end_as(State::completed().with_name("Skipped").with_message("no rows")))
}

#[flow]
async fn own_done() -> State {
    State::completed().with_name("MyDone").with_message("as planned")
}

#[flow]
async fn own_cancel() -> State {
    State::cancelled().with_message("I cancelled")
}

#[flow]
async fn gathered() -> Vec<State> {
    flowkit::map([1, 0, 2], number).submit().wait().await
}

#[flow]
async fn child(n: u32) -> Result<u32, String> {
    number(n).await.map_err(|error| error.chain())
}

fn after(region: &str) -> String {
    format!("states of\n{region}")
}

/// Ends runs in states of their own.
#[flow(run_name = after)]
async fn states(region: String) -> flowkit::Result<()> {
    tracing::info!(region, "begins");
    own_done().await?;
    let _ = own_cancel().await;
    let _ = gathered().await;
    skip().await?;
    let (good, bad) = (child(4).submit(), child(0).submit());
    number(&good).await?;
    let _ = child(5).wait_for(&bad).await;
    let run = runtime::flow_run().map(|run| (run.api_url(), run.ui_url()));
    println!("{}", json!(run));
    Ok(())
}

#[flow]
async fn with_secret(token: Secret, pause: TimeDelta) -> Result<(), String> {
    tracing::info!("the token is {}", token.expose());
    Err(format!("{} was refused after {pause}", token.expose()))
}

#[tokio::main]
async fn main() -> flowkit::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("assets") => assets().await,
        Some("states") => states("eu".to_owned()).await,
        Some("secret") => {
            let given = json!({"token": "open-sesame", "pause": 90.0});
            let _ = with_secret.with_parameters(given).await;
            Ok(())
        }
        other => panic!("no such program: {other:?}"),
    }
}
