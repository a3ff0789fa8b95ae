//! Flows.

use uuid::Uuid;

use crate::model::{Flow, FlowCreate};
use crate::request::{Method, Request, segment};

/// Registers a flow, or gives the one of that name.
pub fn create(flow: &FlowCreate) -> Request<Flow> {
    Request::new(Method::Post, "/flows/").json(flow)
}

/// Reads a flow.
pub fn read(id: Uuid) -> Request<Flow> {
    Request::new(Method::Get, format!("/flows/{id}"))
}

/// Reads a flow by its name.
pub fn read_by_name(name: &str) -> Request<Flow> {
    Request::new(Method::Get, format!("/flows/name/{}", segment(name)))
}
