//! What finished in the attempts of a flow run so far, so that a retry need not do it again.
//!
//! A call is found again by its task, its arguments and how often the same was called before in the same place. Where
//! arguments cannot be compared, the order of the calls counts.

mod disk;

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::canonical::{Canonical, Fingerprint};
use crate::run::{FlowRun, lock};

pub(crate) use disk::{Disk, Mismatch};

/// Stands for one call in every attempt in which it is made, in whatever process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Slot(pub(crate) u128);

impl Slot {
    /// The body of the flow itself, within which calls are made.
    pub(crate) const FLOW: Self = Self(0);

    fn of(call: &Call, nth: u32) -> Self {
        let mut words = Canonical::default();
        words.word(&format!("{:032x} {nth}", call.within.0));
        words.word(call.key);
        if let Some(fingerprint) = &call.fingerprint {
            words.word(&fingerprint.to_string());
        }
        let bytes = words.finish().bytes();
        let mut half = [0; 16];
        half.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        Self(u128::from_be_bytes(half))
    }
}

/// A call as it can be told from others.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Call {
    /// The task run in whose body it is made.
    within: Slot,
    /// The key of the task or flow.
    key: &'static str,
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
pub(crate) struct Journal {
    entries: Mutex<Entries>,
    /// Whether there may be further attempts in this process.
    for_retries: bool,
    /// What of it is on disk.
    disk: Option<Disk>,
}

#[derive(Default)]
struct Entries {
    finished: HashMap<Slot, Box<dyn Any + Send>>,
    subflows: HashMap<Slot, Earlier>,
    /// How often each call was made in the present attempt.
    calls: HashMap<Call, u32>,
    tally: Tally,
    rewound: bool,
}

impl Default for Journal {
    fn default() -> Self {
        Self { entries: Mutex::default(), for_retries: true, disk: None }
    }
}

impl Journal {
    /// Begins another attempt, in which every call is made anew.
    pub(crate) fn rewind(&self) {
        let mut entries = lock(&self.entries);
        entries.calls.clear();
        entries.tally = Tally::default();
        entries.rewound = true;
    }

    /// Makes the journal of a run that goes on after its process has died.
    pub(crate) fn on_disk(disk: Disk, for_retries: bool) -> Self {
        let entries = Entries { rewound: disk.is_resumed(), ..Entries::default() };
        Self { entries: Mutex::new(entries), for_retries, disk: Some(disk) }
    }

    /// What of it is on disk, if it is kept there.
    pub(crate) fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    /// Notes that a call is made, and says which one it is.
    pub(crate) fn claim(&self, within: Slot, key: &'static str, name: &str, fingerprint: Option<Fingerprint>) -> Slot {
        let slot = {
            let mut entries = lock(&self.entries);
            let call = Call { within, key, fingerprint };
            let count = entries.calls.entry(call.clone()).or_default();
            let nth = std::mem::replace(count, *count + 1);
            Slot::of(&call, nth)
        };
        if let Some(disk) = &self.disk {
            disk.asked(slot, within, name);
        }
        slot
    }

    /// Returns a copy of what the call gave in an earlier attempt.
    pub(crate) fn replay<T: 'static>(&self, slot: Slot, clone: fn(&T) -> T) -> Option<T> {
        let mut entries = lock(&self.entries);
        let value = entries.finished.get(&slot).and_then(|value| value.downcast_ref()).map(clone);
        match value {
            Some(_) => entries.tally.replayed += 1,
            None => entries.tally.ran += 1,
        }
        value
    }

    /// Whether values are kept in this process too, for further attempts.
    pub(crate) fn is_for_retries(&self) -> bool {
        self.for_retries
    }

    /// Notes a call that is not made again, since what it gave was on disk.
    pub(crate) fn replayed(&self) {
        lock(&self.entries).tally.replayed += 1;
    }

    /// Notes a call that is made again whatever it gave before.
    pub(crate) fn ran(&self) {
        lock(&self.entries).tally.ran += 1;
    }

    /// Keeps what the call has given.
    pub(crate) fn keep<T: Send + 'static>(&self, slot: Slot, value: T) {
        let mut entries = lock(&self.entries);
        let before = entries.finished.insert(slot, Box::new(value));
        drop(entries);
        drop(before);
    }

    /// Returns the subflow run that an earlier attempt began for the call.
    pub(crate) fn earlier(&self, slot: Slot) -> Option<Earlier> {
        lock(&self.entries).subflows.get(&slot).cloned()
    }

    /// Keeps the subflow run that was begun for the call.
    pub(crate) fn begun(&self, slot: Slot, earlier: Earlier) {
        if let Some(disk) = &self.disk {
            disk.begun(slot, earlier.run.id);
        }
        lock(&self.entries).subflows.insert(slot, earlier);
    }

    /// Returns the figures of the present attempt; `None` if it is the first.
    pub(crate) fn tally(&self) -> Option<Tally> {
        let entries = lock(&self.entries);
        entries.rewound.then_some(entries.tally)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = lock(&self.entries);
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

    fn claim(journal: &Journal, within: Slot, task: usize, fingerprint: Option<Fingerprint>) -> Slot {
        journal.claim(within, ["zero", "one", "two"][task], "a task", fingerprint)
    }

    fn replayed(journal: &Journal, slot: Slot) -> Option<u32> {
        journal.replay(slot, u32::clone)
    }

    #[test]
    fn equal_calls_are_told_apart_by_their_order() {
        let journal = Journal::default();
        let [first, second] = [(); 2].map(|()| claim(&journal, Slot::FLOW, 1, mark("a")));
        assert_ne!(first, second);
        journal.rewind();
        assert_eq!([(); 2].map(|()| claim(&journal, Slot::FLOW, 1, mark("a"))), [first, second]);
    }

    #[test]
    fn calls_with_other_arguments_may_change_their_order() {
        let journal = Journal::default();
        let (a, b) = (claim(&journal, Slot::FLOW, 1, mark("a")), claim(&journal, Slot::FLOW, 1, mark("b")));
        journal.rewind();
        assert_eq!((claim(&journal, Slot::FLOW, 1, mark("b")), claim(&journal, Slot::FLOW, 1, mark("a"))), (b, a));
    }

    #[test]
    fn other_tasks_and_other_places_are_other_calls() {
        let journal = Journal::default();
        let outer = claim(&journal, Slot::FLOW, 1, None);
        let slots =
            [claim(&journal, Slot::FLOW, 2, None), claim(&journal, outer, 2, None), claim(&journal, outer, 1, None)];
        assert!(slots.iter().all(|slot| slots.iter().filter(|other| *other == slot).count() == 1 && *slot != outer));
    }

    #[test]
    fn what_finished_is_given_again_and_counted() {
        let journal = Journal::default();
        let (a, b) = (claim(&journal, Slot::FLOW, 1, mark("a")), claim(&journal, Slot::FLOW, 1, mark("b")));
        assert_eq!((replayed(&journal, a), replayed(&journal, b), journal.tally()), (None, None, None));
        journal.keep(a, 7_u32);
        journal.rewind();
        assert_eq!((replayed(&journal, a), replayed(&journal, b)), (Some(7), None));
        assert_eq!(journal.tally(), Some(Tally { replayed: 1, ran: 1 }));
    }
}
