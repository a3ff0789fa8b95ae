//! Starts, stops and watches one server.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::api::Api;
use super::port::Port;
use super::process::Process;
use super::{log, say, skipped, switched_on, venv};

const START_DEADLINE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// Runs Prefect's command line without the garbage collector of cycles.
///
/// On sqlite, a server that many want to write to at once blocks itself for a minute at a time: after a "database is
/// locked", the collector frees what is left of a statement in the event loop, and waits there for the connection, which
/// waits for another one, which waits for the loop.
const WITHOUT_COLLECTOR: &str = "import gc, runpy\n\
                                 gc.disable()\n\
                                 runpy.run_module('prefect', run_name='__main__', alter_sys=True)";

/// How long what a server left behind is kept for a look at its log.
const KEEP: Duration = Duration::from_secs(24 * 60 * 60);

/// Is a running Prefect server with a database of its own; dropping it ends it.
#[derive(Debug)]
pub struct LiveServer {
    python: PathBuf,
    directory: PathBuf,
    port: Port,
    env: BTreeMap<String, String>,
    auth: Option<String>,
    api: Api,
    process: Mutex<Option<Process>>,
}

/// Says how a server is to be started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    auth: Option<String>,
    env: BTreeMap<String, String>,
}

impl Options {
    /// Has the server ask for this authentication string, as `user:password`. The calls of
    /// [`LiveServer`] send it.
    #[must_use]
    pub fn auth(mut self, auth: &str) -> Self {
        self.auth = Some(auth.to_owned());
        self
    }

    /// Sets a variable of the server's environment, such as `PREFECT_SERVER_UI_ENABLED`.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Starts the server, or returns `None` when live tests are switched off.
    ///
    /// # Panics
    ///
    /// When Python is missing, or the server cannot be installed or started.
    pub fn start(self) -> Option<LiveServer> {
        if switched_on() { Some(self.launch()) } else { skipped() }
    }

    pub(super) fn launch(self) -> LiveServer {
        let python = venv::python();
        let directory = fresh_directory();
        let port = Port::reserve();
        let api = Api::new(self.auth.as_deref());
        let Self { auth, env } = self;
        let process = Mutex::default();
        let server = LiveServer { python, directory, port, env, auth, api, process };
        server.restart();
        server
    }
}

impl LiveServer {
    /// Starts a server of the caller's own, or returns `None` when live tests are switched off.
    ///
    /// # Panics
    ///
    /// When Python is missing, or the server cannot be installed or started.
    pub fn start() -> Option<Self> {
        Options::default().start()
    }

    /// Returns the options to start a server that differs.
    pub fn options() -> Options {
        Options::default()
    }

