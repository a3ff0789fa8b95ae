//! What the server must be told in order and could not be told at once: flow runs to create, states to set.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowkit_client::model::{FlowRunFilter, FlowRunQuery, StateCreate};
use flowkit_client::{Client, RetryPolicy};
use tokio::sync::Notify;

use crate::backend::NewFlowRun;
use crate::backend::server::orders;
use crate::backend::server::shared::Shared;
use crate::backend::server::verdict::Verdict;
use crate::id::FlowRunId;
use crate::run::{FlowRun, lock};

/// Pauses between tries grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// After so many tries it is believed that a server will not carry out an order that it answers oddly to.
const MOST_TRIES: u32 = 10;

/// How long one try may take.
const ONE_TRY: Duration = Duration::from_secs(10);

/// Something the server must be told.
#[derive(Clone, Debug)]
pub(super) enum Order {
    Create { local: FlowRunId, new: Box<NewFlowRun> },
    SetState { run: Arc<FlowRun>, state: Box<StateCreate>, force: bool },
}

/// Orders that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    orders: Mutex<VecDeque<Order>>,
    lost: Mutex<(usize, Option<String>)>,
    gone: AtomicU64,
    filled: Notify,
    emptied: Notify,
    hurry: Notify,
    barred: AtomicBool,
}

impl Outbox {
    pub(super) fn push(&self, order: Order, why: Option<String>) {
        lock(&self.orders).push_back(order);
        if why.is_some() {
            lock(&self.lost).1 = why;
        }
        self.filled.notify_one();
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.orders).is_empty()
    }

    /// Counts what waits and what was lost, with the last reason.
    pub(super) fn count(&self) -> (usize, Option<String>) {
        let (lost, why) = lock(&self.lost).clone();
        let waiting = lock(&self.orders).len();
        (waiting + lost, why.filter(|_| waiting + lost > 0))
    }

    /// Counts the orders that were carried out so far.
    pub(super) fn gone(&self) -> u64 {
        self.gone.load(Ordering::Relaxed)
    }

    /// Takes all that waits, before the process ends.
    pub(super) fn take_all(&self) -> Vec<Order> {
        lock(&self.orders).drain(..).collect()
    }

    /// Counts what was lost.
    pub(super) fn lost(&self) -> (usize, Option<String>) {
        lock(&self.lost).clone()
    }

    pub(super) fn lose(&self, why: String) {
        let mut lost = lock(&self.lost);
        lost.0 += 1;
        lost.1 = Some(why);
    }

    /// Ends the present pause, as before exit.
    pub(super) fn hurry(&self) {
        self.hurry.notify_one();
    }

    /// Tells whether the server does not let this process in, or somebody else has answered.
    pub(super) fn is_barred(&self) -> bool {
        self.barred.load(Ordering::Relaxed)
    }

    /// Waits until no flow run is still to be created.
    pub(super) async fn no_creations(&self) {
        loop {
            let emptied = self.emptied.notified();
            if !lock(&self.orders).iter().any(|order| matches!(order, Order::Create { .. })) {
                return;
            }
            emptied.await;
        }
    }

    /// Carries out orders for as long as the reporter lives.
    pub(super) async fn run(&self, shared: &Shared) {
        let client = shared.client.with_retry(RetryPolicy::none()).with_deadline(ONE_TRY);
        let (mut pause, mut tries) = (FIRST_PAUSE, 0);
        loop {
            let Some(order) = lock(&self.orders).front().cloned() else {
                self.filled.notified().await;
                continue;
            };
            match orders::carry_out(&client, shared, &order).await {
                Ok(()) => {
                    (pause, tries) = (FIRST_PAUSE, 0);
                    self.barred.store(false, Ordering::Relaxed);
                }
                Err(error) if is_to_wait(&client, shared, &order, &error, tries).await => {
                    tries += 1;
                    self.barred.store(Verdict::of(&error) != Verdict::Later, Ordering::Relaxed);
                    lock(&self.lost).1 = Some(error.to_string());
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.hurry.notified() => tokio::time::sleep(FIRST_PAUSE).await,
                    }
                    pause = (pause * 2).min(LAST_PAUSE);
                    continue;
                }
                Err(error) => {
                    tries = 0;
                    self.lose(error.to_string());
                }
            }
            lock(&self.orders).pop_front();
            self.gone.fetch_add(1, Ordering::Relaxed);
            self.emptied.notify_waiters();
        }
    }
}

/// Tells whether an order may be carried out later. What nobody but a server can say is believed if it is one.
async fn is_to_wait(
    client: &Client,
    shared: &Shared,
    order: &Order,
    error: &flowkit_client::Error,
    tries: u32,
) -> bool {
    match (Verdict::of(error), order) {
        (Verdict::Never, _) => false,
        (Verdict::Later, _) => true,
        (Verdict::Barred, _) if error.is_auth() => true,
        (Verdict::Barred | Verdict::Missing, Order::Create { .. }) => tries < MOST_TRIES || !is_server(client).await,
        (Verdict::Barred | Verdict::Missing, Order::SetState { run, .. }) => {
            let run = FlowRunFilter::default().ids([shared.known(run).flow_run]);
            match client.filter_flow_runs(&FlowRunQuery::new(run).limit(1)).await {
                Ok(found) => !found.is_empty() && tries < MOST_TRIES,
                Err(_) => true,
            }
        }
    }
}

async fn is_server(client: &Client) -> bool {
    client.filter_flow_runs(&FlowRunQuery::new(FlowRunFilter::default()).limit(1)).await.is_ok()
}
