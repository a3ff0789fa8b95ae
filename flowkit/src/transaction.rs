//! The scope of a transaction.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use serde_json::Value;

use crate::cache::{CacheIsolation, file_name};
use crate::clock;
use crate::engine::context::Context;
use crate::engine::transaction::{End, Home, Scope, settle};
use crate::error::{Error, ErrorKind};
use crate::record::Record;
use crate::runtime;
use crate::store::Store;
use crate::txn::Transaction;

/// Begins to describe a transaction: task runs that count together or not at all (Prefect's `transaction`).
///
/// Results that tasks inside of it are to store are written when it is committed, at the end of the outermost
/// transaction, together with a record of the key. If the code inside fails, everything that completed in it gets the state
/// RolledBack, the last first, and the hooks `on_rollback` of its tasks are called. The key of one that was committed before
/// says so: [`Transaction::is_committed`].
///
/// ```
/// use flowkit::{Transaction, prelude::*, transaction};
///
/// async fn remove(txn: Transaction) -> flowkit::Result<()> {
///     if let Some(path) = txn.get::<String>("path")? {
///         println!("removing {path}");
///     }
///     Ok(())
/// }
///
/// #[task(on_rollback = remove)]
/// async fn write(path: String) {
///     println!("writing {path}");
/// }
///
/// #[task]
/// async fn check() -> Result<(), String> {
///     Err("the file is too short".to_owned())
/// }
///
/// #[flow]
/// async fn report() -> flowkit::Result<()> {
///     transaction("report-2026").run(async |txn| {
///         if txn.is_committed() {
///             return Ok(());
///         }
///         txn.set("path", "report.csv")?;
///         write("report.csv").await?;
///         check().await
///     }).await
/// }
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
/// assert!(report().await.is_err());
/// # });
/// ```
pub fn transaction(key: impl Into<String>) -> TransactionCall {
    TransactionCall { key: key.into(), isolation: CacheIsolation::default(), persist: None }
}

/// A transaction that has not begun.
#[must_use = "a transaction does nothing until it is run"]
#[derive(Clone, Debug)]
pub struct TransactionCall {
    key: String,
    isolation: CacheIsolation,
    persist: Option<bool>,
}

impl TransactionCall {
    /// Sets how transactions of the same key see each other: with [`CacheIsolation::Serializable`], one begins when the
    /// other has ended. Default: read committed.
    pub fn isolation(mut self, isolation: CacheIsolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// Sets whether the record of the key goes to the result store, where other processes find it. Default: as for
    /// cached results; without a server, it stays in memory.
    pub fn persist(mut self, persist: bool) -> Self {
        self.persist = Some(persist);
        self
    }

    /// Runs code in the transaction: commits it if the code succeeds, else rolls it back.
    ///
    /// Before it ends, it waits for what was submitted inside, whether its future is awaited or not; that counts like the
    /// rest. Runs of calls that are [`detached`](crate::TaskCall::detached) are no part of it. What completes later all the
    /// same, in a future that the code spawned and did not wait for, is committed or rolled back by itself, and blocking
    /// code that goes on after its run was stopped cannot be rolled back; the log has a warning for either.
    ///
    /// The code runs although the key was committed before: it asks [`Transaction::is_committed`] and returns, as above.
    ///
    /// Inside of another transaction, a commit waits for that of the outer one, and a failure rolls back only what was done
    /// inside. A panic rolls back and goes on.
    ///
    /// # Errors
    /// What the code returns; and, if the transaction cannot begin or be committed, an error of kind
    /// [`Results`](ErrorKind::Results), after everything was rolled back. One of kind [`Definition`](ErrorKind::Definition)
    /// if the key is empty, or if a serializable transaction would wait for one of the same key that ends only after it.
    /// One of kind [`Cancelled`](ErrorKind::Cancelled) if the run is told to stop while the transaction waits for what was
    /// submitted inside; then it is rolled back.
    ///
    /// # Cancel safety
    /// Dropping it rolls back beside the present code, once what was submitted inside has ended. A commit or rollback that
    /// has begun goes on to its end. The flow run around waits for either. Both need the tokio runtime to go on: if it ends
    /// at once, nothing is rolled back, and a commit may be left in the middle.
    pub async fn run<T, E, F, Fut>(self, code: F) -> Result<T, E>
    where
        F: FnOnce(Transaction) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        let (ambient, refused) = runtime::ambient();
        if let Some(error) = refused {
            return Err(error.into());
        }
        let scope = self.begin(&ambient).await?;
        let txn = scope.txn.clone();
        let context = Context { transaction: Some(Arc::clone(&scope)), ..ambient };
        let mut open = Open { scope: Some(scope), context: context.clone() };
        let inside = context.enter(|| code(txn));
        let ended = AssertUnwindSafe(context.scope(inside)).catch_unwind().await;
        match ended {
            Ok(Ok(value)) => {
                open.commit().await?;
                Ok(value)
            }
            Ok(Err(error)) => {
                // What the code says comes first.
                let _ = open.end(End::RollBack).await;
                Err(error)
            }
            Err(payload) => {
                let _ = open.end(End::RollBack).await;
                std::panic::resume_unwind(payload)
            }
        }
    }

