//! Slots that come back with time.

use std::future::IntoFuture;

use futures::future::BoxFuture;

use crate::concurrency::asked::{self, Asked};
use crate::concurrency::names::LimitNames;
use crate::duration::IntoDuration;
use crate::error::Error;
use crate::slots::SlotMode;

/// Takes `slots` slots of a rate limit, or of each of several, and waits until there are as many (Prefect's `rate_limit`).
///
/// Nothing is held: the slots come back by themselves, as many a second as the limit's
/// [`slot_decay_per_second`](crate::limit::SetLimit::slot_decay_per_second) says. A limit of 10 with a decay of 2 lets 10
/// pass at once, and from then on 2 a second.
///
/// ```
/// use flowkit::{limit, prelude::*, rate_limit};
///
/// #[task]
/// async fn fetch(page: u32) -> flowkit::Result<u32> {
///     rate_limit("api", 1).await?;
///     Ok(page)
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(flowkit::Runtime::ephemeral().run(async {
/// limit::set("api", 10).slot_decay_per_second(2.0).await?;
/// assert_eq!(fetch(7).await?, 7);
/// # Ok::<_, flowkit::Error>(())
/// # })).expect("it succeeds");
/// ```
pub fn rate_limit(names: impl LimitNames, slots: u32) -> RateLimitCall {
    RateLimitCall(Asked::new(names.into_names(), slots, SlotMode::Spent))
}

/// Slots of rate limits that are to be taken.
///
/// # Errors
/// Those of [`ConcurrencyCall`](crate::ConcurrencyCall); a limit without slot decay is one of kind
/// [`Refused`](crate::ErrorKind::Refused).
///
/// # Cancel safety
/// Dropping it while it waits leaves the line.
#[derive(Debug)]
#[must_use = "no slot is taken until this is awaited"]
pub struct RateLimitCall(Asked);

impl RateLimitCall {
    /// Sets how long is waited for the slots, such as `"30s"`; with `"0s"` it is tried once. Default: for ever.
    pub fn timeout(mut self, limit: impl IntoDuration) -> Self {
        self.0.timeout(limit.into_duration());
        self
    }

    /// Says whether a limit that does not exist is an error. Default: no, but a warning in the log.
    pub fn strict(mut self, strict: bool) -> Self {
        self.0.strict = strict;
        self
    }

    /// Waits for the slots on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<(), Error> {
        asked::on_this_thread(self.into_future())
    }
}

impl IntoFuture for RateLimitCall {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.0.take().await.map(drop) })
    }
}
