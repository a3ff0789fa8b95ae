//! Parts of a bench that run in a process of their own.
//!
//! The level of the log and what becomes of it are settings of the process, and so is peak memory.
//! A bench therefore runs itself again for each part, with the name of the part as its only
//! argument; by hand the same argument runs that part alone, with the caller's environment.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Says what becomes of the log lines of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Console {
    /// Lines below ERROR are not made.
    Off,
    /// Lines from INFO up are made, kept in the history and written to the null device.
    Null,
}

/// Is one part of a bench.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// How the command line names it.
    pub name: &'static str,
    /// What becomes of its log lines.
    pub console: Console,
    /// Does the work and prints the results.
    pub run: fn(),
}

/// Runs the part that the command line names, or all of them, one after the other.
pub fn main(parts: &[Part]) -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        let failed = parts.iter().find(|part| timed(again(part.name, part.console)).is_none());
        return match failed {
            Some(part) => {
                eprintln!("part {0} failed; run it alone to see why, with `{0}` as the only argument", part.name);
                ExitCode::FAILURE
            }
            None => ExitCode::SUCCESS,
        };
    };
    let Some(part) = parts.iter().find(|part| part.name == name) else {
        let names: Vec<_> = parts.iter().map(|part| part.name).collect();
        eprintln!("there is no part `{name}`; choose one of {}, or none for all", names.join(", "));
        return ExitCode::from(2);
    };
    (part.run)();
    ExitCode::SUCCESS
}

/// Makes the command that runs the part called `name` of this program in a new process.
///
/// No setting of the caller's environment reaches it.
///
/// # Panics
///
/// When it is not known where this program is.
pub fn again(name: &str, console: Console) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a program knows where it is"));
    command.arg(name);
    for (setting, _) in std::env::vars_os() {
        let setting = setting.to_string_lossy();
        if setting.starts_with("PREFECT_") || setting.starts_with("FLOWKIT_") {
            command.env_remove(&*setting);
        }
    }
    match console {
        Console::Off => command.env("PREFECT_LOGGING_LEVEL", "ERROR"),
        Console::Null => command.env("PREFECT_LOGGING_LEVEL", "INFO").stderr(Stdio::null()),
    };
    command
}

/// Runs a process; returns how long it lived, `None` if it failed.
pub fn timed(mut command: Command) -> Option<Duration> {
    let start = Instant::now();
    let status = command.status().ok()?;
    status.success().then(|| start.elapsed())
}
