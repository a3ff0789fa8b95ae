//! Log lines on their way to the server, in batches.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use flowkit_client::model::LogCreate;
use flowkit_client::{Client, RetryPolicy};
use tokio::sync::Notify;

use crate::backend::server::verdict::Verdict;
use crate::run::lock;

/// How long to wait at least after the server could not be reached.
const AGAIN: Duration = Duration::from_millis(250);

/// Lines are collected for this long before a request.
const LINGER: Duration = Duration::from_secs(1);

/// One request carries at most this many bytes of text and this many lines; the server takes 4 MB.
const MAX_BYTES: usize = 2_000_000;
const MAX_LINES: usize = 2_000;

/// A longer line is cut.
const MAX_LINE: usize = 1_000_000;

/// How many lines wait for a server that is away.
const MAX_WAITING: usize = 200_000;

/// The lines that wait.
#[derive(Debug, Default)]
pub(super) struct Logs {
    lines: Mutex<VecDeque<LogCreate>>,
    lost: Mutex<(usize, Option<String>)>,
    gone: AtomicU64,
    filled: Notify,
    hurry: Notify,
    barred: AtomicBool,
}

impl Logs {
    pub(super) fn push(&self, mut line: LogCreate) {
        if line.message.len() > MAX_LINE {
            let mut end = MAX_LINE;
            while !line.message.is_char_boundary(end) {
                end -= 1;
            }
            line.message.truncate(end);
            line.message.push_str("... [truncated]");
        }
        let mut lines = lock(&self.lines);
        if lines.len() >= MAX_WAITING {
            lock(&self.lost).0 += 1;
            return;
        }
        lines.push_back(line);
        drop(lines);
        self.filled.notify_one();
    }

    pub(super) fn waiting(&self) -> usize {
        lock(&self.lines).len()
    }

    /// Counts the lines that were sent so far.
    pub(super) fn gone(&self) -> u64 {
        self.gone.load(Ordering::Relaxed)
    }

    /// Takes all that waits, before the process ends.
    pub(super) fn take_all(&self) -> Vec<LogCreate> {
        lock(&self.lines).drain(..).collect()
    }

    /// The lines that never will be delivered, and why.
    pub(super) fn lost(&self) -> (usize, Option<String>) {
        lock(&self.lost).clone()
    }

    /// Ends the present pause, as before exit.
    pub(super) fn hurry(&self) {
        self.hurry.notify_one();
    }

    /// Tells whether the server does not let this process in, or somebody else has answered.
    pub(super) fn is_barred(&self) -> bool {
        self.barred.load(Ordering::Relaxed)
    }

    /// Sends lines for as long as the reporter lives.
    pub(super) async fn run(&self, client: &Client) {
        let client = client.with_retry(RetryPolicy::none()).with_deadline(Duration::from_secs(15));
        let mut pause = LINGER;
        let mut failed = false;
        loop {
            if self.waiting() == 0 {
                self.filled.notified().await;
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // Whoever is in a hurry says so again and again.
                () = self.hurry.notified() => if failed { tokio::time::sleep(AGAIN).await },
            }
            let batch = self.batch();
            if batch.is_empty() {
                continue;
            }
            let sent = client.create_logs(&batch).await;
            failed = sent.is_err();
            match sent {
                Ok(()) => {
                    self.barred.store(false, Ordering::Relaxed);
                    self.leave(batch.len());
                    pause = if self.waiting() > MAX_LINES { Duration::ZERO } else { LINGER };
                }
                Err(error) if Verdict::of(&error) != Verdict::Never => {
                    self.barred.store(Verdict::of(&error) != Verdict::Later, Ordering::Relaxed);
                    lock(&self.lost).1 = Some(error.to_string());
                    pause = (pause * 2).clamp(LINGER, Duration::from_secs(10));
                }
                Err(error) => {
                    self.leave(batch.len());
                    let mut lost = lock(&self.lost);
                    lost.0 += batch.len();
                    lost.1 = Some(error.to_string());
                }
            }
        }
    }

    /// Lets the first lines go; somebody may have taken them.
    fn leave(&self, count: usize) {
        let mut lines = lock(&self.lines);
        let count = count.min(lines.len());
        lines.drain(..count);
        self.gone.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn batch(&self) -> Vec<LogCreate> {
        let lines = lock(&self.lines);
        let mut bytes = 0;
        lines
            .iter()
            .take(MAX_LINES)
            .take_while(|line| {
                let first = bytes == 0;
                bytes += line.message.len() + 256;
                first || bytes <= MAX_BYTES
            })
            .cloned()
            .collect()
    }
}
