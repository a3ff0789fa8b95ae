//! Loads a week of earthquakes from a web API into a CSV file. `--help` tells the options.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use flowkit::prelude::*;
use flowkit_examples::{Catalog, Record, args, catalog::TOTAL_COUNT, client};
use reqwest::Client;
use serde::Serialize;

const HELP: &str = "\
usage: etl [--api URL] [--out PATH]

  --api URL   takes the records from this API instead of one that etl starts for itself; it
              must answer URL/api/records?page=N&per_page=M and send an x-total-count header
  --out PATH  writes to this file instead of flowkit-etl.csv in the temporary directory
";
const PER_PAGE: u32 = 100;

#[derive(Clone, Serialize)]
struct Row {
    day: String,
    magnitude: f64,
    megajoules: f64,
    place: String,
    lon: f64,
    lat: f64,
}

/// Asks how many pages there are.
#[task(retries = 3, retry_delay = ["50ms", "250ms", "1s"], timeout = "30s")]
async fn count_pages(http: Client, api: String) -> anyhow::Result<u32> {
    let answer = http.get(format!("{api}/api/records?per_page=1")).send().await?.error_for_status()?;
    let total = answer.headers().get(TOTAL_COUNT).with_context(|| format!("the API sends no {TOTAL_COUNT}"))?;
    Ok(total.to_str()?.parse::<u32>()?.div_ceil(PER_PAGE))
}

/// Downloads one page of records.
#[task(run_name = "extract-{page}", retries = 3, retry_delay = ["50ms", "250ms", "1s"], timeout = "30s")]
async fn extract(http: Client, api: String, page: u32) -> reqwest::Result<Vec<Record>> {
    let url = format!("{api}/api/records?page={page}&per_page={PER_PAGE}");
    http.get(url).send().await?.error_for_status()?.json().await
}

/// Makes rows of the records of one page, with the energy of each event (Gutenberg and Richter).
#[task]
async fn transform(records: Vec<Record>) -> Vec<Row> {
    let row = |Record { time, magnitude, place, lon, lat, .. }| {
        let megajoules = 10_f64.powf(1.5 * magnitude + 4.8 - 6.0);
        Row { day: time.chars().take(10).collect(), magnitude, megajoules, place, lon, lat }
    };
    records.into_iter().map(row).collect()
}

/// Writes all rows to a file and returns their number.
#[task]
fn load(pages: Vec<Vec<Row>>, out: PathBuf) -> anyhow::Result<usize> {
    let mut csv = csv::Writer::from_path(&out).with_context(|| format!("cannot write {}", out.display()))?;
    pages.iter().flatten().try_for_each(|row| csv.serialize(row))?;
    csv.flush()?;
    Ok(pages.iter().map(Vec::len).sum())
}

/// Loads all records of an API into a CSV file.
#[flow(name = "earthquakes")]
async fn etl(api: String, out: PathBuf) -> anyhow::Result<usize> {
    let http = client(&api)?;
    let count = count_pages(http.clone(), api.clone()).await?;
    let pages = flowkit::map(1..=count, |page| extract(http.clone(), api.clone(), page)).limit(4).fail_fast().submit();
    let rows = flowkit::map(&pages, transform).limit(4).submit();
    Ok(load(rows, out).await?)
}

async fn run(api: Option<String>, out: PathBuf) -> anyhow::Result<()> {
    let api = match api {
        Some(url) => url,
        None => Catalog::serve(5).await?,
    };
    let rows = etl(api, out.clone()).await?;
    println!("{rows} rows are in {}", out.display());
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let [api, out] = args::read(HELP, ["--api", "--out"]);
    let api = api.map(|url| args::checked(args::base_url(&url)));
    let out = out.unwrap_or_else(|| std::env::temp_dir().join("flowkit-etl.csv").into());
    let out = args::checked(args::new_file(out));
    if let Err(error) = run(api, out).await {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
