//! Log lines as Prefect prints them: `08:15:02.117 | INFO    | Task run 'fetch-1a2' - message`.

use std::fmt::Write as _;
use std::io::IsTerminal;

use chrono::{DateTime, Local, Utc};

use crate::event::{Level, LogRecord};

/// Writes log lines to standard error.
pub(crate) struct Console {
    colors: bool,
}

/// Who a line is from.
pub(super) enum Speaker<'a> {
    Task(String),
    Flow(&'a str),
    Other(&'a str),
}

impl Console {
    /// `None` asks for colours on a terminal, unless `NO_COLOR` is set.
    pub(crate) fn new(colors: Option<bool>) -> Self {
        let on_terminal =
            || std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        Self { colors: colors.unwrap_or_else(on_terminal) }
    }

    pub(super) fn print(&self, record: &LogRecord, speaker: &Speaker<'_>) {
        let time: DateTime<Utc> = record.timestamp.to_utc();
        let time = time.with_timezone(&Local).format("%H:%M:%S%.3f").to_string();
        let line = self.line(&time, record, speaker);
        print(&line);
    }

    fn line(&self, time: &str, record: &LogRecord, speaker: &Speaker<'_>) -> String {
        let mut line = String::with_capacity(record.message.len() + 64);
        let level = record.level.as_str();
        let (color, reset) = if self.colors { (color(record.level), "\x1b[0m") } else { ("", "") };
        // Writing to a string cannot fail.
        let _ = write!(line, "{time} | {color}{level:<7}{reset} | ");
        let (run, reset) = if self.colors { ("\x1b[35m", "\x1b[0m") } else { ("", "") };
        let _ = match speaker {
            Speaker::Task(name) => write!(line, "Task run {run}'{name}'{reset}"),
            Speaker::Flow(name) => write!(line, "Flow run {run}'{name}'{reset}"),
            Speaker::Other(target) => write!(line, "{target}"),
        };
        let _ = writeln!(line, " - {}", record.message);
        line
    }
}

/// Writes to standard error. That nobody reads it (a closed pipe) is no reason for a run to fail.
#[cfg(not(feature = "test-util"))]
fn print(line: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Writes to standard error in the way that the test harness can capture.
#[cfg(feature = "test-util")]
fn print(line: &str) {
    eprint!("{line}");
}

fn color(level: Level) -> &'static str {
    match level {
        Level::Trace | Level::Debug => "\x1b[34m",
        Level::Info => "\x1b[36m",
        Level::Warning => "\x1b[33m",
        Level::Error => "\x1b[31m",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn line(colors: bool) -> String {
        let record = LogRecord {
            level: Level::Info,
            message: "hello".to_owned(),
            timestamp: Timestamp::from_unix_micros(0),
            flow_run_id: None,
            task_run_id: None,
        };
        Console { colors }.line("08:15:02.117", &record, &Speaker::Task("x-1a2".to_owned()))
    }

    #[test]
    fn a_line_has_prefects_shape() {
        assert_eq!(line(false), "08:15:02.117 | INFO    | Task run 'x-1a2' - hello\n");
    }

    #[test]
    fn colours_are_added_and_taken_back() {
        let line = line(true);
        assert_eq!(line.matches("\x1b[0m").count(), 2);
        assert!(line.contains("\x1b[36mINFO"));
    }
}
