//! Deployments.

use uuid::Uuid;

use crate::model::{Deployment, DeploymentFlowRunCreate, FlowRun};
use crate::request::{Method, Request, segment};

/// Reads a deployment.
pub fn read(id: Uuid) -> Request<Deployment> {
    Request::new(Method::Get, format!("/deployments/{id}"))
}

/// Reads a deployment by the names of its flow and its own.
pub fn read_by_name(flow: &str, deployment: &str) -> Request<Deployment> {
    Request::new(Method::Get, format!("/deployments/name/{}/{}", segment(flow), segment(deployment)))
}

/// Creates a flow run from a deployment. Parameters that do not fit its schema are a conflict (409).
pub fn create_flow_run(id: Uuid, run: &DeploymentFlowRunCreate) -> Request<FlowRun> {
    Request::new(Method::Post, format!("/deployments/{id}/create_flow_run")).json(run)
}
