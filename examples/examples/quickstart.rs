//! A list of customers, and one task run for each of them.
//!
//! `cargo run --release --example quickstart`

use flowkit::prelude::*;

/// Stands for a query to a database.
#[task]
async fn get_customer_ids() -> Vec<u32> {
    (1..=10).collect()
}

/// Processes one customer. Every fourth is refused at the first attempt.
#[task(run_name = "customer-{id}", retries = 2, retry_delay = "100ms")]
async fn process_customer(id: u32) -> anyhow::Result<String> {
    let attempt = flowkit::runtime::task_run().map_or(1, |run| run.effort().run_count);
    anyhow::ensure!(attempt > 1 || !id.is_multiple_of(4), "customer {id} is locked");
    Ok(format!("processed customer {id} at attempt {attempt}"))
}

/// Processes all customers, at most five at a time.
#[flow(log_prints)]
async fn process_customers() -> flowkit::Result<Vec<String>> {
    let ids = get_customer_ids().await?;
    let processed = flowkit::map(ids, process_customer).limit(5).await?;
    for line in &processed {
        println!("{line}");
    }
    Ok(processed)
}

#[tokio::main]
async fn main() -> flowkit::Result<()> {
    let processed = process_customers().await?;
    assert_eq!(processed.len(), 10);
    Ok(())
}
