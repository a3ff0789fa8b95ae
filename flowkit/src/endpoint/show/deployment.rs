//! Deployments and their schedules.

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::deploy::DeploymentDetails;
use crate::id::id_of;

/// Prefect's `DeploymentResponse`.
pub(in crate::endpoint) fn deployment(deployment: &DeploymentDetails, now: Timestamp) -> Value {
    let limit = deployment.concurrency_limit.map(|limit| {
        let name = format!("deployment:{}", deployment.id);
        json!({
            "id": id_of("limit", &name),
            "created": deployment.created,
            "updated": deployment.updated,
            "active": true,
            "name": name,
            "limit": limit,
            "active_slots": deployment.active_runs,
            "slot_decay_per_second": 0.0,
        })
    });
    json!({
        "id": deployment.id,
        "created": deployment.created,
        "updated": deployment.updated,
        "name": deployment.name,
        "version": deployment.version,
        "description": deployment.description,
        "flow_id": deployment.flow_id,
        "paused": deployment.paused,
        "schedules": schedules(deployment),
        "concurrency_limit": null,
        "global_concurrency_limit": limit,
        "concurrency_options": null,
        "job_variables": {},
        "parameters": deployment.parameters,
        "tags": deployment.tags,
        "labels": { "prefect.flow.id": deployment.flow_id },
        "work_queue_name": null,
        "work_queue_id": null,
        // It is served by the process that answers.
        "last_polled": now,
        "parameter_openapi_schema": deployment.parameter_schema,
        "path": ".",
        "pull_steps": [],
        "entrypoint": deployment.entrypoint,
        "storage_document_id": null,
        "infrastructure_document_id": null,
        "created_by": null,
        "updated_by": null,
        "work_pool_name": null,
        "status": "READY",
        "enforce_parameter_schema": deployment.enforce_parameter_schema,
    })
}

/// The `DeploymentSchedule`s of a deployment.
pub(in crate::endpoint) fn schedules(deployment: &DeploymentDetails) -> Value {
    let schedule = |schedule: &crate::deploy::ScheduleDetails| {
        json!({
            "id": schedule.id,
            "created": deployment.created,
            "updated": deployment.updated,
            "deployment_id": deployment.id,
            "schedule": schedule.rule,
            "active": schedule.active,
            "max_scheduled_runs": null,
            "parameters": schedule.parameters,
            "slug": schedule.slug,
        })
    };
    deployment.schedules.iter().map(schedule).collect()
}
