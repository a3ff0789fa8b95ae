//! Task runs that count together or not at all.

mod late;
mod settle;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock;
use crate::codec::ResultCodec;
use crate::engine::context::Context;
use crate::engine::panic;
use crate::engine::transition::{Fact, transition};
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::record::{Record, ResultRef};
use crate::run::{TaskRun, lock};
use crate::store::{Held, Store};
use crate::txn::{Transaction, TransactionHookDef, TransactionHooks};

pub(crate) use late::{end_late, tell_if_late};
pub(crate) use settle::settle;

/// A record that is written when the transaction is committed.
pub(crate) struct Staged {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) place: String,
    pub(crate) bytes: Vec<u8>,
}

impl Staged {
    async fn write(&self) -> Result<(), Error> {
        self.store.write(&self.place, self.bytes.clone()).await
    }
}

/// A task run that has completed inside of a transaction.
pub(crate) struct Done {
    pub(crate) run: Arc<TaskRun>,
    pub(crate) hooks: Option<&'static TransactionHooks>,
    pub(crate) context: Context,
    pub(crate) staged: Option<Box<Staged>>,
}

enum Step {
    Task(Box<Done>),
    Inner(Arc<Scope>),
}

/// Where a transaction is stored once it is committed.
pub(crate) struct Home {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) place: String,
    pub(crate) lock: Option<Held>,
}

/// A transaction and what was done in it so far, in order.
pub(crate) struct Scope {
    pub(crate) txn: Transaction,
    pub(crate) outer: Option<Arc<Scope>>,
    /// Submitted work that the transaction waits for before it ends.
    pub(crate) inside: TaskTracker,
    steps: Mutex<Vec<Step>>,
    home: Mutex<Option<Home>>,
    /// How it has ended. Set together with the last look at the steps.
    ended: Mutex<Option<End>>,
    /// Tells the transactions that are nested together when one of them has come to wait for the commit.
    waits: Arc<Notify>,
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Commit,
    RollBack,
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope").field("txn", &self.txn).field("steps", &lock(&self.steps).len()).finish_non_exhaustive()
    }
}

impl Scope {
    pub(crate) fn new(txn: Transaction, outer: Option<Arc<Self>>, home: Option<Home>) -> Arc<Self> {
        let waits = outer.as_ref().map(|outer| Arc::clone(&outer.waits)).unwrap_or_default();
        let inside = TaskTracker::new();
        // It can be waited for at any time; there may still be more to come.
        inside.close();
        let (home, ended) = (Mutex::new(home), Mutex::default());
        Arc::new(Self { txn, outer, inside, steps: Mutex::default(), home, ended, waits })
    }

    /// Makes a transaction of one run.
    pub(crate) fn alone(txn: Transaction, done: Done) -> Arc<Self> {
        let scope = Self::new(txn, None, None);
        lock(&scope.steps).push(Step::Task(Box::new(done)));
        scope
    }

    /// Takes note of a run that has completed. If the transaction has ended before, gives it back, and says how.
    pub(crate) fn done(&self, done: Done) -> Result<(), (End, Done)> {
        match self.push(Step::Task(Box::new(done))) {
            Err((how, Step::Task(done))) => Err((how, *done)),
            Err((_, Step::Inner(_))) | Ok(()) => Ok(()),
        }
    }

    fn push(&self, step: Step) -> Result<(), (End, Step)> {
        let mut steps = lock(&self.steps);
        if let Some(how) = *lock(&self.ended) {
            return Err((how, step));
        }
        steps.push(step);
        Ok(())
    }

    /// Takes all steps; from here on there are no more.
    fn end(&self, how: End) -> Vec<Step> {
        let mut steps = lock(&self.steps);
        *lock(&self.ended) = Some(how);
        std::mem::take(&mut steps)
    }

