//! Concurrency and rate limits, to be made, read and removed (Prefect's global concurrency limits).
//!
//! [`concurrency`](crate::concurrency()) and [`rate_limit`](crate::rate_limit) take slots of them. A limit called `tag:x`
//! holds for task runs with the tag `x`: each takes a slot before it starts to run, and is Pending until it has one.
//!
//! ```
//! use flowkit::{limit, prelude::*};
//!
//! #[task(tags = ["warehouse"])]
//! async fn load(part: u32) -> u32 {
//!     part
//! }
//!
//! # tokio::runtime::Runtime::new().expect("a runtime").block_on(flowkit::Runtime::ephemeral().run(async {
//! limit::set("tag:warehouse", 2).await?;
//! let parts = flowkit::map(1..=20, load).await?; // never more than two at once
//! assert_eq!(parts.len(), 20);
//! # Ok::<_, flowkit::Error>(())
//! # })).expect("it succeeds");
//! ```
//!
//! With a Prefect server they are the server's, shared with Python, other processes and the UI. With a file (`FLOWKIT_DB`)
//! they are in the file, and later processes have them. With neither they are in this process, and end with it.

use std::future::IntoFuture;

use futures::future::BoxFuture;

use crate::blocking;
use crate::error::Error;
use crate::runtime;
use crate::slots::{ExistingLimit, LimitChange, check_decay, check_name, missing};

pub use crate::slots::{ConcurrencyLimit, SlotHolder};

/// Makes a limit, or changes the one of that name. A limit of 0 lets nobody pass.
///
/// Of a limit that is there already only what is said changes; slots that are held stay held.
pub fn set(name: impl Into<String>, limit: u32) -> SetLimit {
    SetLimit::new(name.into(), limit, ExistingLimit::Changed)
}

/// Makes a limit that must not be there yet.
pub fn create(name: impl Into<String>, limit: u32) -> SetLimit {
    SetLimit::new(name.into(), limit, ExistingLimit::Refused)
}

/// Switches a limit on or off; one that is off limits nothing.
pub fn set_active(name: impl Into<String>, active: bool) -> SetActive {
    SetActive { name: name.into(), active }
}

/// Removes a limit, if it is there.
pub fn delete(name: impl Into<String>) -> DeleteLimit {
    DeleteLimit { name: name.into() }
}

/// Reads a limit.
pub fn read(name: impl Into<String>) -> ReadLimit {
    ReadLimit { name: name.into() }
}

/// Lists all limits in the order of their names.
pub fn list() -> ListLimits {
    ListLimits(())
}

/// Tells who holds slots of a limit, in the order in which they got them.
///
/// In process and with a file these are the runs of this process. A server tells it of limits of tags only (`tag:x`).
pub fn holders(name: impl Into<String>) -> ListHolders {
    ListHolders { name: name.into() }
}

/// What every call here can do in code that is not `async`.
macro_rules! waits {
    ($($call:ty => $output:ty;)*) => {$(
        impl $call {
            /// Waits for it on this thread, in code that is not `async`.
            ///
            /// # Errors
            /// Those of awaiting it.
            pub fn blocking(self) -> Result<$output, Error> {
                blocking::wait(self.into_future())
            }
        }
    )*};
}

waits! {
    SetLimit => ();
    SetActive => ();
    DeleteLimit => bool;
    ReadLimit => ConcurrencyLimit;
    ListLimits => Vec<ConcurrencyLimit>;
    ListHolders => Vec<SlotHolder>;
}

/// A limit that is to be made or changed.
///
/// # Errors
/// Awaiting it gives an error of kind [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if it is to be new and is not, of
/// kind [`Input`](crate::ErrorKind::Input) for a name that no limit can have (`/`, `%`, `&`, `>` and `<` are refused) and
/// for a decay that is no rate, and of kind [`Backend`](crate::ErrorKind::Backend) if the server does not answer.
#[derive(Debug)]
#[must_use = "nothing is set until this is awaited"]
pub struct SetLimit(LimitChange);

impl SetLimit {
    fn new(name: String, limit: u32, existing: ExistingLimit) -> Self {
        Self(LimitChange { name, limit, active: None, slot_decay_per_second: None, existing })
    }

    /// Sets how many taken slots come back by themselves in each second, which makes it a rate limit. Default: none.
    pub fn slot_decay_per_second(mut self, slots: f64) -> Self {
        self.0.slot_decay_per_second = Some(slots);
        self
    }

    /// Says whether it limits anything. Default: yes.
    pub fn active(mut self, active: bool) -> Self {
        self.0.active = Some(active);
        self
    }
}

impl IntoFuture for SetLimit {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            check_name(&self.0.name)?;
            self.0.slot_decay_per_second.map_or(Ok(()), |decay| check_decay(&self.0.name, decay))?;
            runtime::ports()?.backend.slots().set_limit(self.0).await
        })
    }
}

/// A limit that is to be switched on or off.
///
/// # Errors
/// Awaiting it gives an error of kind [`NotFound`](crate::ErrorKind::NotFound) if there is no such limit, of kind
/// [`Input`](crate::ErrorKind::Input) if no limit can have this name, and of kind [`Backend`](crate::ErrorKind::Backend) if
/// the server does not answer.
#[derive(Debug)]
#[must_use = "nothing is switched until this is awaited"]
pub struct SetActive {
    name: String,
    active: bool,
}

impl IntoFuture for SetActive {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            check_name(&self.name)?;
            let was_there = runtime::ports()?.backend.slots().set_active(self.name.clone(), self.active).await?;
            if was_there { Ok(()) } else { Err(missing(&[self.name])) }
        })
    }
}

/// A limit that is to be removed. Awaiting it tells whether there was one.
///
/// # Errors
/// Those of [`SetActive`], but for one that is not there.
#[derive(Debug)]
#[must_use = "nothing is removed until this is awaited"]
pub struct DeleteLimit {
    name: String,
}

impl IntoFuture for DeleteLimit {
    type Output = Result<bool, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            check_name(&self.name)?;
            runtime::ports()?.backend.slots().delete_limit(self.name).await
        })
    }
}

/// A limit that is to be read.
///
/// # Errors
/// Those of [`SetActive`].
#[derive(Debug)]
#[must_use = "nothing is read until this is awaited"]
pub struct ReadLimit {
    name: String,
}

impl IntoFuture for ReadLimit {
    type Output = Result<ConcurrencyLimit, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            check_name(&self.name)?;
            let found = runtime::ports()?.backend.slots().limit(self.name.clone()).await?;
            found.ok_or_else(|| missing(&[self.name]))
        })
    }
}

/// The limits, to be listed.
///
/// # Errors
/// Awaiting it gives an error of kind [`Backend`](crate::ErrorKind::Backend) if the server does not answer.
#[derive(Debug)]
#[must_use = "nothing is read until this is awaited"]
pub struct ListLimits(());

impl IntoFuture for ListLimits {
    type Output = Result<Vec<ConcurrencyLimit>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { runtime::ports()?.backend.slots().limits().await })
    }
}

/// The holders of slots, to be listed.
///
/// # Errors
/// Those of [`SetActive`]; of kind [`Refused`](crate::ErrorKind::Refused) where a server does not tell.
#[derive(Debug)]
#[must_use = "nothing is read until this is awaited"]
pub struct ListHolders {
    name: String,
}

impl IntoFuture for ListHolders {
    type Output = Result<Vec<SlotHolder>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            check_name(&self.name)?;
            let found = runtime::ports()?.backend.slots().holders(self.name.clone()).await?;
            found.ok_or_else(|| missing(&[self.name]))
        })
    }
}
