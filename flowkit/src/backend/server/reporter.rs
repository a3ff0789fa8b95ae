//! The thread that talks to the server.
//!
//! It has a runtime of its own, so that busy, paused or ended user runtimes cannot starve it, and lives as long
//! as the process.

use std::sync::Arc;
use std::time::Duration;

use flowkit_client::{Client, EventsChannel, EventsOptions};
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::backend::convert::{self, Known};
use crate::backend::convert::{asset_event, task_event, told_event};
use crate::backend::server::crash;
use crate::backend::server::flush::flush;
use crate::backend::server::link;
use crate::backend::server::outbox::Order;
use crate::backend::server::patience::Patience;
use crate::backend::server::queue::{Lane, Queue};
use crate::backend::server::read;
use crate::backend::server::shared::Shared;
use crate::backend::server::slots::Counter;
use crate::backend::server::spool::{self, Spool};
use crate::backend::server::telling::{Telling, Wanted};
use crate::backend::server::verify;
use crate::backend::server::watch;
use crate::backend::{Answer, NewFlowRun, Proposal, Told, Undelivered};
use crate::background::Links;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::id::{FlowRunId, RunId};
use crate::report::Report;
use crate::run::{FlowRun, TaskRun};
use crate::state::State;

/// How many events are taken from the queue at once.
const BATCH: usize = 500;

/// With so many states waiting, only the newest of each task run is sent.
const FAR_BEHIND: usize = 1_000;

/// How often somebody looks whether a sign of life is due.
const LOOK: Duration = Duration::from_secs(1);

/// Something the reporter is asked.
pub(super) enum Ask {
    Create(NewFlowRun, oneshot::Sender<Result<Arc<FlowRun>, Error>>),
    /// The present state of a run.
    Read(RunId, oneshot::Sender<Result<Option<State>, Error>>),
    Propose(Arc<FlowRun>, Proposal, oneshot::Sender<Answer>),
    Cancel(FlowRunId, oneshot::Sender<Result<State, Error>>),
    /// Say when somebody else puts the flow run into a state.
    Watch(FlowRunId, Told),
    /// Send requests that need not be in order with anything.
    Do(Box<dyn FnOnce(Arc<Shared>) -> BoxFuture<'static, ()> + Send>),
    /// Give up after nothing has moved for this long.
    Flush(Patience, Box<dyn FnOnce(Undelivered) + Send>),
    /// Tell what is not delivered.
    Count(Box<dyn FnOnce(Undelivered) + Send>),
    /// Keep what is not delivered for a later process, for this reason if there is a better one than the last failure;
    /// the answer is what people are told.
    Keep(Option<String>, Box<dyn FnOnce(Vec<String>) + Send>),
    /// Bring every run under way to the Crashed state, for this reason.
    Crash(String, Box<dyn FnOnce() + Send>),
}

/// What the reporter is made of.
pub(super) struct Parts {
    pub(super) client: Client,
    pub(super) queue: Arc<Queue>,
    pub(super) asked: mpsc::UnboundedReceiver<Ask>,
    pub(super) heartbeat: Duration,
    pub(super) wanted: Wanted,
    pub(super) poll: Duration,
    pub(super) links: Links,
    pub(super) spool: Spool,
    pub(super) counter: Arc<Counter>,
}

/// Starts the thread.
pub(super) fn start(parts: Parts) -> Result<(), Error> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Backend, "cannot start the thread that reports to the server").with_source(error)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    std::thread::Builder::new()
        .name("flowkit-reporter".to_owned())
        .spawn(move || runtime.block_on(run(parts)))
        .map_err(failed)?;
    Ok(())
}

async fn run(parts: Parts) {
    let Parts { client, queue, mut asked, heartbeat, wanted, poll, links, spool, counter } = parts;
    // The runtime is entered, which is all that opening the channel needs.
    let Ok(events) = EventsChannel::open(&client, EventsOptions::default()) else { return };
    let mut shared = Shared::new(client, events, queue, heartbeat, wanted, links, spool);
    shared.counter = counter;
    let shared = Arc::new(shared);
    tokio::spawn(pump_task_states(Arc::clone(&shared)));
    tokio::spawn(pump_others(Arc::clone(&shared)));
    let ledger = Arc::clone(&shared);
    tokio::spawn(async move { verify::run(&ledger).await });
    tokio::spawn(heartbeats(Arc::clone(&shared)));
    tokio::spawn(watch::ask(Arc::clone(&shared), poll));
    tokio::spawn(watch::listen(Arc::clone(&shared)));
    tokio::spawn(spool::run(Arc::clone(&shared)));
    let logs = Arc::clone(&shared);
    tokio::spawn(async move { logs.logs.run(&logs.client).await });
    let outbox = Arc::clone(&shared);
    tokio::spawn(async move { outbox.outbox.run(&outbox).await });
    while let Some(ask) = asked.recv().await {
        let shared = Arc::clone(&shared);
        if !matches!(ask, Ask::Flush(..) | Ask::Count(_) | Ask::Keep(..) | Ask::Crash(..)) {
            shared.spool.wake();
        }
        match ask {
            Ask::Create(new, reply) => {
                tokio::spawn(async move { reply.send(link::create(&shared, new).await) });
            }
            Ask::Read(run, reply) => {
                tokio::spawn(async move { reply.send(read::state_of(&shared.client, run).await) });
            }
            Ask::Propose(run, proposal, reply) => {
                tokio::spawn(async move { reply.send(link::propose(&shared, run, proposal).await) });
            }
            Ask::Cancel(run, reply) => {
                tokio::spawn(async move { reply.send(link::cancel(&shared, run).await) });
            }
            Ask::Watch(run, told) => shared.active.watch(run, told),
            Ask::Do(job) => {
                tokio::spawn(job(shared));
            }
            Ask::Flush(patience, reply) => {
                tokio::spawn(async move { reply(flush(&shared, patience).await) });
            }
            Ask::Count(reply) => reply(shared.undelivered()),
            Ask::Keep(why, reply) => {
                tokio::spawn(async move { reply(spool::keep(&shared, why).await) });
            }
            Ask::Crash(why, done) => {
                tokio::spawn(async move {
                    crash::crash_all(&shared, &why).await;
                    shared.counter.close();
                    done();
                });
            }
        }
    }
}

