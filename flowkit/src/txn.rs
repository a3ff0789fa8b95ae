//! What a transaction knows: its key, its values, and whether it was committed before.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::codec::ResultCodec;
use crate::error::{Error, ErrorKind};
use crate::run::lock;

/// A transaction under way (Prefect's `Transaction`), as the code inside of it and the hooks `on_commit` and
/// `on_rollback` see it. Cheap to clone.
#[derive(Clone)]
pub struct Transaction(Arc<Inner>);

struct Inner {
    key: String,
    parent: Option<Transaction>,
    /// What an earlier commit under this key has stored.
    committed: Option<Value>,
    values: Mutex<HashMap<String, Value>>,
    staged: Mutex<Option<Value>>,
}

impl Transaction {
    pub(crate) fn new(key: String, parent: Option<Self>, committed: Option<Value>) -> Self {
        Self(Arc::new(Inner { key, parent, committed, values: Mutex::default(), staged: Mutex::default() }))
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// Tells whether a transaction with this key was committed before: what it does is done already.
    ///
    /// The code of the transaction runs all the same. It is for the code to ask, and to return early.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        self.0.committed.is_some()
    }

    /// Sets a value, for the rest of the transaction and for its hooks.
    ///
    /// # Errors
    /// An error of kind [`Results`](ErrorKind::Results) if the value cannot be written as JSON, or holds what would not
    /// come back: a [`Secret`](crate::Secret), a float that is NaN or infinite.
    pub fn set(&self, name: impl Into<String>, value: impl Serialize) -> Result<(), Error> {
        let name = name.into();
        let value = self.json(&format!("value `{name}`"), value)?;
        lock(&self.0.values).insert(name, value);
        Ok(())
    }

    /// Returns a value that was set here or in a transaction around; `None` if there is none.
    ///
    /// # Errors
    /// An error of kind [`Results`](ErrorKind::Results) if the value is no `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let found = lock(&self.0.values).get(name).cloned();
        match (found, &self.0.parent) {
            (Some(value), _) => self.typed(&format!("value `{name}`"), value).map(Some),
            (None, Some(parent)) => parent.get(name),
            (None, None) => Ok(None),
        }
    }

    /// Sets what is stored under the key when the transaction is committed; nothing but the fact if it is never called.
    ///
    /// # Errors
    /// An error of kind [`Results`](ErrorKind::Results) if the value cannot be written as JSON, or holds what would not
    /// come back: a [`Secret`](crate::Secret), a float that is NaN or infinite.
    pub fn stage(&self, value: impl Serialize) -> Result<(), Error> {
        let value = self.json("staged value", value)?;
        *lock(&self.0.staged) = Some(value);
        Ok(())
    }

    /// Returns what was staged by the transaction that committed this key before; `None` if there was none.
    ///
    /// # Errors
    /// An error of kind [`Results`](ErrorKind::Results) if the value is no `T`.
    pub fn committed<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.0.committed.clone().map(|value| self.typed("committed value", value)).transpose()
    }

    /// What is to be stored at the commit.
    pub(crate) fn staged(&self) -> Value {
        lock(&self.0.staged).clone().unwrap_or_default()
    }

    fn json(&self, what: &str, value: impl Serialize) -> Result<Value, Error> {
        let refuse = "cannot be written as JSON";
        // What would not come back is refused as it is in results.
        ResultCodec::Json.encode(&value).map_err(|why| self.bad(what, refuse, why))?;
        serde_json::to_value(value).map_err(|why| self.bad(what, refuse, why))
    }

    fn typed<T: DeserializeOwned>(&self, what: &str, value: Value) -> Result<T, Error> {
        serde_json::from_value(value)
            .map_err(|why| self.bad(what, &format!("is no `{}`", std::any::type_name::<T>()), why))
    }

    fn bad(&self, what: &str, how: &str, why: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::new(ErrorKind::Results, format!("the {what} of transaction `{}` {how}", self.key())).with_source(why)
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("key", &self.0.key).field("is_committed", &self.is_committed()).finish()
    }
}

/// One hook of a transaction, with its type erased.
#[derive(Clone, Copy)]
pub struct TransactionHookDef {
    pub(crate) name: &'static str,
    pub(crate) call: fn(Transaction) -> BoxFuture<'static, Result<(), String>>,
}

impl TransactionHookDef {
    /// Declares a hook under the name that the log has for it.
    #[must_use]
    pub const fn new(name: &'static str, call: fn(Transaction) -> BoxFuture<'static, Result<(), String>>) -> Self {
        Self { name, call }
    }
}

impl fmt::Debug for TransactionHookDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a task wants called when the transaction around it ends.
#[derive(Clone, Copy, Debug)]
pub struct TransactionHooks {
    pub(crate) on_commit: &'static [TransactionHookDef],
    pub(crate) on_rollback: &'static [TransactionHookDef],
}

impl TransactionHooks {
    /// No hooks.
    pub const NONE: Self = Self { on_commit: &[], on_rollback: &[] };

    /// Sets what is called when the transaction is committed.
    #[must_use]
    pub const fn on_commit(mut self, hooks: &'static [TransactionHookDef]) -> Self {
        self.on_commit = hooks;
        self
    }

    /// Sets what is called when the transaction is rolled back.
    #[must_use]
    pub const fn on_rollback(mut self, hooks: &'static [TransactionHookDef]) -> Self {
        self.on_rollback = hooks;
        self
    }
}
