//! The shapes a flow may have.
#![deny(missing_docs, unused, unreachable_pub, rust_2018_idioms)]

use std::path::PathBuf;

use flowkit::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Where to begin.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// At the beginning.
    Full,
    /// Where it stopped.
    Rest,
}

/// Loads articles.
///
/// Slowly.
#[flow(name = "devto-etl", run_name = "etl-{pages}", retries = 1, timeout = "1h", tags = ["etl"], log_prints)]
pub async fn etl(
    #[param(default = "https://dev.to/api")] api: String,
    /// pages to load,
    /// at most
    #[param(default = 3)]
    mut pages: u32,
    #[param(default = Mode::Rest)] mode: Mode,
    #[param(default = vec![1, 2])] numbers: Vec<u8>,
    out: Option<PathBuf>,
) -> anyhow::Result<usize> {
    pages += 1;
    println!("{api} {pages} {mode:?} {out:?}");
    Ok(numbers.len())
}

// An argument with the name of the function.
#[flow(version = "7")]
fn yearly_report(yearly_report: String) -> usize {
    yearly_report.len()
}

#[flow]
async fn nothing() {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> flowkit::Result<()> {
    #[flow]
    async fn inside(n: u32) -> flowkit::Result<u32> {
        nothing().await?;
        Ok(n)
    }

    assert_eq!(etl("api".to_owned(), 1, Mode::Full, vec![], None).await?, 0);
    assert_eq!(etl.with_parameters(json!({"pages": 7})).await?, 2);
    let def = etl.def()?;
    assert_eq!((def.name, def.description), ("devto-etl", "Loads articles.\n\nSlowly."));
    assert!(def.key.starts_with("etl-") && def.key.len() == 12 && def.version.len() == 32, "{def:?}");
    assert_eq!(def.params[1].description, "pages to load,\nat most");
    let defaults: Vec<_> = def.params.iter().map(|param| param.default.map(|make| make())).collect();
    assert_eq!(
        defaults,
        [Some(json!("https://dev.to/api")), Some(json!(3)), Some(json!("rest")), Some(json!([1, 2])), None]
    );
    assert_eq!(yearly_report("abc".to_owned()).await?, 3);
    assert_eq!((yearly_report.def()?.name, yearly_report.def()?.version), ("yearly-report", "7"));
    assert_eq!(yearly_report.def()?.params[0].name, "yearly_report");
    assert_eq!(inside(4).await?, 4);
    Ok(())
}
