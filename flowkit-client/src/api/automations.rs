//! Automations.

use crate::model::{Automation, AutomationCreate};
use crate::request::{Ignored, Method, Request, segment};

/// Creates an automation.
pub fn create(automation: &AutomationCreate) -> Request<Automation> {
    Request::new(Method::Post, "/automations/").json(automation)
}

/// Deletes the automations that belong to a resource, such as `prefect.deployment.<uuid>`.
pub fn delete_owned_by(resource: &str) -> Request<Ignored> {
    Request::new(Method::Delete, format!("/automations/owned-by/{}", segment(resource)))
}

/// Reads the automations that have to do with a resource.
pub fn related_to(resource: &str) -> Request<Vec<Automation>> {
    Request::new(Method::Get, format!("/automations/related-to/{}", segment(resource)))
}