    /// Takes the lock of a place, for a transaction inside of `outer`.
    ///
    /// # Errors
    /// If the lock is held by a transaction that ends only after the one that asks, or by none but the store fails.
    pub(crate) async fn lock_inside(
        outer: Option<&Self>,
        store: &Arc<dyn Store>,
        place: &str,
        key: &str,
    ) -> Result<Held, Error> {
        let locking = store.lock(place);
        let Some(outer) = outer else { return locking.await };
        let held_around = async {
            loop {
                let another = outer.waits.notified();
                if outer.has_locked_around(store, place) {
                    return;
                }
                another.await;
            }
        };
        tokio::select! {
            biased;
            () = held_around => Err(Error::new(
                ErrorKind::Definition,
                format!(
                    "transaction `{key}` would wait for itself for ever: it is serializable, and so is one with the same key \
                     that ends together with a transaction around it; give it another key, or another isolation"
                ),
            )),
            held = locking => held,
        }
    }

    /// Tells whether a lock is held by this transaction, by one inside that waits for its commit, or by one around.
    fn has_locked_around(&self, store: &Arc<dyn Store>, place: &str) -> bool {
        self.has_locked(store, place) || self.outer.as_ref().is_some_and(|outer| outer.has_locked_around(store, place))
    }

    fn has_locked(&self, store: &Arc<dyn Store>, place: &str) -> bool {
        let here = lock(&self.home)
            .as_ref()
            .is_some_and(|home| home.lock.is_some() && home.place == place && Arc::ptr_eq(&home.store, store));
        here || lock(&self.steps).iter().any(|step| match step {
            Step::Task(_) => false,
            Step::Inner(inner) => inner.has_locked(store, place),
        })
    }

    /// Looks for a record that waits to be written, here and in the transactions around.
    pub(crate) fn find(&self, place: &str) -> Option<Vec<u8>> {
        let found = lock(&self.steps).iter().rev().find_map(|step| match step {
            Step::Task(done) => {
                done.staged.as_ref().filter(|staged| staged.place == place).map(|staged| staged.bytes.clone())
            }
            Step::Inner(inner) => inner.find_below(place),
        });
        found.or_else(|| self.outer.as_ref()?.find(place))
    }

    fn find_below(&self, place: &str) -> Option<Vec<u8>> {
        lock(&self.steps).iter().rev().find_map(|step| match step {
            Step::Task(done) => {
                done.staged.as_ref().filter(|staged| staged.place == place).map(|staged| staged.bytes.clone())
            }
            Step::Inner(inner) => inner.find_below(place),
        })
    }

    /// Ends well: the outermost transaction is committed, an inner one waits for those around it.
    pub(crate) async fn succeed(self: Arc<Self>) -> Result<(), Error> {
        if let Some(outer) = self.outer.clone() {
            return match outer.push(Step::Inner(Arc::clone(&self))) {
                Ok(()) => {
                    self.waits.notify_waiters();
                    Ok(())
                }
                // It was begun in code that the outer one did not wait for.
                Err((End::Commit, _)) => self.commit_or_roll_back().await,
                Err((End::RollBack, _)) => {
                    Arc::clone(&self).roll_back().await;
                    Err(late::ended_around(&outer.txn))
                }
            };
        }
        self.commit_or_roll_back().await
    }

