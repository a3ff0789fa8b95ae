//! One run: from hearing of it to its end, and until the server knows of that.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::claim::{MOST_TRIES, Stand, foreign, stand};
use crate::clock;
use crate::defer::{Defer, DeferredRun, Origin};
use crate::delay::{Begun, Order, Restored, Taking};
use crate::engine::adopt::{self, Obstacle};
use crate::engine::context::{Context, Ports};
use crate::error::Error;
use crate::id::TaskRunId;
use crate::run::{Adopted, TaskInputs};
use crate::store::{Held, Store};
use crate::task_registry::TaskEntry;

/// How long the server may take to store what a process has reported before it died.
const LAG: Duration = Duration::from_secs(2);

/// How long the creation of a run may take after it was handed out.
const COMPLETION: Duration = Duration::from_secs(10);

/// Pauses between questions to the server grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// What all runs of a worker have in common.
#[derive(Debug)]
pub(super) struct Conditions {
    pub(super) ports: Arc<Ports>,
    pub(super) entries: Vec<&'static TaskEntry>,
    pub(super) slots: Arc<Semaphore>,
    /// Stops every run.
    pub(super) stop: CancellationToken,
}

/// A slot that is taken already, or one that is to be had if the run is.
pub(super) enum Slot {
    Taken(OwnedSemaphorePermit),
    Wanted,
}

/// Takes a run if nobody else has it, and runs it. Its lock is held until the server knows how it ended.
pub(super) async fn take(conditions: Arc<Conditions>, run: DeferredRun, slot: Slot) -> TaskRunId {
    let id = run.id;
    if let Err(error) = attempt(&conditions, run, slot).await {
        tracing::warn!(target: "flowkit::serve", "Task run {id} is left for later: {}", error.chain());
    }
    id
}

async fn attempt(conditions: &Conditions, run: DeferredRun, slot: Slot) -> Result<(), Error> {
    let ports = &conditions.ports;
    let Some(place) = ports.backend.defer() else { return Ok(()) };
    let Some(entry) = conditions.entries.iter().copied().find(|entry| entry.def.key == run.key) else { return Ok(()) };
    let store = &*ports.results.stores.durable;
    let order = Order::place(store, run.id);
    let Some(lock) = store.try_lock(&order).await? else { return Ok(()) };
    let slot = match slot {
        Slot::Taken(slot) => slot,
        Slot::Wanted => match Arc::clone(&conditions.slots).try_acquire_owned() {
            Ok(slot) => slot,
            // Somebody else may have room.
            Err(_) => {
                lock.release().await;
                return Ok(());
            }
        },
    };
    let Some(found) = look(place, run.id).await? else {
        tracing::debug!(target: "flowkit::serve", "Task run {} is not there", run.id);
        lock.release().await;
        return Ok(());
    };
    let end = match stand(&found.state) {
        Stand::Over => End::Ended,
        Stand::Waiting | Stand::LeftBehind => begin(conditions, place, entry, found).await?,
    };
    drop(slot);
    settle(place, run.id, end).await;
    match end {
        End::Ended => forget(store, &order, lock).await,
        End::GivenBack => {
            lock.release().await;
            Ok(())
        }
    }
}

/// How this process is done with a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Ended,
    /// It goes to another process, since this one stops.
    GivenBack,
}

/// Reads a run whose lock is ours. The server hands runs out before their creation is complete, and some of which it never is:
/// then they are created once more.
async fn look(place: &dyn Defer, id: TaskRunId) -> Result<Option<DeferredRun>, Error> {
    let (watch, mut pause) = (clock::Stopwatch::start(), FIRST_PAUSE / 4);
    loop {
        let found = place.read(id).await?;
        if found.is_some() || watch.elapsed() >= COMPLETION {
            return Ok(found);
        }
        clock::sleep(pause).await;
        pause = (pause * 2).min(COMPLETION / 10);
    }
}

