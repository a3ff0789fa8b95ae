//! What finished in the attempts of a flow run so far, so that a retry need not do it again.
//!
//! A call is found again by its task, its arguments and how often the same was called before in the same place. Where
//! arguments cannot be compared, the order of the calls counts.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::canonical::Fingerprint;
use crate::run::{FlowRun, lock};

/// Stands for one call in every attempt in which it is made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Slot(u64);

impl Slot {
    /// The body of the flow itself, within which calls are made.
    pub(crate) const FLOW: Self = Self(0);
}

/// A call as it can be told from others.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Call {
    /// The task run in whose body it is made.
    within: Slot,
    /// The address of the declaration, of which there is one for each task or flow.
    def: usize,
    fingerprint: Option<Fingerprint>,
}

/// A subflow run that an earlier attempt began, and what it got done.
#[derive(Clone, Debug)]
pub(crate) struct Earlier {
    pub(crate) run: Arc<FlowRun>,
    pub(crate) journal: Arc<Journal>,
}

/// A place in the journal at which calls are made.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) journal: Arc<Journal>,
    pub(crate) within: Slot,
}

/// How many task runs and subflow runs of an attempt were taken from earlier ones, and how many were not.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Tally {
    pub(crate) replayed: u64,
    pub(crate) ran: u64,
}

/// The journal of one flow run.
#[derive(Default)]
pub(crate) struct Journal(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    slots: HashMap<(Call, u32), Slot>,
    finished: HashMap<Slot, Box<dyn Any + Send>>,
    subflows: HashMap<Slot, Earlier>,
    /// How often each call was made in the present attempt.
    calls: HashMap<Call, u32>,
    tally: Tally,
    rewound: bool,
}

impl Journal {
    /// Begins another attempt, in which every call is made anew.
    pub(crate) fn rewind(&self) {
        let mut entries = lock(&self.0);
        entries.calls.clear();
        entries.tally = Tally::default();
        entries.rewound = true;
    }

    /// Notes that a call is made, and says which one it is.
    pub(crate) fn claim(&self, within: Slot, def: usize, fingerprint: Option<Fingerprint>) -> Slot {
        let mut entries = lock(&self.0);
        let call = Call { within, def, fingerprint };
        let count = entries.calls.entry(call.clone()).or_default();
        let nth = std::mem::replace(count, *count + 1);
        let new = Slot(entries.slots.len() as u64 + 1);
        *entries.slots.entry((call, nth)).or_insert(new)
    }

    /// Returns a copy of what the call gave in an earlier attempt.
    pub(crate) fn replay<T: 'static>(&self, slot: Slot, clone: fn(&T) -> T) -> Option<T> {
        let mut entries = lock(&self.0);
        let value = entries.finished.get(&slot).and_then(|value| value.downcast_ref()).map(clone);
        match value {
            Some(_) => entries.tally.replayed += 1,
            None => entries.tally.ran += 1,
        }
        value
    }

    /// Notes a call that is made again whatever it gave before.
    pub(crate) fn ran(&self) {
        lock(&self.0).tally.ran += 1;
    }

    /// Keeps what the call has given.
    pub(crate) fn keep<T: Send + 'static>(&self, slot: Slot, value: T) {
        let mut entries = lock(&self.0);
        let before = entries.finished.insert(slot, Box::new(value));
        drop(entries);
        drop(before);
    }

    /// Returns the subflow run that an earlier attempt began for the call.
    pub(crate) fn earlier(&self, slot: Slot) -> Option<Earlier> {
        lock(&self.0).subflows.get(&slot).cloned()
    }

    /// Keeps the subflow run that was begun for the call.
    pub(crate) fn begun(&self, slot: Slot, earlier: Earlier) {
        lock(&self.0).subflows.insert(slot, earlier);
    }

    /// Returns the figures of the present attempt; `None` if it is the first.
    pub(crate) fn tally(&self) -> Option<Tally> {
        let entries = lock(&self.0);
        entries.rewound.then_some(entries.tally)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = lock(&self.0);
        f.debug_struct("Journal").field("finished", &entries.finished.len()).field("tally", &entries.tally).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Canonical;

    fn mark(text: &str) -> Option<Fingerprint> {
        let mut canonical = Canonical::default();
        canonical.write(text).ok()?;
        Some(canonical.finish())
    }

    fn replayed(journal: &Journal, slot: Slot) -> Option<u32> {
        journal.replay(slot, u32::clone)
    }

    #[test]
    fn equal_calls_are_told_apart_by_their_order() {
        let journal = Journal::default();
        let [first, second] = [(); 2].map(|()| journal.claim(Slot::FLOW, 1, mark("a")));
        assert_ne!(first, second);
        journal.rewind();
        assert_eq!([(); 2].map(|()| journal.claim(Slot::FLOW, 1, mark("a"))), [first, second]);
    }

    #[test]
    fn calls_with_other_arguments_may_change_their_order() {
        let journal = Journal::default();
        let (a, b) = (journal.claim(Slot::FLOW, 1, mark("a")), journal.claim(Slot::FLOW, 1, mark("b")));
        journal.rewind();
        assert_eq!((journal.claim(Slot::FLOW, 1, mark("b")), journal.claim(Slot::FLOW, 1, mark("a"))), (b, a));
    }

    #[test]
    fn other_tasks_and_other_places_are_other_calls() {
        let journal = Journal::default();
        let outer = journal.claim(Slot::FLOW, 1, None);
        let slots = [journal.claim(Slot::FLOW, 2, None), journal.claim(outer, 2, None), journal.claim(outer, 1, None)];
        assert!(slots.iter().all(|slot| slots.iter().filter(|other| *other == slot).count() == 1 && *slot != outer));
    }

    #[test]
    fn what_finished_is_given_again_and_counted() {
        let journal = Journal::default();
        let (a, b) = (journal.claim(Slot::FLOW, 1, mark("a")), journal.claim(Slot::FLOW, 1, mark("b")));
        assert_eq!((replayed(&journal, a), replayed(&journal, b), journal.tally()), (None, None, None));
        journal.keep(a, 7_u32);
        journal.rewind();
        assert_eq!((replayed(&journal, a), replayed(&journal, b)), (Some(7), None));
        assert_eq!(journal.tally(), Some(Tally { replayed: 1, ran: 1 }));
    }
}
