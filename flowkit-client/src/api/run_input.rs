//! Inputs of flow runs.

use uuid::Uuid;

use crate::model::{FlowRunInput, FlowRunInputCreate, FlowRunInputQuery};
use crate::request::{Ignored, Method, Request, segment};

/// Creates an input. A key that exists already is a conflict (409).
pub fn create(run: Uuid, input: &FlowRunInputCreate) -> Request<Ignored> {
    Request::new(Method::Post, format!("/flow_runs/{run}/input")).json(input)
}

/// Reads the value of an input.
pub fn read(run: Uuid, key: &str) -> Request<serde_json::Value> {
    Request::new(Method::Get, format!("/flow_runs/{run}/input/{}", segment(key)))
}

/// Reads the inputs a query asks for, oldest first.
pub fn filter(run: Uuid, query: &FlowRunInputQuery) -> Request<Vec<FlowRunInput>> {
    Request::new(Method::Post, format!("/flow_runs/{run}/input/filter")).json(query)
}

/// Removes an input.
pub fn delete(run: Uuid, key: &str) -> Request<Ignored> {
    Request::new(Method::Delete, format!("/flow_runs/{run}/input/{}", segment(key)))
}
