//! Asks a Prefect server, by its REST API, for what it stored.
//!
//! Runs are found from the ids a program began with: the task runs of a flow run, the flow runs that these stand for,
//! and so on. The server's own pages hold 200 rows, which no program of the suite may exceed; more is an error.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use flowkit::Timestamp;
use serde_json::{Value, json};

use super::facts::{Facts, FlowFact, LogFact, StateFact, TaskFact};
use super::stage::Roots;
use crate::live::LiveServer;

const PAGE: usize = 200;

/// Returns what the server knows of the runs below `roots`, without log lines, once each has ended.
///
/// While one has not, that is found out with as few questions as can be, since the server is busy.
///
/// # Panics
///
/// When the server does not answer, or a program has more runs or log lines than a page holds.
pub fn runs(server: &LiveServer, roots: &Roots) -> Option<Facts> {
    let mut flows =
        rows(server, "/flow_runs/filter", &json!({"flow_runs": {"id": {"any_": roots.flows}}}), &roots.flows);
    let mut tasks =
        rows(server, "/task_runs/filter", &json!({"task_runs": {"id": {"any_": roots.tasks}}}), &roots.tasks);
    let (mut next, mut all) = (flows.clone(), tasks.clone());
    if next.len() < roots.flows.len() || all.len() < roots.tasks.len() {
        return None;
    }
    if !all.iter().all(is_settled) {
        return None;
    }
    while !next.is_empty() {
        let ids: Vec<String> = next.iter().map(|row| text(&row["id"])).collect();
        tasks = rows(server, "/task_runs/filter", &json!({"flow_runs": {"id": {"any_": ids}}}), &ids);
        if !next.iter().chain(&tasks).all(is_settled) {
            return None;
        }
        let parents: Vec<String> = tasks.iter().map(|row| text(&row["id"])).collect();
        let below = json!({"flow_runs": {"parent_task_run_id": {"any_": parents}}});
        next = rows(server, "/flow_runs/filter", &below, &parents);
        flows.extend(next.iter().cloned());
        all.append(&mut tasks);
    }
    let flows = flows.iter().map(|row| flow(server, row)).collect();
    Some(Facts { flows, tasks: all.iter().map(|row| task(server, row)).collect(), logs: Vec::new() })
}

/// Adds the log lines that the server has of these runs at this moment, in place of what is there.
///
/// # Panics
///
/// As [`runs`].
pub fn add_logs(server: &LiveServer, facts: &mut Facts, roots: &Roots) {
    facts.logs.clear();
    let flows: Vec<String> = facts.flows.iter().map(|run| run.id.clone()).collect();
    for (field, ids) in [("flow_run_id", &flows), ("task_run_id", &roots.tasks)] {
        let query = json!({"logs": {field: {"any_": ids}}, "sort": "TIMESTAMP_ASC"});
        facts.logs.extend(rows(server, "/logs/filter", &query, ids).iter().map(log));
    }
}

/// Tells whether nothing can follow, by the row alone. A row and its state are stored one after the other.
fn is_settled(row: &Value) -> bool {
    let ended = ["COMPLETED", "FAILED", "CANCELLED", "CRASHED"].iter().any(|kind| row["state_type"] == *kind);
    row["state"]["type"] == row["state_type"] && (ended || row["state_name"] == "NotReady")
}

/// Returns how many flow runs and task runs the server has in all.
///
/// # Panics
///
/// When the server does not answer.
pub fn counts(server: &LiveServer) -> (u64, u64) {
    let count = |path| server.post(path, &json!({})).as_u64().unwrap_or_default();
    (count("/flow_runs/count"), count("/task_runs/count"))
}

fn rows(server: &LiveServer, path: &str, query: &Value, ids: &[String]) -> Vec<Value> {
    if ids.is_empty() {
        return Vec::new();
    }
    let found = server.post(path, query).as_array().cloned().unwrap_or_default();
    assert!(found.len() < PAGE, "{path}: a program of the suite has fewer than {PAGE} rows of a kind");
    found
}

fn flow(server: &LiveServer, row: &Value) -> FlowFact {
    FlowFact {
        id: text(&row["id"]),
        flow: name_of_flow(server, &text(&row["flow_id"])),
        name: text(&row["name"]),
        tags: tags(&row["tags"]),
        parameters: row["parameters"].clone(),
        parent: row["parent_task_run_id"].as_str().map(str::to_owned),
        states: states(server, &format!("/flow_run_states/?flow_run_id={}", text(&row["id"]))),
        run_count: row["run_count"].as_u64().unwrap_or_default(),
    }
}

/// The name of a flow, asked for once.
fn name_of_flow(server: &LiveServer, id: &str) -> String {
    static KNOWN: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
    known.unwrap_or_else(|| {
        let name = text(&server.get(&format!("/flows/{id}"))["name"]);
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), name.clone());
        name
    })
}

fn task(server: &LiveServer, row: &Value) -> TaskFact {
    TaskFact {
        id: text(&row["id"]),
        name: text(&row["name"]),
        flow_run: row["flow_run_id"].as_str().map(str::to_owned),
        tags: tags(&row["tags"]),
        inputs: inputs(&row["task_inputs"]),
        states: states(server, &format!("/task_run_states/?task_run_id={}", text(&row["id"]))),
        run_count: row["run_count"].as_u64().unwrap_or_default(),
    }
}

fn inputs(value: &Value) -> BTreeMap<String, Vec<String>> {
    let arguments = value.as_object().into_iter().flatten();
    let runs = |runs: &Value| runs.as_array().into_iter().flatten().map(|run| text(&run["id"])).collect();
    arguments.map(|(name, value)| (name.clone(), runs(value))).collect()
}

fn states(server: &LiveServer, path: &str) -> Vec<StateFact> {
    let found = server.get(path);
    let mut states: Vec<StateFact> = found.as_array().into_iter().flatten().map(state).collect();
    states.sort_by_key(|state| state.entered);
    states
}

fn state(value: &Value) -> StateFact {
    StateFact {
        name: text(&value["name"]),
        kind: text(&value["type"]),
        message: value["message"].as_str().map(str::to_owned),
        entered: moment(&value["timestamp"]).unwrap_or_default(),
        scheduled: moment(&value["state_details"]["scheduled_time"]),
    }
}

fn log(value: &Value) -> LogFact {
    LogFact {
        level: value["level"].as_u64().unwrap_or_default(),
        message: text(&value["message"]),
        flow_run: value["flow_run_id"].as_str().map(str::to_owned),
        task_run: value["task_run_id"].as_str().map(str::to_owned),
    }
}

fn moment(value: &Value) -> Option<i64> {
    let parsed: chrono::DateTime<chrono::Utc> = serde_json::from_value(value.clone()).ok()?;
    Some(Timestamp::from(parsed).unix_micros())
}

fn tags(value: &Value) -> Vec<String> {
    let mut tags: Vec<String> = value.as_array().into_iter().flatten().map(text).collect();
    tags.sort();
    tags
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
