//! The first flow: it greets everybody on a list and writes a log line for each.
//!
//! `cargo run --release --example hello -- Zaphod Trillian Ford`

use flowkit::prelude::*;

/// Greets one person.
#[task]
async fn greet(name: String) -> String {
    tracing::info!("Hello, {name}!");
    format!("greeted {name}")
}

/// Greets everybody.
#[flow(log_prints)]
async fn hello(names: Vec<String>) -> flowkit::Result<usize> {
    for name in &names {
        greet(name.clone()).await?;
    }
    println!("{} greeted", names.len());
    Ok(names.len())
}

#[tokio::main]
async fn main() -> flowkit::Result<()> {
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() {
        names.push("Marvin".to_owned());
    }
    hello(names).await?;
    Ok(())
}
