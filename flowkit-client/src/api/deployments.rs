//! Deployments.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::model::{Deployment, DeploymentCreate, DeploymentFlowRunCreate, DeploymentUpdate, FlowRun, timestamp};
use crate::request::{Ignored, Method, Request, segment};

/// Creates a deployment, or replaces the one of that flow and name.
pub fn create(deployment: &DeploymentCreate) -> Request<Deployment> {
    Request::new(Method::Post, "/deployments/").json(deployment)
}

/// Reads a deployment.
pub fn read(id: Uuid) -> Request<Deployment> {
    Request::new(Method::Get, format!("/deployments/{id}"))
}

/// Reads a deployment by the names of its flow and its own.
pub fn read_by_name(flow: &str, deployment: &str) -> Request<Deployment> {
    Request::new(Method::Get, format!("/deployments/name/{}/{}", segment(flow), segment(deployment)))
}

/// Changes a deployment.
pub fn update(id: Uuid, update: &DeploymentUpdate) -> Request<Ignored> {
    Request::new(Method::Patch, format!("/deployments/{id}")).json(update)
}

/// Deletes a deployment. Its runs stay.
pub fn delete(id: Uuid) -> Request<Ignored> {
    Request::new(Method::Delete, format!("/deployments/{id}"))
}

/// Pauses the schedules of a deployment; runs that they made ahead are deleted.
pub fn pause(id: Uuid) -> Request<Ignored> {
    Request::new(Method::Post, format!("/deployments/{id}/pause_deployment"))
}

/// Lets the schedules of a deployment make runs again.
pub fn resume(id: Uuid) -> Request<Ignored> {
    Request::new(Method::Post, format!("/deployments/{id}/resume_deployment"))
}

/// Creates a flow run from a deployment. Parameters that do not fit its schema are a conflict (409); a name or a field
/// that cannot be is a validation error (422).
pub fn create_flow_run(id: Uuid, run: &DeploymentFlowRunCreate) -> Request<FlowRun> {
    Request::new(Method::Post, format!("/deployments/{id}/create_flow_run")).json(run)
}

/// Asks for the runs of some deployments that are to start before a time, late ones included. Asking is what makes a
/// deployment `READY`.
pub fn get_scheduled_flow_runs(deployments: &[Uuid], before: DateTime<Utc>, limit: u32) -> Request<Vec<FlowRun>> {
    #[derive(Serialize)]
    struct Body<'a> {
        deployment_ids: &'a [Uuid],
        #[serde(with = "timestamp")]
        scheduled_before: DateTime<Utc>,
        limit: u32,
    }
    let body = Body { deployment_ids: deployments, scheduled_before: before, limit };
    Request::new(Method::Post, "/deployments/get_scheduled_flow_runs").json(&body)
}