/// Hands on the states of task runs, as fast as the server stores them. When it is far behind, those that are not news
/// any more are left out.
async fn pump_task_states(shared: Arc<Shared>) {
    loop {
        let batch = shared.queue.take(Lane::TaskStates, BATCH).await;
        // There may be task runs outside of any flow, about which nobody asks.
        shared.spool.wake();
        // Events name their flow run, which must exist at the server.
        shared.outbox.no_creations().await;
        let count = batch.len();
        for (done, event) in batch.into_iter().enumerate() {
            shared.ledger.room().await;
            hand_on(&shared, event).await;
            shared.queue.handed_on(Lane::TaskStates, count - done - 1);
        }
    }
}

/// Hands on everything else.
async fn pump_others(shared: Arc<Shared>) {
    loop {
        let batch = shared.queue.take(Lane::Others, BATCH).await;
        // Log lines and events, too, name a flow run by the id that the server gives it.
        if batch.iter().any(|event| matches!(event, Event::Log(_) | Event::Happened(_))) {
            shared.spool.wake();
            shared.outbox.no_creations().await;
        }
        let count = batch.len();
        for (done, event) in batch.into_iter().enumerate() {
            hand_on(&shared, event).await;
            shared.queue.handed_on(Lane::Others, count - done - 1);
        }
    }
}

async fn hand_on(shared: &Shared, event: Event) {
    match event {
        Event::TaskState(run, index) => {
            shared.active.task_moved(&run, index);
            let far_behind = shared.queue.backlog(Lane::TaskStates) > FAR_BEHIND;
            match shared.is_told(&run, index, far_behind) {
                Telling::Yes => send_state(shared, &run, index).await,
                Telling::Overtaken => shared.ledger.left_out(run.id),
                Telling::Never => {}
            }
        }
        Event::FlowEnded(run, state) => {
            shared.active.flow_ended(&run);
            let state = Box::new(convert::proposed(&state));
            shared.outbox.push(Order::SetState { run, state, force: true }, None);
        }
        Event::Asset(told) => {
            let known = told.task_run.flow_run.as_ref().map(|flow_run| shared.known(flow_run));
            if let Err(error) = shared.events.send(asset_event(&told, known.as_ref())).await {
                shared.refuse_event(error.to_string());
            }
        }
        Event::Happened(emitted) => {
            let known = emitted.flow_run.as_ref().map(|flow_run| shared.known(flow_run));
            if let Err(error) = shared.events.send(told_event(&emitted, known.as_ref())).await {
                shared.refuse_event(error.to_string());
            }
        }
        Event::Log(record) => {
            if shared.logs_to_api {
                shared.logs.push(convert::log(&record, shared.flow_run_of(&record)));
            }
        }
    }
}

/// Sends a state of a task run.
pub(super) async fn send_state(shared: &Shared, run: &Arc<TaskRun>, index: usize) {
    let known: Option<Known> = run.flow_run.as_ref().map(|flow_run| shared.known(flow_run));
    let edges = |run| shared.stand_ins.known_as(run);
    let Some(mut event) = task_event(run, index, known.as_ref(), &edges) else { return };
    let is_alone = matches!(shared.report_of(run), Report::Final | Report::Aggregate);
    if shared.ledger.take_gap(run.id) || is_alone {
        // An event that never comes would be waited for.
        event.follows = None;
    }
    match shared.events.send(event).await {
        Ok(()) => shared.ledger.sent(run, index),
        Err(error) => shared.refuse_event(error.to_string()),
    }
}

/// Says from time to time that the flow runs under way are alive.
async fn heartbeats(shared: Arc<Shared>) {
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        for run in shared.active.due() {
            if run.state().is_final() {
                shared.active.flow_ended(&run);
                continue;
            }
            shared.outbox.no_creations().await;
            let event = convert::heartbeat(&run, &shared.known(&run));
            if let Err(error) = shared.events.send(event).await {
                shared.refuse_event(error.to_string());
            }
        }
    }
}
