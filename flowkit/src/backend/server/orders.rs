//! Creating flow runs and setting their states at the server.

use flowkit_client::api::flow_runs::Orchestrate;
use flowkit_client::model::{FlowCreate, OrchestrationStatus, StateCreate};
use flowkit_client::{Client, Error};
use uuid::Uuid;

use crate::backend::convert::{self, Known};
use crate::backend::server::outbox::Order;
use crate::backend::server::shared::Shared;
use crate::backend::{Answer, NewFlowRun};
use crate::id::{FlowRunId, TaskRunId};

/// Creates a flow run, and the task run that stands for it if it is a subflow. Under the same `key` it is created once,
/// however often that is asked for.
pub(super) async fn create(
    client: &Client,
    shared: &Shared,
    new: &NewFlowRun,
    key: FlowRunId,
) -> Result<(Known, Option<TaskRunId>), Error> {
    let stand_in = match &new.parent {
        None => None,
        Some(parent) => {
            let flow_run = shared.known(&parent.flow_run).flow_run;
            let task_run = client
                .create_task_run(&convert::stand_in(new, parent, flow_run, key, &|run| shared.stand_ins.known_as(run)))
                .await?;
            Some(task_run.id)
        }
    };
    let flow = client.create_flow(&FlowCreate::new(new.def.name)).await?;
    let run = client.create_flow_run(&convert::flow_run(new, flow.id, stand_in, key)).await?;
    Ok((Known { flow_run: run.id, flow: flow.id, name: run.name }, stand_in.map(TaskRunId::from)))
}

/// Proposes a state and reads the answer.
pub(super) async fn propose(client: &Client, run: Uuid, state: &StateCreate, force: bool) -> Result<Answer, Error> {
    let how = if force { Orchestrate::Force } else { Orchestrate::Rules };
    let result = client.set_flow_run_state(run, state, how).await?;
    let why = || result.reason().unwrap_or("no reason given").to_owned();
    let answered = result.state.as_ref().map(convert::answered);
    // A repeated request is rejected with the state that the first one made.
    let repeated = result.state.as_ref().is_some_and(|answer| {
        answer.state_details.transition_id.is_some()
            && answer.state_details.transition_id == state.state_details.transition_id
    });
    Ok(match (result.status, answered) {
        (OrchestrationStatus::Accept, Some(state)) => Answer::Accept(state),
        (OrchestrationStatus::Reject, Some(state)) if repeated => Answer::Accept(state),
        (OrchestrationStatus::Reject, Some(state)) => Answer::Reject(state),
        (OrchestrationStatus::Wait, _) => Answer::Wait(result.delay().unwrap_or_default()),
        _ => Answer::Abort(why()),
    })
}

/// Carries out an order from the outbox. What the server answers to a late state changes nothing here.
pub(super) async fn carry_out(client: &Client, shared: &Shared, order: &Order) -> Result<(), Error> {
    match order {
        Order::Create { local, new } => {
            let (known, _) = create(client, shared, new, *local).await?;
            shared.rename(*local, known);
        }
        Order::SetState { run, state, force } => {
            let answer = propose(client, shared.known(run).flow_run, state, *force).await?;
            if let Answer::Accept(state) | Answer::Reject(state) = answer {
                shared.acknowledge(run.id, &state);
            }
        }
    }
    Ok(())
}
