//! Flows whose processes die: `crash WHAT OUT [STEPS]`. A line in OUT tells what the program itself has seen.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use flowkit::prelude::*;

/// How often there is a log line: they go to standard error too, which nobody reads while it runs.
const SAID: u32 = 10;

#[task]
async fn step(n: u32) -> u32 {
    if n.is_multiple_of(SAID) {
        tracing::info!("at {n}");
    }
    n
}

#[task]
async fn fails(n: u32) -> anyhow::Result<u32> {
    anyhow::bail!("not {n}")
}

#[task]
async fn leave(n: u32, out: PathBuf) -> anyhow::Result<u32> {
    say(&mut append(&out)?, &format!("ran-{n}"))?;
    Ok(n)
}

#[flow]
async fn part(n: u32) -> anyhow::Result<u32> {
    Ok(step(n).name(format!("inner-{n}")).await?)
}

/// Goes on until somebody kills it.
#[flow]
async fn endless(out: PathBuf) -> anyhow::Result<u32> {
    let mut out = append(&out)?;
    for n in 0.. {
        step(n).name(format!("step-{n}")).await?;
        say(&mut out, &format!("step-{n}"))?;
        match n % 100 {
            20 => {
                let names = flowkit::map(0..8, |at| step(at).name(format!("map-{n}-{at}"))).limit(4).await?.into_iter();
                say(&mut out, &names.map(|at| format!("map-{n}-{at}")).collect::<Vec<_>>().join("\n"))?;
            }
            40 => {
                part(n).await?;
                say(&mut out, &format!("inner-{n}"))?;
            }
            60 => {
                let _ = fails(n).name(format!("fails-{n}")).await.expect_err("it always does");
                say(&mut out, &format!("fails-{n}"))?;
            }
            _ => {}
        }
    }
    Ok(0)
}

/// Ends the process in the middle.
#[flow]
async fn short(steps: u32) -> anyhow::Result<u32> {
    if let Ok(folder) = std::env::var("ELSEWHERE") {
        std::env::set_current_dir(folder)?;
    }
    for n in 0..steps {
        step(n).name(format!("step-{n}")).await?;
    }
    if std::env::var("PROGRAM").is_ok_and(|program| program == "dies") {
        std::process::abort();
    }
    Ok(steps)
}

#[flow(resumable)]
async fn steady(steps: u32, out: PathBuf) -> anyhow::Result<u32> {
    let mut seen = append(&out)?;
    for n in 0..steps {
        leave(n, out.clone()).await?;
        say(&mut seen, &format!("saw-{n}"))?;
    }
    Ok(steps)
}

fn append(out: &Path) -> std::io::Result<File> {
    File::options().create(true).append(true).open(out)
}

/// With one call, so that a line is there or not.
fn say(out: &mut File, line: &str) -> std::io::Result<()> {
    out.write_all(format!("{line}\n").as_bytes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["endless", out] => drop(endless(out.into()).await?),
        ["short", steps] => println!("{}", short(steps.parse()?).await?),
        ["steady", out, steps] => println!("{}", steady(steps.parse()?, out.into()).await?),
        _ => anyhow::bail!("usage: endless OUT | short STEPS | steady OUT STEPS"),
    }
    Ok(())
}
