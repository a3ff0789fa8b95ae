//! What the engine asks the server, and what it hears when the server is away.

use std::sync::Arc;
use std::time::Duration;

use flowkit_client::{Client, RetryPolicy};

use crate::backend::convert::{self, Known};
use crate::backend::server::adopt;
use crate::backend::server::orders;
use crate::backend::server::outbox::Order;
use crate::backend::server::shared::Shared;
use crate::backend::server::verdict::Verdict;
use crate::backend::{Answer, NewFlowRun, Proposal};
use crate::background::Background;
use crate::clock;
use crate::error::{Error, ErrorKind};
use crate::id::{FlowRunId, TaskRunId};
use crate::names;
use crate::orchestrate;
use crate::run::{FlowRun, Track};
use crate::state::{State, StateName, StateType};

/// How long a run's work waits for the server's answer before it goes on without.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a run that this process has claimed waits for a server that is away.
const LONG_PATIENCE: Duration = Duration::from_secs(600);

/// How long the very first request may take, retries included.
const FIRST_PATIENCE: Duration = Duration::from_secs(30);

/// Creates a flow run. A subflow whose server is away runs all the same and is created later.
pub(super) async fn create(shared: &Shared, new: NewFlowRun) -> Result<Arc<FlowRun>, Error> {
    let is_subflow = new.parent.is_some();
    let local = FlowRunId::now();
    if is_subflow && !shared.outbox.is_empty() {
        return Ok(postpone(shared, new, local, None));
    }
    let patience = if is_subflow { PATIENCE } else { FIRST_PATIENCE };
    let client = shared.client.with_deadline(patience).with_retry(brisk());
    match orders::create(&client, shared, &new, local).await {
        Ok((known, stand_in)) => Ok(record(shared, new, known, stand_in)),
        Err(error) if is_subflow && Verdict::of(&error) != Verdict::Never => {
            Ok(postpone(shared, new, local, Some(error.to_string())))
        }
        Err(error) => Err(refuse(&client, new.def.name, error)),
    }
}

/// The client for what a run's work waits for.
pub(super) fn patient(shared: &Shared) -> Client {
    shared.client.with_deadline(PATIENCE).with_retry(brisk())
}

/// The client for runs that nobody but this process would go on with, such as those that it has claimed: it waits for a
/// server that is away, or comes back with its database still busy.
pub(super) fn waiting(shared: &Shared) -> Client {
    shared.client.with_deadline(LONG_PATIENCE).with_retry(brisk().max_retries(u32::MAX).also_on([500, 504]))
}

/// A run's work waits for the answer, so the pauses are shorter than Prefect's, and it is the deadline that ends the
/// attempts: a server on sqlite refuses a write at once if another one is under way, however often that happens.
pub(super) fn brisk() -> RetryPolicy {
    RetryPolicy::default().base_delay(Duration::from_millis(50)).max_delay(Duration::from_secs(1)).max_retries(100)
}

fn refuse(client: &Client, flow: &str, error: flowkit_client::Error) -> Error {
    let url = client.api_url();
    let kind = if error.is_auth() || error.kind() == flowkit_client::ErrorKind::IncompatibleServer {
        ErrorKind::Settings
    } else {
        ErrorKind::Backend
    };
    Error::new(kind, format!("cannot create a run of flow '{flow}' on the server that PREFECT_API_URL names, {url}"))
        .with_source(error)
}

fn postpone(shared: &Shared, new: NewFlowRun, local: FlowRunId, why: Option<String>) -> Arc<FlowRun> {
    let name = new.name.clone().unwrap_or_else(names::generate);
    let mut later = new.clone();
    later.name = Some(name.clone());
    shared.outbox.push(Order::Create { local, new: Box::new(later) }, why);
    record(shared, new, Known { flow_run: local.uuid(), flow: uuid::Uuid::nil(), name }, None)
}

