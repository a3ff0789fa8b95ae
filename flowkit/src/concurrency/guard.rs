//! Slots that are held.

use std::fmt;
use std::future::pending;

use crate::error::Error;
use crate::slots::{Granted, HeldSlots};

/// Slots of concurrency limits; see [`concurrency`](crate::concurrency()). Dropping it gives them back.
///
/// At a server that takes a moment after the drop; [`release`](Self::release) waits for it.
#[must_use = "the slots are given back when this is dropped"]
pub struct ConcurrencyGuard {
    names: Vec<String>,
    slots: u32,
    hold: Option<Box<dyn HeldSlots>>,
}

impl ConcurrencyGuard {
    pub(super) fn new(granted: Granted, slots: u32) -> Self {
        Self { names: granted.names, slots, hold: granted.hold }
    }

    /// Names the limits of which slots are held: those that exist and are active.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns how many slots of each of them are held.
    #[must_use]
    pub fn slots(&self) -> u32 {
        if self.names.is_empty() { 0 } else { self.slots }
    }

    /// Tells whether the slots are lost: the server could not be told in time that they are still needed, or somebody has
    /// taken them away. The log says why.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.is_lost())
    }

    /// Waits until the slots are lost, which without a server never happens. For work that must not go on then (Prefect's
    /// `strict`):
    ///
    /// ```
    /// # use flowkit::prelude::*;
    /// # async fn work() -> flowkit::Result<()> { Ok(()) }
    /// #[task]
    /// async fn exclusive() -> anyhow::Result<()> {
    ///     let slot = flowkit::concurrency("ledger", 1).strict(true).await?;
    ///     tokio::select! {
    ///         done = work() => Ok(done?),
    ///         () = slot.lost() => anyhow::bail!("the slot is lost"),
    ///     }
    /// }
    /// ```
    pub async fn lost(&self) {
        match &self.hold {
            Some(hold) => hold.lost().await,
            None => pending().await,
        }
    }

    /// Gives the slots back, and waits until others can have them.
    ///
    /// # Errors
    /// An error of kind [`Backend`](crate::ErrorKind::Backend) if the server could not be told: it gives the slots to
    /// others once the lease has ended.
    ///
    /// # Cancel safety
    /// The slots are given back even if this is dropped.
    pub async fn release(self) -> Result<(), Error> {
        match self.hold {
            Some(hold) => hold.give_back().await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ConcurrencyGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrencyGuard")
            .field("names", &self.names)
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}
