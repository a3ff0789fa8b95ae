//! The shapes a task may have.
#![deny(missing_docs, unused, unreachable_pub, rust_2018_idioms)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use flowkit::prelude::*;

/// Everything at once.
#[task(
    name = "fetch",
    description = "Downloads a page.",
    version = "1",
    tags = ["net", "slow"],
    run_name = "page-{page} of {{{api}}}",
    retries = 3,
    retry_delay = ["2s", 5, 0.5, "1m 30s"],
    timeout = "1h30m",
    log_prints = true,
)]
pub async fn fetch_page(api: String, page: u32) -> anyhow::Result<Vec<String>> {
    println!();
    println!("{api} {page}");
    anyhow::ensure!(page < 10, "no such page");
    Ok(vec![format!("{api}/{page}")])
}

#[task(log_prints = false, retry_delay = exponential(0.5, 3, max = "1m"), retry_jitter_factor = 1, timeout = 1.5)]
fn save(rows: Vec<String>, path: PathBuf) -> std::io::Result<usize> {
    println!("{}", path.display());
    Ok(rows.len())
}

mod conditions {
    pub(crate) fn is_new(error: &std::io::Error) -> bool {
        error.kind() != std::io::ErrorKind::AlreadyExists
    }
}

mod hooks {
    pub(crate) fn count(_: flowkit::HookContext) {}

    pub(crate) async fn tell(context: flowkit::HookContext) -> std::io::Result<()> {
        println!("{}", context.name());
        Ok(())
    }
}

#[task(
    retries = 1,
    retry_if = conditions::is_new,
    on_running = hooks::count,
    on_completion = [hooks::count, hooks::tell],
    on_crashed = hooks::tell,
)]
async fn save_once(path: PathBuf) -> std::io::Result<PathBuf> {
    Ok(path)
}

#[task]
async fn nothing() {}

#[task]
pub(crate) fn nothing_blocking() -> () {}

// Names that the expansion might use itself.
#[task(run_name = "{type}-{index}")]
async fn r#match(mut r#type: u32, args: u32, index: u32, arg0: u32) -> u32 {
    r#type += args;
    r#type + index + arg0
}

#[task]
async fn value(value: u32) -> u32 {
    value
}

#[task]
async fn not_clone(sender: Sender<u8>, callback: Box<dyn Fn(&str) -> u8 + Send>, name: &'static str) -> bool {
    sender.send(callback(name)).is_ok()
}

#[allow(clippy::too_many_arguments)]
#[task]
async fn twelve(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: u8) -> u8 {
    a + b + c + d + e + f + g + h + i + j + k + l
}

#[task]
#[cfg(any())]
async fn absent(page: Absent) {}

#[task]
#[inline]
async fn countdown(n: u32) -> flowkit::Result<u32> {
    if n == 0 { Ok(0) } else { Ok(1 + countdown(n - 1).await?) }
}

struct Api;

impl Api {
    #[task]
    async fn version(n: u32) -> u32 {
        n
    }
}

mod deep {
    use flowkit::prelude::*;

    #[task]
    pub(super) async fn inside(a: Vec<u32>) -> usize {
        a.len()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> flowkit::Result<()> {
    #[task]
    async fn local(n: u32) -> u32 {
        n
    }

    let pages = fetch_page("api", 1).submit();
    assert_eq!(save(&pages, "rows.csv").await?, 1);
    assert!(save_once(PathBuf::new()).await.is_ok());
    nothing().await?;
    nothing_blocking().await?;
    assert_eq!(r#match(1, 2, 3, 4).await?, 10);
    assert_eq!(value(local(7).submit()).await?, 7);
    assert_eq!(flowkit::map(1..=3, value).await?, [1, 2, 3]);
    let (sender, receiver) = std::sync::mpsc::channel();
    let length = Arc::new(|name: &str| name.len() as u8);
    let callback: Box<dyn Fn(&str) -> u8 + Send> = Box::new(move |name| length(name));
    assert!(not_clone(sender, callback, "abc").await?);
    assert_eq!(receiver.recv(), Ok(3));
    assert_eq!(twelve(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1).await?, 12);
    assert_eq!(countdown(3).await?, 3);
    assert_eq!(Api::version(3).await?, 3);
    assert_eq!(deep::inside(vec![1, 2]).await?, 2);
    Ok(())
}