/// Runs it, or ends it where it cannot be run.
async fn begin(
    conditions: &Conditions,
    place: &dyn Defer,
    entry: &'static TaskEntry,
    mut found: DeferredRun,
) -> Result<End, Error> {
    let (ports, id) = (&conditions.ports, found.id);
    let store = &*ports.results.stores.durable;
    let read = read_order(store, &found, entry).await;
    let begun_before =
        stand(&found.state) == Stand::LeftBehind || read.as_ref().is_ok_and(|(order, _)| order.taken > 0);
    if begun_before {
        // The end of it may be on its way to the server's database.
        clock::sleep(LAG).await;
        match look(place, id).await? {
            Some(again) if stand(&again.state) != Stand::Over => found = again,
            _ => return Ok(End::Ended),
        }
    }
    let name = found.name.clone();
    let mut adopted = adopt(entry, found);
    let (mut order, restored) = match read.and_then(bearable) {
        Ok(read) => read,
        Err(obstacle) => {
            let state = adopt::end(ports, entry.def, id, adopted, obstacle);
            tracing::error!(target: "flowkit::serve", "Task run '{name}' cannot be run, and ends in state {state}");
            return Ok(End::Ended);
        }
    };
    if begun_before {
        let note = format!("The process that ran it is gone: this is try {} of {MOST_TRIES}.", order.taken + 1);
        tracing::warn!(target: "flowkit::serve", "Task run '{name}': {note}");
        adopted.note = Some(note);
    }
    order.taken += 1;
    order.write(store, id).await?;
    tracing::info!(target: "flowkit::serve", "Starting task run '{name}'");
    let mut overrides = order.options.clone().into_overrides(true);
    overrides.adopted = Some(Box::new(adopted));
    let context = Context { cancel: conditions.stop.child_token(), ..Context::outside(Arc::clone(ports)) };
    let Begun { run, end } = restored.begin(Taking { id, overrides, context, keep: None });
    drop(end.await);
    if run.state().is_settled() {
        return Ok(End::Ended);
    }
    tracing::warn!(target: "flowkit::serve", "Task run '{name}' is given back");
    // It was not the run that this process was stopped by.
    order.taken -= 1;
    order.write(store, id).await?;
    Ok(End::GivenBack)
}

/// What a run is made of, or why it cannot be run.
async fn read_order(store: &dyn Store, found: &DeferredRun, entry: &TaskEntry) -> Result<(Order, Restored), Obstacle> {
    let refused = |why: String| Obstacle::Refused(format!("Task run could not be started: {why}."));
    if let Some(why) = foreign(found, !entry.def.params.is_empty()) {
        return Err(refused(why));
    }
    let order = match found.origin {
        Origin::Foreign { .. } => Order::default(),
        Origin::Ours => Order::read(store, found.id).await.map_err(|error| refused(error.chain().to_string()))?,
    };
    let restored = (entry.restore)(&order.parameters).map_err(|error| refused(error.to_string()))?;
    Ok((order, restored))
}

/// A run that has taken too many processes with it is not begun with any more.
fn bearable((order, restored): (Order, Restored)) -> Result<(Order, Restored), Obstacle> {
    if order.taken >= MOST_TRIES {
        return Err(Obstacle::Died(format!("The process that ran it died {} times.", order.taken)));
    }
    Ok((order, restored))
}

fn adopt(entry: &TaskEntry, found: DeferredRun) -> Adopted {
    let known = |name: &str| {
        let own = ["wait_for", "__parents__"];
        entry.def.params.iter().chain(&own).copied().find(|param| *param == name)
    };
    let inputs: TaskInputs = found.inputs.into_iter().filter_map(|(name, from)| Some((known(&name)?, from))).collect();
    Adopted {
        found: Some(found.state),
        run_count: found.run_count,
        flow_run: found.flow_run,
        tags: found.tags,
        inputs,
        note: None,
    }
}

/// Waits until the server knows that a run has ended, or waits again: whoever finds it before takes it for left behind.
async fn settle(place: &dyn Defer, id: TaskRunId, end: End) {
    let mut pause = FIRST_PAUSE;
    loop {
        match place.read(id).await {
            Ok(Some(run)) if end == End::GivenBack && stand(&run.state) == Stand::Waiting => return,
            Ok(Some(run)) if !run.state.is_settled() => {}
            Ok(_) => return,
            Err(error) => tracing::debug!(target: "flowkit::serve", "{}", error.chain()),
        }
        clock::sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Removes what is not needed any more of a run that has ended.
async fn forget(store: &dyn Store, order: &str, lock: Held) -> Result<(), Error> {
    store.remove(order).await?;
    store.remove_lock(order).await?;
    lock.release().await;
    Ok(())
}
