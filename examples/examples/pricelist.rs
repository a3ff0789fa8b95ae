//! A price list that is written as a whole or not at all, by a flow that is tried again without doing its work twice.
//!
//! `cargo run --release --example pricelist`

use std::path::PathBuf;

use flowkit::prelude::*;
use flowkit::{Transaction, transaction};

/// Stands for a service that is slow, and asked once for each product: equal calls are answered from the cache.
#[task(cache = inputs, run_name = "price-of-{product}")]
async fn price_of(product: String) -> f64 {
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    product.len() as f64 * 1.25
}

#[task(on_rollback = remove)]
fn write(path: PathBuf, lines: Vec<String>) -> std::io::Result<()> {
    std::fs::write(path, lines.join("\n"))
}

/// Undoes `write` when the transaction around it fails.
fn remove(txn: Transaction) -> anyhow::Result<()> {
    if let Some(path) = txn.get::<PathBuf>("path")? {
        std::fs::remove_file(&path)?;
        tracing::info!("removed {}", path.display());
    }
    Ok(())
}

/// Refuses what the first attempt has written.
#[task]
async fn review(path: PathBuf, attempt: u32) -> anyhow::Result<usize> {
    let lines = tokio::task::spawn_blocking(|| std::fs::read_to_string(path)).await??.lines().count();
    anyhow::ensure!(attempt > 1, "nobody has looked at the {lines} prices");
    Ok(lines)
}

/// Writes the prices of some products; tried again once.
#[flow(retries = 1, retry_delay = "100ms", log_prints)]
async fn price_list(products: Vec<String>, path: PathBuf) -> anyhow::Result<usize> {
    // Taken from the first attempt when there is a second; a product that is listed twice is asked for once.
    let prices = flowkit::map(products.clone(), price_of).await?;
    let lines: Vec<String> = products.iter().zip(prices).map(|(product, price)| format!("{product},{price}")).collect();
    let attempt = flowkit::runtime::flow_run().map_or(1, |run| run.run_count());
    let count = transaction(format!("prices-{attempt}"))
        .run(async |txn| {
            txn.set("path", &path)?;
            write(path.clone(), lines).await?;
            review(path.clone(), attempt).await
        })
        .await?;
    println!("{count} prices are in {}", path.display());
    Ok(count)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let path = std::env::temp_dir().join("flowkit-pricelist.csv");
    let products = ["tea", "coffee", "tea", "chocolate"].map(str::to_owned).to_vec();
    assert_eq!(price_list(products, path.clone()).await?, 4);
    std::fs::remove_file(path)?;
    Ok(())
}
