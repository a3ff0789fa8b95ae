//! A file in which the bodies of flows note when they begin and end, outside of what any server says of them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Is such a file; it goes away with its value.
#[derive(Debug)]
pub struct Ledger(PathBuf);

/// Is one execution of a body. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// Which run it was of, as the body calls it.
    pub run: String,
    /// When it began.
    pub start: f64,
    /// When it ended; infinite if it did not.
    pub end: f64,
}

impl Ledger {
    /// Makes an empty one.
    ///
    /// # Panics
    ///
    /// When no file can be made.
    pub fn new() -> Self {
        let stamp = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let path = std::env::temp_dir().join(format!("flowkit-ledger-{}-{stamp}", std::process::id()));
        File::create(&path).expect("a file for temporary data");
        Self(path)
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the words of each line.
    ///
    /// # Panics
    ///
    /// When it cannot be read.
    pub fn lines(&self) -> Vec<Vec<String>> {
        let text = fs::read_to_string(&self.0).expect("the ledger is there");
        text.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
    }

    /// Returns the executions, in the order in which they began.
    ///
    /// # Panics
    ///
    /// When a line is none that [`note`] writes.
    pub fn executions(&self) -> Vec<Execution> {
        let mut found: Vec<Execution> = Vec::new();
        for line in self.lines() {
            let [what, run, time] = &line[..] else { panic!("no note: {line:?}") };
            let time: f64 = time.parse().expect("a time");
            match what.as_str() {
                "start" => found.push(Execution { run: run.clone(), start: time, end: f64::INFINITY }),
                "end" => {
                    let open = found.iter_mut().rev().find(|it| it.run == *run && it.end.is_infinite());
                    open.expect("what ends has begun").end = time;
                }
                _ => {}
            }
        }
        found
    }

    /// Counts the executions of each run.
    pub fn counts(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for execution in self.executions() {
            *counts.entry(execution.run).or_default() += 1;
        }
        counts
    }

    /// Returns how many executions there were at the same time at most.
    pub fn most_at_once(&self) -> usize {
        let all = self.executions();
        let at = |time: f64| all.iter().filter(|it| it.start <= time && time < it.end).count();
        all.iter().map(|it| at(it.start)).max().unwrap_or_default()
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        // What is left in the folder for temporary files does no harm.
        let _ = fs::remove_file(&self.0);
    }
}

/// Adds a line: what has happened to a run, and when. In one write, so that lines of several processes do not mix.
///
/// # Panics
///
/// When the file cannot be written.
pub fn note(file: &Path, what: &str, run: &str) {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64();
    let line = format!("{what} {run} {now:.6}\n");
    let file = File::options().append(true).open(file);
    file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the ledger can be written");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_counted_with_those_at_the_same_time() {
        let ledger = Ledger::new();
        for (what, run) in [("start", "a"), ("start", "b"), ("end", "a"), ("start", "a"), ("cancelled", "b")] {
            note(ledger.path(), what, run);
        }
        assert_eq!(ledger.counts(), HashMap::from([("a".to_owned(), 2), ("b".to_owned(), 1)]));
        assert_eq!(ledger.most_at_once(), 2);
    }
}
