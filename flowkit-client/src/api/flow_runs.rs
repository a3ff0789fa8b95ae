//! Flow runs.

use serde::Serialize;
use uuid::Uuid;

use crate::model::{
    FlowRun, FlowRunCreate, FlowRunQuery, FlowRunUpdate, JsonObject, Labels, OrchestrationResult, StateCreate,
};
use crate::request::{Ignored, Method, Request};

/// Creates a flow run.
pub fn create(run: &FlowRunCreate) -> Request<FlowRun> {
    Request::new(Method::Post, "/flow_runs/").json(run)
}

/// Reads a flow run.
pub fn read(id: Uuid) -> Request<FlowRun> {
    Request::new(Method::Get, format!("/flow_runs/{id}"))
}

/// Changes fields of a flow run.
pub fn update(id: Uuid, update: &FlowRunUpdate) -> Request<Ignored> {
    Request::new(Method::Patch, format!("/flow_runs/{id}")).json(update)
}

/// Adds labels to a flow run.
pub fn update_labels(id: Uuid, labels: &Labels) -> Request<Ignored> {
    Request::new(Method::Patch, format!("/flow_runs/{id}/labels")).json(labels)
}

/// Says whether the server's rules apply to a proposed state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orchestrate {
    /// The server decides: what a running flow proposes.
    Rules,
    /// The state is set whatever the rules say: what a crash handler or a runner reports.
    Force,
}

/// Proposes a state. Judge the answer by its status, never by the HTTP status.
pub fn set_state(id: Uuid, state: &StateCreate, how: Orchestrate) -> Request<OrchestrationResult> {
    #[derive(Serialize)]
    struct Body<'a> {
        state: &'a StateCreate,
        force: bool,
    }
    let body = Body { state, force: how == Orchestrate::Force };
    Request::new(Method::Post, format!("/flow_runs/{id}/set_state")).json(&body)
}

/// Resumes a paused or suspended flow run, with input if the pause waits for it.
pub fn resume(id: Uuid, input: Option<&JsonObject>) -> Request<OrchestrationResult> {
    #[derive(Serialize)]
    struct Body<'a> {
        run_input: Option<&'a JsonObject>,
    }
    Request::new(Method::Post, format!("/flow_runs/{id}/resume")).json(&Body { run_input: input })
}

/// Reads the flow runs a query asks for.
pub fn filter(query: &FlowRunQuery) -> Request<Vec<FlowRun>> {
    Request::new(Method::Post, "/flow_runs/filter").json(query)
}

/// Counts the flow runs a query picks, whatever its limit.
pub fn count(query: &FlowRunQuery) -> Request<u64> {
    Request::new(Method::Post, "/flow_runs/count").json(query)
}
