//! A flow of many small tasks, for tests in which the disk gives trouble: `disk TASKS`.

use flowkit::prelude::*;

#[task]
async fn add_one(n: u32) -> u32 {
    tracing::info!("one more than {n}, said in a line that takes some room in the file: {}", "x".repeat(200));
    n + 1
}

#[flow]
async fn many(tasks: u32) -> flowkit::Result<u32> {
    let numbers = flowkit::map(0..tasks, add_one).await?;
    Ok(numbers.into_iter().map(|n| n % 2).sum())
}

#[flow(resumable)]
async fn one_by_one(tasks: u32) -> flowkit::Result<u32> {
    let mut odd = 0;
    for n in 0..tasks {
        odd += add_one(n).await? % 2;
    }
    Ok(odd)
}

#[tokio::main]
async fn main() -> flowkit::Result<()> {
    let tasks = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10);
    println!("at once: {}", many(tasks).await?);
    println!("one by one: {}", one_by_one(tasks).await?);
    Ok(())
}
