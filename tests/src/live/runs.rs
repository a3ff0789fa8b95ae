//! Questions about runs that many tests have for the server.

use serde_json::{Value, json};

use super::LiveServer;

impl LiveServer {
    /// Gives the newest flow run of the flow of this name, once its state is of this type.
    ///
    /// # Panics
    ///
    /// When there is none in time.
    pub fn flow_run(&self, flow: &str, state: &str) -> Value {
        let query = json!({"flows": {"name": {"any_": [flow]}}, "sort": "EXPECTED_START_TIME_DESC", "limit": 1});
        self.eventually(&format!("a {state} run of {flow}"), |server| {
            let run = server.ask("POST", "/flow_runs/filter", Some(&query))?.get(0)?.clone();
            (run["state_type"] == state).then_some(run)
        })
    }

    /// Gives the task runs of a flow run, once there are so many of them and each has ended or cannot start.
    ///
    /// # Panics
    ///
    /// When that does not come to be in time.
    pub fn task_runs(&self, flow_run: &Value, count: usize) -> Vec<Value> {
        let query = json!({"flow_runs": {"id": {"any_": [flow_run["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"});
        self.eventually(&format!("{count} settled task runs"), |server| {
            let runs = server.ask("POST", "/task_runs/filter", Some(&query))?.as_array()?.clone();
            let settled = |run: &Value| {
                // The row and its state are stored one after the other.
                let whole = run["state"]["type"] == run["state_type"];
                let ended = ["COMPLETED", "FAILED", "CANCELLED", "CRASHED"].iter().any(|it| run["state_type"] == *it);
                whole && (ended || run["state_name"] == "NotReady")
            };
            (runs.len() == count && runs.iter().all(settled)).then_some(runs)
        })
    }

    /// Gives the log lines of a flow run, once there are at least so many.
    ///
    /// # Panics
    ///
    /// When there are not in time.
    pub fn logs(&self, flow_run: &Value, count: usize) -> Vec<Value> {
        let query = json!({"logs": {"flow_run_id": {"any_": [flow_run["id"]]}}, "sort": "TIMESTAMP_ASC"});
        self.eventually(&format!("{count} log lines"), |server| {
            let lines = server.ask("POST", "/logs/filter", Some(&query))?.as_array()?.clone();
            (lines.len() >= count).then_some(lines)
        })
    }
}
