//! The concurrency limits of this process.

mod table;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::{BoxFuture, pending, ready};

use crate::backend::memory::Memory;
use crate::clock;
use crate::error::Error;
use crate::run::lock;
use crate::slots::{ConcurrencyLimit, Granted, HeldSlots, LimitChange, SlotHolder, SlotMode, Slots, Wanted, late};
use table::{Look, Now, Table};

/// The limits, and who waits for slots of them.
#[derive(Debug, Default)]
pub(super) struct Counting {
    table: Arc<Mutex<Table>>,
    /// How many limits hold for tags, so that nobody else has to look.
    of_tags: AtomicUsize,
}

/// Somebody in line, or with slots. Dropping it leaves.
struct Place {
    table: Arc<Mutex<Table>>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.table).leave(self.number);
    }
}

impl HeldSlots for Place {
    fn is_lost(&self) -> bool {
        false
    }

    fn lost(&self) -> BoxFuture<'_, ()> {
        pending().boxed()
    }

    fn give_back(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        drop(self);
        ready(Ok(())).boxed()
    }
}

fn now() -> Now {
    Now { instant: clock::instant(), timestamp: clock::now() }
}

impl Counting {
    async fn take(&self, wanted: Wanted) -> Result<Granted, Error> {
        let (names, slots, patience, mode) = (wanted.names.clone(), wanted.slots, wanted.patience, wanted.mode);
        let begun = clock::instant();
        let (number, signal) = lock(&self.table).enter(wanted);
        let place = Place { table: Arc::clone(&self.table), number };
        loop {
            let look = lock(&self.table).look(number, now());
            let pause = match look {
                Look::Refused(error) => return Err(error),
                Look::Granted { names, missing } => {
                    let hold =
                        (mode == SlotMode::Held && !names.is_empty()).then(|| Box::new(place) as Box<dyn HeldSlots>);
                    return Ok(Granted { names, missing, hold });
                }
                Look::Wait(pause) => pause,
            };
            let left = patience.map(|patience| patience.saturating_sub(begun.elapsed()));
            if let (Some(left), Some(patience)) = (left, patience)
                && left.is_zero()
            {
                return Err(late(&names, slots, patience));
            }
            match [pause, left].into_iter().flatten().min() {
                None => signal.notified().await,
                Some(pause) => drop(clock::within(pause, signal.notified()).await),
            }
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Table, Now) -> T) -> T {
        let mut table = lock(&self.table);
        let answer = change(&mut table, now());
        self.of_tags.store(table.count_of_tags(), Ordering::Release);
        answer
    }
}

impl Memory {
    /// Takes over what an earlier process has set.
    #[cfg(feature = "embedded")]
    pub(crate) fn recall_limits(&self, limits: Vec<ConcurrencyLimit>) {
        self.slots.change(|table, now| limits.into_iter().for_each(|limit| table.recall(limit, now)));
    }

    /// Creates or changes a limit, and shows it.
    pub(crate) fn set_known_limit(&self, change: LimitChange) -> Result<ConcurrencyLimit, Error> {
        self.slots.change(|table, now| table.set(change, now))
    }

    /// Switches a limit on or off, and shows it, if there is one.
    pub(crate) fn switch_known_limit(&self, name: &str, active: bool) -> Option<ConcurrencyLimit> {
        self.slots.change(|table, now| table.set_active(name, active, now))
    }

    /// Removes a limit; tells whether there was one.
    pub(crate) fn delete_known_limit(&self, name: &str) -> bool {
        self.slots.change(|table, _| table.delete(name))
    }
}

impl Slots for Memory {
    fn take(&self, wanted: Wanted) -> BoxFuture<'_, Result<Granted, Error>> {
        self.slots.take(wanted).boxed()
    }

    fn may_limit_tags(&self) -> bool {
        self.slots.of_tags.load(Ordering::Acquire) > 0
    }

    fn limits_of_tags(&self, tags: &[String]) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        ready(Ok(lock(&self.slots.table).of_tags(tags))).boxed()
    }

    fn limit(&self, name: String) -> BoxFuture<'_, Result<Option<ConcurrencyLimit>, Error>> {
        ready(Ok(lock(&self.slots.table).read(&name, now()))).boxed()
    }

    fn limits(&self) -> BoxFuture<'_, Result<Vec<ConcurrencyLimit>, Error>> {
        ready(Ok(lock(&self.slots.table).all(now()))).boxed()
    }

    fn set_limit(&self, change: LimitChange) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.set_known_limit(change).map(drop)).boxed()
    }

    fn set_active(&self, name: String, active: bool) -> BoxFuture<'_, Result<bool, Error>> {
        ready(Ok(self.switch_known_limit(&name, active).is_some())).boxed()
    }

    fn delete_limit(&self, name: String) -> BoxFuture<'_, Result<bool, Error>> {
        ready(Ok(self.delete_known_limit(&name))).boxed()
    }

    fn holders(&self, name: String) -> BoxFuture<'_, Result<Option<Vec<SlotHolder>>, Error>> {
        ready(Ok(lock(&self.slots.table).holders(&name))).boxed()
    }
}
