//! What tests do with runs of deployments.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::LiveServer;

const FINAL: [&str; 4] = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"];

impl LiveServer {
    /// Starts a run of a deployment, `flow/deployment`, with these fields of the request, and gives its id.
    ///
    /// # Panics
    ///
    /// When there is no such deployment, or the run is not created in time.
    pub fn trigger_with(&self, name: &str, mut body: Value) -> String {
        let deployment = self.get(&format!("/deployments/name/{name}"));
        let path = format!("/deployments/{}/create_flow_run", deployment["id"].as_str().expect("an id"));
        if body.get("state").is_none() {
            body["state"] = json!({"type": "SCHEDULED"});
        }
        // A server on sqlite refuses some when two want to write at once.
        self.eventually("a run to be created", |server| {
            let reply = server.send("POST", &path, Some(&body)).ok()?;
            reply.body["id"].as_str().map(str::to_owned)
        })
    }

    /// Gives a flow run as it is now.
    ///
    /// # Panics
    ///
    /// When the server does not answer in time.
    pub fn read_run(&self, id: &str) -> Value {
        self.eventually("a flow run", |server| {
            let reply = server.send("GET", &format!("/flow_runs/{id}"), None).ok()?;
            (reply.status == 200).then_some(reply.body)
        })
    }

    /// Gives a flow run once it has ended.
    ///
    /// # Panics
    ///
    /// When that does not come to be in time.
    pub fn ended(&self, id: &str) -> Value {
        self.eventually("a run's end", |server| {
            let run = server.read_run(id);
            FINAL.iter().any(|state| run["state_type"] == *state).then_some(run)
        })
    }

    /// Gives a flow run once its state is of this type.
    ///
    /// # Panics
    ///
    /// When that does not come to be in time.
    pub fn in_state(&self, id: &str, state: &str) -> Value {
        self.eventually(state, |server| {
            let run = server.read_run(id);
            (run["state_type"] == state).then_some(run)
        })
    }

    /// Gives the names of the states of a flow run, the first first.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub fn state_names(&self, id: &str) -> Vec<String> {
        let states = self.get(&format!("/flow_run_states/?flow_run_id={id}"));
        let mut states: Vec<(String, String)> = states
            .as_array()
            .expect("a list")
            .iter()
            .map(|state| (state["timestamp"].to_string(), state["name"].as_str().unwrap_or_default().to_owned()))
            .collect();
        states.sort();
        states.into_iter().map(|(_, name)| name).collect()
    }

    /// Asks for a flow run to be cancelled, as the UI does, and gives the state that it is in then.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub fn cancel(&self, id: &str) -> String {
        let path = format!("/flow_runs/{id}/set_state");
        let body = json!({"state": {"type": "CANCELLING"}, "force": false});
        self.eventually("the order to cancel", |server| {
            let reply = server.send("POST", &path, Some(&body)).ok()?;
            reply.body["state"]["type"].as_str().map(str::to_owned)
        })
    }

    /// Waits until every run of a deployment has ended, and gives how many of them are in each state.
    ///
    /// # Panics
    ///
    /// When they have not after `limit`.
    pub fn all_ended(&self, name: &str, limit: Duration) -> Vec<(String, u64)> {
        let deployment = self.get(&format!("/deployments/name/{name}"));
        let count = |states: &[&str]| {
            let query = json!({
                "deployments": {"id": {"any_": [deployment["id"]]}},
                "flow_runs": {"state": {"type": {"any_": states}}},
            });
            let reply = self.send("POST", "/flow_runs/count", Some(&query));
            reply.ok().and_then(|reply| reply.body.as_u64())
        };
        let begun = Instant::now();
        let open = ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"];
        while count(&open) != Some(0) {
            assert!(begun.elapsed() < limit, "{:?} runs of {name} have not ended; {}", count(&open), self.log_end());
            std::thread::sleep(Duration::from_millis(200));
        }
        let ended = FINAL.iter().map(|state| ((*state).to_owned(), count(&[state]).unwrap_or_default()));
        ended.filter(|(_, count)| *count > 0).collect()
    }

    /// Waits until somebody has asked for runs of a deployment since `begun`, in the server's time.
    ///
    /// # Panics
    ///
    /// When nobody does in time.
    pub fn served(&self, name: &str, begun: &str) {
        self.eventually("a runner that asks for runs", |server| {
            let deployment = server.send("GET", &format!("/deployments/name/{name}"), None).ok()?.body;
            (deployment["last_polled"].as_str()? > begun).then_some(())
        });
    }

    /// Gives the time as the server has it.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub fn now(&self) -> String {
        let stamp = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let flow = self.post("/flows/", &json!({"name": format!("clock-{stamp}")}));
        flow["created"].as_str().expect("a time").to_owned()
    }
}