    /// Returns what `PREFECT_API_URL` is to be for this server.
    pub fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}/api", self.port.number())
    }

    /// Returns a folder that programs can keep in what they cannot deliver to this server.
    pub fn spool(&self) -> PathBuf {
        self.directory.join("spool")
    }

    /// Kills the server, as an outage would: nothing is finished or said first.
    pub fn kill(&self) {
        drop(self.process().take());
    }

    /// Stops the server where it stands: connections are still made, and nothing is answered.
    pub fn freeze(&self) {
        self.process().as_ref().into_iter().for_each(Process::freeze);
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        self.process().as_ref().into_iter().for_each(Process::thaw);
    }

    /// Starts the server again on its port and its database, killing it first if it runs.
    ///
    /// # Panics
    ///
    /// When it does not become healthy within two minutes.
    pub fn restart(&self) {
        let mut slot = self.process();
        drop(slot.take());
        let begun = Instant::now();
        let log = File::options().append(true).create(true).open(self.log_path());
        let log = log.expect("the target directory can be written");
        let mut process = Process::start(&self.python, &self.command(), log)
            .unwrap_or_else(|error| panic!("cannot start the server: {error}"));
        while !self.is_healthy() {
            if let Some(status) = process.ended() {
                panic!("the server ended at its start with {status}; {}", self.log_end());
            }
            if begun.elapsed() > START_DEADLINE {
                panic!("the server is not healthy after {START_DEADLINE:?}; {}", self.log_end());
            }
            std::thread::sleep(POLL);
        }
        *slot = Some(process);
        let seconds = begun.elapsed().as_secs_f32();
        say(&format!("server {} at {} after {seconds:.1} s", venv::SERVER_VERSION, self.api_url()));
    }

    /// Says whether the server answers its health check.
    pub fn is_healthy(&self) -> bool {
        self.send("GET", "/health", None).is_ok_and(|reply| reply.status == 200)
    }

    /// Runs `script` in the server's Python, as a client of this server, and returns what it
    /// printed.
    ///
    /// # Panics
    ///
    /// When the script fails, with what it wrote to stderr.
    pub fn python(&self, script: &str) -> String {
        let mut command = Command::new(&self.python);
        command.args(["-c", script]);
        clean_env(&mut command, &self.directory.join("client"));
        command.env("PREFECT_API_URL", self.api_url());
        if let Some(auth) = &self.auth {
            command.env("PREFECT_API_AUTH_STRING", auth);
        }
        let output = command.output().unwrap_or_else(|error| panic!("cannot run Python: {error}"));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the script ended with {}:\n{told}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Returns everything the server has logged, over restarts, one access line per request.
    pub fn log_lines(&self) -> Vec<String> {
        self.log().lines().map(str::to_owned).collect()
    }

    /// Checks that the server refused nothing and warned of nothing: no answer of 400 or above,
    /// no warning, no error, no traceback, but for entries that contain one of `allowed`.
    ///
    /// # Panics
    ///
    /// When the log shows any of these, with the entries.
    pub fn assert_log_clean(&self, allowed: &[&str]) {
        let found = self.complaints(allowed);
        assert!(found.is_empty(), "the server complains:\n{}", found.join("\n"));
    }

    /// Returns the entries that [`assert_log_clean`](Self::assert_log_clean) fails on.
    pub fn complaints(&self, allowed: &[&str]) -> Vec<String> {
        log::complaints(&self.log(), allowed)
    }

    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    pub(super) fn log_end(&self) -> String {
        let lines = self.log_lines();
        let end = lines[lines.len().saturating_sub(30)..].join("\n");
        format!("the end of {}:\n{end}", self.log_path().display())
    }

    fn log(&self) -> String {
        let log = fs::read(self.log_path()).expect("a started server has a log");
        String::from_utf8_lossy(&log).into_owned()
    }

    fn log_path(&self) -> PathBuf {
        self.directory.join("server.log")
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.python);
        command.args(["-c", WITHOUT_COLLECTOR, "server", "start", "--host", "127.0.0.1", "--port"]);
        command.arg(self.port.number().to_string());
        clean_env(&mut command, &self.directory.join("home"));
        command
            .env("PREFECT_SERVER_LOGGING_LEVEL", "INFO")
            // The page the UI is served from is written into the package: tests would race.
            .env("PREFECT_SERVER_UI_ENABLED", "false")
            .env("PREFECT_UI_STATIC_DIRECTORY", self.directory.join("ui"));
        if let Some(auth) = &self.auth {
            command.env("PREFECT_SERVER_API_AUTH_STRING", auth);
        }
        command.envs(&self.env);
        command
    }
}

/// Keeps the caller's own Prefect settings and profiles out, and the outside world unasked.
pub(crate) fn clean_env(command: &mut Command, home: &Path) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PREFECT_") {
            command.env_remove(name);
        }
    }
    command
        .env("PREFECT_HOME", home)
        .env("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        .env("DO_NOT_TRACK", "1")
        .env("NO_COLOR", "1")
        // Programs that it starts are to leave nothing in the developer's cache.
        .env("FLOWKIT_SPOOL", "off")
        // Else long lines are broken at the width of a terminal.
        .env("COLUMNS", "1000")
        .env("PYTHONUNBUFFERED", "1");
}

pub(crate) fn fresh_directory() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let runs = venv::root().join("runs");
    remove_old(&runs);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let stamp = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
    let directory = runs.join(format!("{stamp}-{}-{count}", std::process::id()));
    fs::create_dir_all(&directory).expect("the target directory can be written");
    directory
}

/// Removes what servers of earlier days left; what cannot be removed stays, and does no harm.
fn remove_old(runs: &Path) {
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > KEEP) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