fn record(shared: &Shared, new: NewFlowRun, known: Known, stand_in: Option<TaskRunId>) -> Arc<FlowRun> {
    let background = Background { links: Some(Arc::clone(&shared.links)), ..new.background() };
    let run = FlowRun {
        id: known.flow_run.into(),
        def: new.def,
        name: known.name,
        flow_id: known.flow,
        parameters: new.parameters,
        tags: new.tags,
        retries: new.retries,
        retry_delay: new.retry_delay,
        parent_task_run: stand_in,
        background,
        track: Track::default(),
    };
    run.track.push(State::new(StateName::Pending, clock::now()));
    Arc::new(run)
}

/// Proposes a state. While the server is away, the rules of this process answer and the server is told later.
pub(super) async fn propose(shared: &Shared, run: Arc<FlowRun>, proposal: Proposal) -> Answer {
    // What the run proposes itself is not told to it as the deed of somebody else.
    let told = proposal.state.is_final().then(|| shared.active.unwatch(run.id)).flatten();
    let answer = ask(shared, &run, proposal).await;
    match &answer {
        Answer::Accept(state) | Answer::Reject(state) if state.is_final() || state.is(StateName::Suspended) => {
            shared.active.flow_ended(&run);
            if state.is(StateName::Suspended) {
                adopt::let_go(shared, run.id).await;
            }
        }
        Answer::Accept(state) | Answer::Reject(state) if state.state_type() == StateType::Running => {
            shared.active.flow_started(&run);
        }
        _ => {}
    }
    let goes_on = match &answer {
        Answer::Accept(state) | Answer::Reject(state) => !state.is_final(),
        Answer::Wait(_) => true,
        Answer::Abort(_) => false,
    };
    if let Some(told) = told.filter(|_| goes_on) {
        shared.active.watch(run.id, told);
    }
    answer
}

async fn ask(shared: &Shared, run: &Arc<FlowRun>, proposal: Proposal) -> Answer {
    let state = convert::proposed(&proposal.state);
    let force = proposal.force;
    if shared.outbox.is_empty() {
        match orders::propose(&patient(shared), shared.known(run).flow_run, &state, force).await {
            Ok(answer) => {
                if let Answer::Accept(state) | Answer::Reject(state) = &answer {
                    shared.acknowledge(run.id, state);
                }
                answer
            }
            Err(error) if Verdict::of(&error) != Verdict::Never => {
                let order = Order::SetState { run: Arc::clone(run), state: Box::new(state), force };
                shared.outbox.push(order, Some(error.to_string()));
                by_our_rules(run, proposal)
            }
            Err(error) => {
                shared.outbox.lose(error.to_string());
                by_our_rules(run, proposal)
            }
        }
    } else {
        shared.outbox.push(Order::SetState { run: Arc::clone(run), state: Box::new(state), force }, None);
        by_our_rules(run, proposal)
    }
}

/// Puts a flow run into the state Cancelling.
pub(super) async fn cancel(shared: &Shared, run: FlowRunId) -> Result<State, Error> {
    let client = shared.client.with_deadline(PATIENCE).with_retry(brisk());
    let known = shared.known_id(run);
    let state = convert::proposed(&State::new(StateName::Cancelling, clock::now()));
    let refuse = |kind, why: String| Error::new(kind, format!("flow run {known} cannot be cancelled: {why}"));
    match orders::propose(&client, known, &state, false).await {
        Ok(Answer::Accept(state) | Answer::Reject(state)) => Ok(state),
        Ok(Answer::Abort(why)) => Err(refuse(ErrorKind::Aborted, why.trim_end_matches('.').to_owned())),
        Ok(Answer::Wait(_)) => Err(refuse(ErrorKind::Aborted, "the server asks to wait".to_owned())),
        Err(error) => Err(refuse(ErrorKind::Backend, "the server refused".to_owned()).with_source(error)),
    }
}

fn by_our_rules(run: &FlowRun, proposal: Proposal) -> Answer {
    orchestrate::answer(run, &run.state(), proposal, clock::now())
}
