//! Programs that serve deployments for a while, and what their flows have written down.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::LiveServer;

/// Is a file that flows add a line to when they run: `<flow> <flow run id>`.
#[derive(Debug)]
pub struct Notes(PathBuf);

impl Notes {
    /// Names a file that is not there yet.
    pub fn new(name: &str) -> Self {
        let stamp = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        Self(std::env::temp_dir().join(format!("flowkit-{name}-{}-{stamp}", std::process::id())))
    }

    /// Returns its path as text.
    ///
    /// # Panics
    ///
    /// When the folder for temporary files has a name that is no text.
    pub fn path(&self) -> &str {
        self.0.to_str().expect("a path that is text")
    }

    /// Counts how often each flow run has begun.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for line in std::fs::read_to_string(&self.0).unwrap_or_default().lines() {
            *counts.entry(line.split(' ').nth(1).unwrap_or_default().to_owned()).or_default() += 1;
        }
        counts
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        // It may never have been written.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl LiveServer {
    /// Gives all runs of the deployment of this name, the first due first, if the server tells.
    pub fn runs_of(&self, deployment: &str) -> Option<Vec<Value>> {
        let id = self.ask("GET", &format!("/deployments/name/{deployment}"), None)?["id"].clone();
        let query = json!({"deployments": {"id": {"any_": [id]}}, "sort": "EXPECTED_START_TIME_ASC", "limit": 200});
        self.ask("POST", "/flow_runs/filter", Some(&query))?.as_array().cloned()
    }

    /// Starts a run of a deployment, and gives its id.
    ///
    /// # Panics
    ///
    /// When the server does not do it in time.
    pub fn trigger(&self, deployment: &str, parameters: &Value) -> String {
        self.trigger_with(deployment, json!({"parameters": parameters}))
    }
}
