//! Taking over a flow run that somebody else has created at the server.

use std::sync::Arc;
use std::time::Duration;

use flowkit_client::model::FlowRunUpdate;

use crate::backend::convert;
use crate::backend::server::leases;
use crate::backend::server::link;
use crate::backend::server::mark;
use crate::backend::server::shared::Shared;
use crate::backend::{Existing, NewFlowRun};
use crate::background::Background;
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::retry_delay::{Delays, RetryDelay};
use crate::run::{FlowRun, Track};

fn failed(id: FlowRunId, error: flowkit_client::Error) -> Error {
    if error.is_not_found() {
        return Error::new(ErrorKind::Refused, format!("there is no flow run {id} at the server"));
    }
    Error::new(ErrorKind::Backend, format!("cannot take over flow run {id}")).with_source(error)
}

/// Reads a flow run.
pub(super) async fn find(shared: &Shared, id: FlowRunId) -> Result<Existing, Error> {
    let client = link::waiting(shared);
    let run = client.read_flow_run(id.uuid()).await.map_err(|error| failed(id, error))?;
    let flow = client.read_flow(run.flow_id).await.map_err(|error| failed(id, error))?;
    let deployment = match run.deployment_id {
        Some(deployment) => client.read_deployment(deployment).await.map(Some).map_err(|error| failed(id, error))?,
        None => None,
    };
    convert::existing(run, flow.name, deployment)
        .ok_or_else(|| Error::new(ErrorKind::Backend, format!("flow run {id} has no state at the server")))
}

/// Tells the server what only the program knows of a flow run: version, retries, the name that its template makes.
pub(super) async fn adopt(shared: &Shared, existing: Existing, new: NewFlowRun) -> Result<Arc<FlowRun>, Error> {
    let (client, id) = (link::waiting(shared), existing.id);
    // Read anew: whoever else changes the policy meanwhile must not be overruled.
    let known = client.read_flow_run(id.uuid()).await.map_err(|error| failed(id, error))?;
    let lease = known.state.and_then(|state| state.state_details.deployment_concurrency_lease_id);
    // A worker notes how it can stop the run, perhaps in a moment.
    let foreign = |pid: String| !pid.is_empty() && !mark::is_ours(&pid);
    let by_worker = known.work_pool_name.is_some() || known.infrastructure_pid.is_some_and(foreign);
    let mut policy = known.empirical_policy;
    policy.retries.get_or_insert(new.retries);
    policy.retry_delay.get_or_insert(convert::whole_seconds(new.retry_delay.before(1)));
    let update = FlowRunUpdate {
        name: new.name.clone(),
        flow_version: Some(new.def.version.to_owned()).filter(|version| !version.is_empty()),
        empirical_policy: Some(policy.clone()),
        infrastructure_pid: if by_worker { None } else { mark::own().map(ToOwned::to_owned) },
        ..FlowRunUpdate::default()
    };
    client.update_flow_run(id.uuid(), &update).await.map_err(|error| failed(id, error))?;
    let run = FlowRun {
        id,
        def: new.def,
        name: new.name.unwrap_or(existing.name),
        flow_id: existing.flow_id,
        parameters: new.parameters,
        tags: existing.tags,
        retries: policy.retries.unwrap_or(new.retries),
        retry_delay: policy
            .retry_delay
            .map_or(new.retry_delay, |seconds| Delays::Declared(RetryDelay::Fixed(Duration::from_secs(seconds)))),
        parent_task_run: existing.parent_task_run,
        background: Background { links: Some(Arc::clone(&shared.links)), ..existing.background },
        track: Track::default(),
    };
    shared.acknowledge(id, &existing.state);
    run.track.push(existing.state);
    let run = Arc::new(run);
    if let Some(lease) = lease {
        tokio::spawn(leases::keep(shared.client.clone(), lease, Arc::downgrade(&run)));
    }
    Ok(run)
}

/// Takes the mark of this process away from a flow run that it leaves to others: whoever cancels it meanwhile must not wait
/// for this process. It is asked for once; a runner that claims the run takes away what is left.
pub(super) async fn let_go(shared: &Shared, id: FlowRunId) {
    let run = shared.known_id(id);
    let client = link::patient(shared);
    match client.read_flow_run(run).await {
        Ok(known) if known.infrastructure_pid.is_some() && known.infrastructure_pid.as_deref() == mark::own() => {}
        _ => return,
    }
    let update = FlowRunUpdate { infrastructure_pid: Some(String::new()), ..FlowRunUpdate::default() };
    if let Err(error) = client.update_flow_run(run, &update).await {
        tracing::debug!(target: "flowkit::serve", "flow run {run} keeps the mark of this process: {error}");
    }
}