    async fn begin(self, ambient: &Context) -> Result<Arc<Scope>, Error> {
        if self.key.trim().is_empty() {
            return Err(Error::new(ErrorKind::Definition, "the key of a transaction is empty: it takes any text"));
        }
        let (stores, defaults) = (&ambient.ports.results.stores, ambient.ports.task_defaults.results);
        let durable = self.persist.or(defaults.persist).unwrap_or(defaults.durable_cache);
        let store = Arc::clone(if durable { &stores.durable } else { &stores.passing });
        let place = store.locate(&format!("transaction-{}", file_name(&self.key)));
        let lock = match self.isolation {
            CacheIsolation::ReadCommitted => None,
            CacheIsolation::Serializable => {
                Some(Scope::lock_inside(ambient.transaction.as_deref(), &store, &place, &self.key).await?)
            }
        };
        let committed = committed(&*store, &place).await?;
        let outer = ambient.transaction.clone();
        let txn = Transaction::new(self.key, outer.as_ref().map(|outer| outer.txn.clone()), committed);
        Ok(Scope::new(txn, outer, Some(Home { store, place, lock })))
    }
}

/// What was committed under the key before. A record that cannot be read is an error: to do the work again could be worse.
async fn committed(store: &dyn Store, place: &str) -> Result<Option<Value>, Error> {
    let Some(bytes) = store.read(place).await? else { return Ok(None) };
    let damaged = |why: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Results, format!("the record `{place}` of a transaction cannot be read: {why}"))
    };
    let record = Record::from_bytes(&bytes).map_err(|why| damaged(&why))?;
    if record.is_expired(clock::now()) {
        return Ok(None);
    }
    record.value().map(Some).map_err(|why| damaged(&why))
}

/// A transaction that has neither succeeded nor failed yet.
struct Open {
    scope: Option<Arc<Scope>>,
    context: Context,
}

impl Open {
    /// Ends well, unless the run is told to stop while something inside goes on.
    async fn commit(&mut self) -> Result<(), Error> {
        let Some(scope) = self.scope.clone() else { return Ok(()) };
        let was_stopped = self.context.cancel.is_cancelled();
        scope.inside.wait().await;
        if was_stopped || !self.context.cancel.is_cancelled() {
            return self.end(End::Commit).await;
        }
        self.end(End::RollBack).await?;
        let why =
            format!("transaction `{}` was rolled back: it was told to stop before it was committed", scope.txn.key());
        Err(Error::new(ErrorKind::Cancelled, why))
    }

    /// Ends it; from here on dropping it changes nothing.
    async fn end(&mut self, how: End) -> Result<(), Error> {
        match self.scope.take() {
            Some(scope) => settle(scope, how, &self.context).await,
            None => Ok(()),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(scope) = self.scope.take() {
            drop(settle(scope, End::RollBack, &self.context));
        }
    }
}
