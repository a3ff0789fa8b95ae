//! A program that serves without a server and has an endpoint, and those who talk to it.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::live::api::Api;
use crate::live::server::{clean_env, fresh_directory};
use crate::live::{self, Reply};
use crate::program::{Finished, Program, Running};

/// Is a served program.
#[derive(Debug)]
pub struct Served {
    program: Running,
    api_url: String,
    api: Api,
}

impl Served {
    /// Starts the example `live_endpoint` on a free port.
    ///
    /// # Panics
    ///
    /// When it cannot be started, or ends.
    pub fn start() -> Self {
        Self::of(Program::example("live_endpoint").args(&["serve", "127.0.0.1:0"]), None)
    }

    /// Starts a program that has an endpoint; `auth` is what its own requests show, `user:password`.
    ///
    /// # Panics
    ///
    /// When it cannot be started, or ends.
    pub fn of(program: Program, auth: Option<&str>) -> Self {
        let mut program = program.start();
        let api_url = program.rest_of("PREFECT_API_URL=");
        Self { program, api_url, api: Api::new(auth) }
    }

    /// Returns what `PREFECT_API_URL` is to be for this program's endpoint.
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// Returns `host:port`.
    pub fn address(&self) -> &str {
        self.api_url.trim_start_matches("http://").trim_end_matches("/api")
    }

    /// Sends any request and returns any answer.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let url = format!("{}{path}", self.api_url);
        self.api.send(method, &url, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Starts a run of a deployment, and returns its id.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn trigger(&self, deployment: &str, body: &Value) -> String {
        let found = self.send("GET", &format!("/deployments/name/{deployment}"), None).body;
        let id = found["id"].as_str().unwrap_or_else(|| panic!("no deployment: {found}"));
        let run = self.send("POST", &format!("/deployments/{id}/create_flow_run"), Some(body));
        assert_eq!(run.status, 201, "{}", run.body);
        run.body["id"].as_str().expect("a run has an id").to_owned()
    }

    /// Waits until a flow run is in a state of this type, and returns it.
    ///
    /// # Panics
    ///
    /// After half a minute.
    pub fn in_state(&self, run: &str, state: &str) -> Value {
        let begun = Instant::now();
        loop {
            let now = self.send("GET", &format!("/flow_runs/{run}"), None).body;
            if now["state_type"] == state {
                return now;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "it is not {state}: {now:#}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Prepares a stock Prefect client as a user has it: Python with these arguments.
    pub fn python(&self, arguments: &[&str]) -> Stock {
        let python = live::interpreter().expect("live tests are on");
        let home = fresh_directory().join("client");
        let mut command = Command::new(python);
        clean_env(&mut command, &home);
        command.args(arguments).env("PREFECT_API_URL", &self.api_url);
        Stock { command, home }
    }

    /// Prepares the `prefect` command.
    pub fn prefect(&self, arguments: &[&str]) -> Stock {
        self.python(&[&["-m", "prefect"], arguments].concat())
    }

    /// Ends the program, which must end well.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn end(self) -> Finished {
        self.program.signal("TERM");
        self.program.wait().succeeded()
    }
}

/// Is a stock client that has not been started.
#[derive(Debug)]
pub struct Stock {
    command: Command,
    home: PathBuf,
}

impl Stock {
    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn run(mut self) -> Finished {
        let finished = Finished::from(self.command.output().expect("Python starts"));
        // It is in the target directory anyhow.
        let _ = std::fs::remove_dir_all(self.home);
        finished
    }

    /// Runs it to its end, which must be a good one, and returns what it printed.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub fn prints(self) -> String {
        self.run().succeeded().stdout
    }
}
