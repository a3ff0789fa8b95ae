//! Work that a web service puts off: it answers at once, and somebody else does it.
//!
//! `cargo run --release --example background` does all in one process. With a server and its `PREFECT_API_URL`, `background work`
//! in one terminal (or in several, on any machine that sees the result store) does what `background` in another one asks for.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{DelayedTask, TaskRunId, delayed_task};

/// Makes a thumbnail of a picture. Not every attempt succeeds.
#[task(background, retries = 2, retry_delay = "50ms", run_name = "thumbnail-{picture}")]
async fn make_thumbnail(picture: u32, width: u32) -> anyhow::Result<String> {
    let attempt = flowkit::runtime::task_run().map_or(1, |run| run.run_count());
    anyhow::ensure!(attempt > 1 || !picture.is_multiple_of(3), "the disk of picture {picture} is busy");
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(format!("picture-{picture}@{width}.webp"))
}

/// Tells how many bytes a text has.
#[task(background)]
fn weigh(text: String) -> usize {
    text.len()
}

/// Answers as the service would: with the id of the run, before the work has begun.
async fn upload(picture: u32) -> flowkit::Result<TaskRunId> {
    let thumbnail = make_thumbnail(picture, 320).delay().await?;
    Ok(thumbnail.id())
}

async fn ask() -> anyhow::Result<()> {
    let mut ids = Vec::new();
    for picture in 1..=4 {
        ids.push(upload(picture).await?);
    }
    let weight: DelayedTask<usize> = weigh("background").delay().await?;
    // Whoever has the id has the result, in this process or another one.
    for id in ids {
        let thumbnail = delayed_task::<String>(id)?.wait_timeout("60s").await?;
        println!("{id}: {thumbnail}");
    }
    assert_eq!(weight.wait_timeout("60s").await?, 10);
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        None => ask().await,
        Some("work") => Ok(flowkit::serve_tasks(["make_thumbnail", "weigh"]).limit(4).await?),
        Some(other) => anyhow::bail!("it takes `work` or nothing, not `{other}`"),
    }
}
