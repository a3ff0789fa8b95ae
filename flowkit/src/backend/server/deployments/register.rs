//! Registering a deployment: a plan of requests, and sending them.

use flowkit_client::Client;
use flowkit_client::api::deployments;
use flowkit_client::model::{Deployment, DeploymentCreate, DeploymentUpdate, FlowCreate};
use uuid::Uuid;

use super::misfires::Policies;
use super::{failed, patient};
use crate::backend::convert;
use crate::backend::server::shared::Shared;
use crate::deploy::{DeploymentSpec, RegisteredDeployment};
use crate::error::Error;

/// How a deployment comes to be as it should.
#[derive(Debug, PartialEq)]
enum Registration {
    /// It does not exist yet.
    Create(Box<DeploymentCreate>),
    /// It does, and is changed in place: its id, its runs and its labels stay.
    Update(Uuid, Box<DeploymentUpdate>),
}

fn plan(create: DeploymentCreate, existing: Option<&Deployment>) -> Registration {
    match existing {
        None => Registration::Create(Box::new(create)),
        Some(existing) => Registration::Update(existing.id, Box::new(create.into_update())),
    }
}

/// Registers a deployment with its schedules and triggers.
pub(super) async fn register(shared: &Shared, spec: &DeploymentSpec) -> Result<RegisteredDeployment, Error> {
    let client = patient(shared);
    let full_name = spec.full_name();
    let refused = |error| failed(format!("cannot register deployment '{full_name}'"), error);
    let existing = client.read_deployment_by_name(spec.flow, &spec.name).await.map_err(refused)?;
    let flow = match &existing {
        Some(existing) => existing.flow_id,
        None => client.create_flow(&FlowCreate::new(spec.flow)).await.map_err(refused)?.id,
    };
    let id = match plan(convert::deployment(spec, flow), existing.as_ref()) {
        Registration::Create(create) => client.create_deployment(&create).await.map_err(refused)?.id,
        Registration::Update(id, update) => {
            client.update_deployment(id, &update).await.map_err(refused)?;
            id
        }
    };
    remember(shared, &client, spec, id, existing.as_ref()).await.map_err(refused)?;
    // Triggers have no names that would tell which is which: all that the deployment owns are made anew.
    client.delete_automations_owned_by(&convert::owner(id)).await.map_err(refused)?;
    for automation in convert::automations(spec, id) {
        client.create_automation(&automation).await.map_err(refused)?;
    }
    Ok(RegisteredDeployment { id, full_name, ui_url: Some(shared.links.ui_of_deployment(id)) })
}

/// Takes note of what becomes of missed dates, by the ids that the schedules have now and those that they had before:
/// runs that are late by now were made by the latter.
async fn remember(
    shared: &Shared,
    client: &Client,
    spec: &DeploymentSpec,
    id: Uuid,
    before: Option<&Deployment>,
) -> Result<(), flowkit_client::Error> {
    if spec.schedules.is_empty() && before.is_none_or(|before| before.schedules.is_empty()) {
        return Ok(());
    }
    let now = client.send(deployments::read(id)).await?;
    let known = before.into_iter().chain([&now]).flat_map(|deployment| &deployment.schedules);
    shared.misfires.remember(id, Policies::new(&spec.schedules, known));
    Ok(())
}

/// Pauses the schedules of a deployment.
pub(super) async fn pause(shared: &Shared, deployment: Uuid) -> Result<(), Error> {
    let update = DeploymentUpdate { paused: Some(true), ..DeploymentUpdate::default() };
    let paused = patient(shared).update_deployment(deployment, &update).await;
    paused.map_err(|error| failed(format!("cannot pause deployment {deployment}"), error))
}
