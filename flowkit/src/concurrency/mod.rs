//! Slots of concurrency limits, taken by code: `concurrency("db", 2)` and `rate_limit("api", 1)`.

mod asked;
mod guard;
mod names;
mod rate;

use std::future::IntoFuture;

use futures::future::BoxFuture;

use crate::duration::IntoDuration;
use crate::error::Error;
use crate::slots::SlotMode;

use asked::Asked;
pub use guard::ConcurrencyGuard;
pub use names::LimitNames;
pub use rate::{RateLimitCall, rate_limit};

/// Takes `slots` slots of a concurrency limit, or of each of several, and waits until they are free (Prefect's
/// `concurrency`).
///
/// The slots are held until the guard is dropped: at the end of a block, by `?`, by a panic, and when the task around is
/// cancelled. Of several limits, slots are taken of all or of none, so that nobody can hold one and wait for another.
/// Whoever came first gets them first.
///
/// The limits are those of [`limit::set`](crate::limit::set), Python, or the UI. One that does not exist limits nothing:
/// there is a warning in the log, or an error with [`strict`](ConcurrencyCall::strict). One that was switched off limits
/// nothing either.
///
/// ```
/// use flowkit::{concurrency, limit, prelude::*};
///
/// #[task]
/// async fn export(table: String) -> flowkit::Result<usize> {
///     let _slots = concurrency("db", 2).timeout("30s").await?;
///     Ok(table.len()) // never more than two of these at once, with a limit of 5
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(flowkit::Runtime::ephemeral().run(async {
/// limit::set("db", 5).await?;
/// assert_eq!(export("users").await?, 5);
/// # Ok::<_, flowkit::Error>(())
/// # })).expect("it succeeds");
/// ```
///
/// At a server the slots are leased: the lease is renewed by a thread of its own for as long as the guard lives, whatever
/// the program's runtime is busy with, and ends by itself when the process is killed. In process and with a file, slots end
/// with the process.
pub fn concurrency(names: impl LimitNames, slots: u32) -> ConcurrencyCall {
    ConcurrencyCall(Asked::new(names.into_names(), slots, SlotMode::Held))
}

/// Slots that are to be taken.
///
/// # Errors
/// Awaiting it gives an error of kind [`TimedOut`](crate::ErrorKind::TimedOut) if the slots were not free in time, of kind
/// [`NotFound`](crate::ErrorKind::NotFound) if it is strict and a limit does not exist, of kind
/// [`Refused`](crate::ErrorKind::Refused) if a limit has less slots than are wanted, of kind
/// [`Input`](crate::ErrorKind::Input) for no slots and for names and leases that cannot be, and of kind
/// [`Backend`](crate::ErrorKind::Backend) if the server does not answer.
///
/// # Cancel safety
/// Dropping it while it waits leaves the line; slots that were got in the same moment are given back.
#[derive(Debug)]
#[must_use = "no slot is taken until this is awaited"]
pub struct ConcurrencyCall(Asked);

impl ConcurrencyCall {
    /// Sets how long is waited for the slots, such as `"30s"`; with `"0s"` it is tried once. Default: for ever.
    pub fn timeout(mut self, limit: impl IntoDuration) -> Self {
        self.0.timeout(limit.into_duration());
        self
    }

    /// Says whether a limit that does not exist is an error. Default: no, but a warning in the log.
    ///
    /// See [`ConcurrencyGuard::lost`] for what to do about slots that are lost.
    pub fn strict(mut self, strict: bool) -> Self {
        self.0.strict = strict;
        self
    }

    /// Sets for how long the slots stay taken at a server after this process has died without giving them back, 60 seconds
    /// to one day. Default: 300 seconds.
    pub fn lease(mut self, duration: impl IntoDuration) -> Self {
        self.0.lease(duration.into_duration());
        self
    }

    /// Waits for the slots on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<ConcurrencyGuard, Error> {
        asked::on_this_thread(self.into_future())
    }
}

impl IntoFuture for ConcurrencyCall {
    type Output = Result<ConcurrencyGuard, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let slots = self.0.slots;
            self.0.take().await.map(|granted| ConcurrencyGuard::new(granted, slots))
        })
    }
}
