//! Where results are stored: the port, and the adapters behind it.

#[cfg(test)]
mod behaviours;
pub(crate) mod files;
pub(crate) mod memory;
#[cfg(feature = "object-store")]
pub(crate) mod object;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use crate::clock;
use crate::error::{Error, ErrorKind};

#[cfg(test)]
pub(crate) use behaviours::{keeps_records, one_holds_the_lock};

/// For how long the lock of a process that has died may look as if it were held, in any store.
const LONGEST_LEASE: Duration = Duration::from_secs(40);

/// A lock that is held until it is released or dropped.
pub(crate) type Held = Box<dyn Hold>;

/// How a lock is let go of.
pub(crate) trait Hold: Send + Sync {
    /// Lets go of the lock, and waits until others can have it. Dropping it lets go a little later, if the process lives.
    fn release(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// A lock that is free as soon as the guard in it is dropped.
pub(crate) struct Guarded<T>(pub(crate) T);

impl<T: Send + Sync> Hold for Guarded<T> {
    fn release(self: Box<Self>) -> BoxFuture<'static, ()> {
        drop(self);
        ready(()).boxed()
    }
}

/// A place for records.
///
/// Records are named by where they are: what [`locate`](Store::locate) makes of a key, an absolute path or a URL.
pub(crate) trait Store: Send + Sync + fmt::Debug + 'static {
    /// Tells where the record of a key is, or would be. The key is a plain name.
    fn locate(&self, key: &str) -> String;

    /// Reads a record; `None` if there is none.
    fn read(&self, place: &str) -> BoxFuture<'static, Result<Option<Vec<u8>>, Error>>;

    /// Writes a record in one step: whoever reads sees the old one or the new one.
    fn write(&self, place: &str, record: Vec<u8>) -> BoxFuture<'static, Result<(), Error>>;

    /// Removes a record; there need not be one.
    fn remove(&self, place: &str) -> BoxFuture<'static, Result<(), Error>>;

    /// Tells whether it works only on a tokio runtime. Where there is none, it answers with an error.
    fn needs_tokio(&self) -> bool {
        false
    }

    /// Takes the lock of a record, of which there is one for all processes.
    fn lock(&self, place: &str) -> BoxFuture<'static, Result<Held, Error>>;

    /// Takes the lock of a record unless somebody else has it, who is alive. That may take a while to find out.
    fn try_lock(&self, place: &str) -> BoxFuture<'static, Result<Option<Held>, Error>> {
        let lock = self.lock(place);
        async move { clock::within(LONGEST_LEASE, lock).await.transpose() }.boxed()
    }

    /// Removes what the lock of a record leaves behind. Only for a lock that is held, and that nobody needs any more: who
    /// waits for it gets it together with somebody who asks for it later.
    fn remove_lock(&self, _place: &str) -> BoxFuture<'static, Result<(), Error>> {
        ready(Ok(())).boxed()
    }
}

/// The two stores of a runtime.
#[derive(Debug)]
pub(crate) struct Stores {
    /// Outlives the process.
    pub(crate) durable: Arc<dyn Store>,
    /// Ends with the process.
    pub(crate) passing: Arc<dyn Store>,
}

/// A store that has nothing and takes nothing, and may know why.
#[derive(Clone, Debug, Default)]
pub(crate) struct NoStore(pub(crate) Option<Error>);

impl Default for Stores {
    fn default() -> Self {
        Self { durable: Arc::new(NoStore::default()), passing: Arc::new(NoStore::default()) }
    }
}

impl NoStore {
    fn refuse<T: Send + 'static>(&self) -> BoxFuture<'static, Result<T, Error>> {
        let why = self.0.clone().unwrap_or_else(|| Error::new(ErrorKind::Results, "there is no store for results"));
        ready(Err(why)).boxed()
    }
}

impl Store for NoStore {
    fn locate(&self, key: &str) -> String {
        key.to_owned()
    }

    fn read(&self, _: &str) -> BoxFuture<'static, Result<Option<Vec<u8>>, Error>> {
        ready(Ok(None)).boxed()
    }

    fn write(&self, _: &str, _: Vec<u8>) -> BoxFuture<'static, Result<(), Error>> {
        self.refuse()
    }

    fn remove(&self, _: &str) -> BoxFuture<'static, Result<(), Error>> {
        ready(Ok(())).boxed()
    }

    fn lock(&self, _: &str) -> BoxFuture<'static, Result<Held, Error>> {
        self.refuse()
    }
}
