//! A child process that cannot outlive the test process.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

/// Runs a program for as long as its standard input is open; the pipe to it closes with us.
const WATCHDOG: &str = include_str!("watchdog.py");

/// Is a running program; dropping it kills it and everything it started.
#[derive(Debug)]
pub(super) struct Process {
    watchdog: Child,
    pipe: Option<ChildStdin>,
}

impl Process {
    /// Starts `command` below a watchdog, with its output appended to `log`.
    ///
    /// The watchdog has a process group of its own: Ctrl-C in a terminal ends the tests, and
    /// only their end stops the program, so there is one way to stop and not two.
    pub(super) fn start(python: &Path, command: &Command, log: File) -> io::Result<Self> {
        let mut watchdog = Command::new(python);
        watchdog.args(["-c", WATCHDOG]).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => watchdog.env(key, value),
                None => watchdog.env_remove(key),
            };
        }
        let mut watchdog =
            watchdog.process_group(0).stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let pipe = watchdog.stdin.take();
        Ok(Self { watchdog, pipe })
    }

    /// Stops the program where it stands: it keeps its connections, and answers nothing.
    pub(super) fn freeze(&self) {
        self.signal("USR1");
    }

    /// Lets it go on.
    pub(super) fn thaw(&self) {
        self.signal("USR2");
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.watchdog.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "the watchdog of a running server gets {name}");
    }

    /// Returns how the program ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.watchdog.try_wait().ok().flatten()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.pipe.take());
        // It was started by us and waited for by nobody else: there is nothing to report.
        let _ = self.watchdog.wait();
    }
}