    /// Does it all or nothing.
    async fn commit_or_roll_back(self: Arc<Self>) -> Result<(), Error> {
        let mut done = Vec::new();
        match Arc::clone(&self).commit(&mut done).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let key = self.txn.key().to_owned();
                tracing::error!(target: "flowkit::run", "Transaction '{key}' could not be committed and is rolled back: {}", error.chain());
                undo(done).await;
                self.roll_back().await;
                Err(Error::new(
                    ErrorKind::Results,
                    format!("transaction `{key}` could not be committed and was rolled back"),
                )
                .with_source(error))
            }
        }
    }

    /// Writes records and calls hooks, in the order in which things were done. What was written goes to `written`.
    fn commit(self: Arc<Self>, written: &mut Vec<(Arc<dyn Store>, String)>) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            let steps = self.end(End::Commit);
            let mut ended = Ok(());
            for step in &steps {
                ended = match step {
                    Step::Inner(inner) => Arc::clone(inner).commit(written).await,
                    Step::Task(done) => commit_task(done, &self.txn, written).await,
                };
                if ended.is_err() {
                    break;
                }
            }
            *lock(&self.steps) = steps;
            ended?;
            let home = lock(&self.home).take();
            let Some(home) = home else { return Ok(()) };
            let place = ResultRef::new(home.place.clone(), ResultCodec::Json, None);
            let bytes = Record::of(place, ResultCodec::Json, &self.txn.staged()).and_then(|record| record.to_bytes());
            let bytes = bytes.map_err(|why| Error::new(ErrorKind::Results, why.to_string()))?;
            home.store.write(&home.place, bytes).await?;
            written.push((Arc::clone(&home.store), home.place.clone()));
            if let Some(lock) = home.lock {
                lock.release().await;
            }
            Ok(())
        }
        .boxed()
    }

    /// Undoes what was done, the last first.
    pub(crate) fn roll_back(self: Arc<Self>) -> BoxFuture<'static, ()> {
        async move {
            let steps = self.end(End::RollBack);
            for step in steps.into_iter().rev() {
                match step {
                    Step::Inner(inner) => inner.roll_back().await,
                    Step::Task(done) => roll_back_task(*done, &self.txn).await,
                }
            }
            let home = lock(&self.home).take();
            if let Some(lock) = home.and_then(|home| home.lock) {
                lock.release().await;
            }
        }
        .boxed()
    }
}

async fn commit_task(done: &Done, txn: &Transaction, written: &mut Vec<(Arc<dyn Store>, String)>) -> Result<(), Error> {
    if let Some(staged) = &done.staged {
        staged.write().await?;
        written.push((Arc::clone(&staged.store), staged.place.clone()));
    }
    for hook in done.hooks.map_or(&[][..], |hooks| hooks.on_commit) {
        call(hook, "commit", txn, &done.context).await.map_err(|why| {
            Error::new(
                ErrorKind::Results,
                format!("the hook '{}' of task run '{}' failed: {why}", hook.name, done.run.name()),
            )
        })?;
    }
    Ok(())
}

async fn roll_back_task(done: Done, txn: &Transaction) {
    let Done { run, hooks, context, .. } = done;
    let fact = Fact::RolledBack;
    if let Some((index, _)) = run.track.advance(|current| transition(current, fact, clock::now()).ok()) {
        context.ports.backend.emit(Event::TaskState(Arc::clone(&run), index));
    }
    for hook in hooks.map_or(&[][..], |hooks| hooks.on_rollback) {
        // It is called for the others as well: what can be undone is.
        let _ = call(hook, "rollback", txn, &context).await;
    }
}

/// Removes records that a commit has written before it failed.
async fn undo(written: Vec<(Arc<dyn Store>, String)>) {
    for (store, place) in written.into_iter().rev() {
        if let Err(error) = store.remove(&place).await {
            tracing::error!(target: "flowkit::run", "The result `{place}` of a transaction that was rolled back stays: {}", error.chain());
        }
    }
}

/// Calls a hook in the run that it belongs to, though that has ended, and outside of the transaction.
async fn call(hook: &TransactionHookDef, what: &str, txn: &Transaction, context: &Context) -> Result<(), String> {
    let context = Context { transaction: None, journal: None, cancel: CancellationToken::new(), ..context.clone() };
    let (name, call, txn) = (hook.name, hook.call, txn.clone());
    let calling = async move {
        tracing::info!(target: "flowkit::run", "Running {what} hook '{name}'");
        let ended = match panic::contain(|| call(txn)) {
            Ok(future) => {
                let caught = AssertUnwindSafe(future).catch_unwind().await;
                caught.unwrap_or_else(|payload| Err(panic::describe(&*payload)))
            }
            Err(message) => Err(message),
        };
        match &ended {
            Ok(()) => tracing::info!(target: "flowkit::run", "Hook '{name}' finished running successfully"),
            Err(why) => {
                tracing::error!(target: "flowkit::run", "An error was encountered while running {what} hook '{name}': {why}");
            }
        }
        ended
    };
    context.scope(calling).await
}
