//! Starting a run of a deployment, and looking how it goes.

use flowkit_client::Client;
use flowkit_client::model::{Deployment, FlowRun};

use super::{failed, patient};
use crate::backend::convert;
use crate::backend::server::shared::Shared;
use crate::clock;
use crate::deploy::{DeploymentRun, NewDeploymentRun, Target};
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::state::{State, StateName};

/// Creates a run, and the task run that stands for it if it is a subflow.
pub(super) async fn start(shared: &Shared, new: &NewDeploymentRun) -> Result<DeploymentRun, Error> {
    let client = patient(shared);
    let (deployment, full_name) = find(&client, &new.target).await?;
    let refused = |error: flowkit_client::Error| {
        // The schema is the deployment's: 409 says that the parameters do not fit it.
        if error.status() == Some(409) {
            let why = format!("the parameters do not fit deployment '{full_name}'");
            return Error::new(ErrorKind::Parameters, why).with_source(error);
        }
        failed(format!("cannot start a run of deployment '{full_name}'"), error)
    };
    let stand_in = match &new.caller {
        None => None,
        Some(caller) => {
            let flow_run = shared.known_id(caller.flow_run);
            let version = deployment.version.as_deref();
            let create = convert::deployment_stand_in(&full_name, version, new, caller, flow_run);
            Some(client.create_task_run(&create).await.map_err(refused)?.id)
        }
    };
    let run = convert::deployment_run(new, clock::now(), stand_in);
    let run = client.create_flow_run_from_deployment(deployment.id, &run).await.map_err(refused)?;
    Ok(seen(run))
}

async fn find(client: &Client, target: &Target) -> Result<(Deployment, String), Error> {
    let (found, called) = match target {
        Target::Id(id) => {
            let read = client.send_opt(flowkit_client::api::deployments::read(*id)).await;
            (read, format!("deployment {id}"))
        }
        Target::Name { flow, deployment } => {
            let read = client.read_deployment_by_name(flow, deployment).await;
            (read, format!("deployment '{flow}/{deployment}'"))
        }
    };
    let found = found.map_err(|error| failed(format!("cannot read {called}"), error))?;
    let found = found.ok_or_else(|| {
        let url = client.api_url();
        Error::new(
            ErrorKind::Definition,
            format!("there is no {called} on the server that PREFECT_API_URL names, {url}"),
        )
    })?;
    let full_name = match target {
        Target::Name { flow, deployment } => format!("{flow}/{deployment}"),
        Target::Id(_) => {
            let flow = client.read_flow(found.flow_id).await;
            let flow = flow.map_err(|error| failed(format!("cannot read the flow of {called}"), error))?;
            format!("{}/{}", flow.name, found.name)
        }
    };
    Ok((found, full_name))
}

/// Reads a run.
pub(super) async fn look(shared: &Shared, run: FlowRunId) -> Result<DeploymentRun, Error> {
    let read = patient(shared).read_flow_run(run.uuid()).await;
    read.map(seen).map_err(|error| failed(format!("cannot read flow run {run}"), error))
}

fn seen(run: FlowRun) -> DeploymentRun {
    let state = run.state.as_ref().map(convert::answered);
    let state = state.unwrap_or_else(|| State::new(StateName::Pending, clock::now()));
    DeploymentRun { id: run.id.into(), name: run.name, state }
}
