//! A resumable flow whose tasks leave a line each: `resumable FLOW OUT STEPS`, for tests that kill it in between.

use std::io::Write;
use std::path::PathBuf;

use flowkit::prelude::*;

#[task]
async fn leave(line: String, out: PathBuf) -> anyhow::Result<String> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(out)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    Ok(line)
}

#[task]
async fn other(line: String, out: PathBuf) -> anyhow::Result<String> {
    leave(format!("other-{line}"), out).await.map_err(Into::into)
}

#[flow]
async fn part(steps: u32, out: PathBuf) -> anyhow::Result<u32> {
    for n in 0..steps {
        leave(format!("part-{n}"), out.clone()).await?;
    }
    Ok(steps)
}

#[flow(resumable)]
async fn lines(steps: u32, out: PathBuf) -> anyhow::Result<u32> {
    let third = steps / 3;
    for n in 0..third {
        leave(format!("line-{n}"), out.clone()).await?;
    }
    let mapped = flowkit::map(0..third, |n| leave(format!("map-{n}"), out.clone())).limit(4).await?;
    let parted = part(steps - 2 * third, out.clone()).await?;
    Ok(third + mapped.len() as u32 + parted)
}

/// Asks for something else, or ends in the middle, as the environment says: a program that has been changed.
#[flow(resumable)]
async fn changing(out: PathBuf) -> anyhow::Result<String> {
    let program = std::env::var("PROGRAM").unwrap_or_default();
    let mut said = vec![leave("first", out.clone()).await?];
    if program == "changed" {
        said.push(other("second", out.clone()).await?);
    }
    said.push(leave("second", out.clone()).await?);
    said.push(leave("third", out.clone()).await?);
    if program == "dies" {
        std::process::abort();
    }
    said.push(leave("fourth", out).await?);
    Ok(said.join(" "))
}

/// Calls with arguments that are others each time.
#[flow(resumable)]
async fn keyed(out: PathBuf) -> anyhow::Result<String> {
    let now = || format!("{:?}", std::time::SystemTime::now());
    let first = leave(now(), out.clone()).journal_key("first").await?;
    if std::env::var("PROGRAM").is_ok_and(|program| program == "dies") {
        std::process::abort();
    }
    leave(now(), out).journal_key("second").await?;
    Ok(first)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["lines", out, steps] => println!("{}", lines(steps.parse()?, out.into()).await?),
        ["changing", out] => println!("{}", changing(out.into()).await?),
        ["keyed", out] => println!("{}", keyed(out.into()).await?),
        ["resume", run] => flowkit::resume(run.parse::<uuid::Uuid>()?).await?,
        ["resume-all"] => {
            for (run, ended) in flowkit::resume_all().await? {
                println!("{run} {ended:?}");
            }
        }
        _ => anyhow::bail!("usage: lines OUT STEPS | changing OUT | keyed OUT | resume RUN | resume-all"),
    }
    Ok(())
}
