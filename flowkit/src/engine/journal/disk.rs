//! The part of a journal that outlives the process: which calls were made, and what they gave.
//!
//! A call that is not on disk may be new, or the sign of a program that has changed. It is the latter if nothing else
//! goes on and calls that were made before are still missing: the same program would have made those first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::clock;
use crate::engine::context::Ports;
use crate::engine::journal::Slot;
use crate::error::Error;
use crate::id::FlowRunId;
use crate::journals::{Asked, Journals, Recorded, Written};
use crate::run::lock;

/// How often, and how long each time, is waited for missing calls before the program counts as changed.
const LOOKS: u32 = 10;
const LOOK: Duration = Duration::from_millis(5);

/// How many calls a message lists.
const SHOWN: usize = 3;

/// The part of the journal of one flow run that is on disk.
pub(crate) struct Disk {
    ports: Arc<Ports>,
    run: FlowRunId,
    known: Mutex<Known>,
    resumed: bool,
}

#[derive(Default)]
struct Known {
    recorded: HashMap<Slot, Recorded>,
    places: HashMap<Slot, Around>,
    /// New calls that are to be compared before they are noted.
    pending: HashMap<Slot, Asked>,
    calls: u32,
}

/// What goes on in one body.
#[derive(Default)]
struct Around {
    /// Calls that were made before and are not made again yet, by their positions.
    missing: BTreeMap<u32, String>,
    /// Calls under way, but for those that wait to be compared.
    running: u32,
}

/// The program asks for something else than before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mismatch(pub(crate) String);

/// A call that is under way, until it is dropped.
pub(crate) struct Running<'a> {
    disk: &'a Disk,
    within: Slot,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.disk.count(self.within, |running| running.saturating_sub(1));
    }
}

impl Disk {
    /// Begins the journal of a new run.
    pub(crate) fn new(ports: Arc<Ports>, run: FlowRunId) -> Self {
        Self { ports, run, known: Mutex::default(), resumed: false }
    }

    /// Takes up the journal of a run that an earlier process has left; `read_from` is the run whose it was.
    pub(crate) async fn read(ports: Arc<Ports>, run: FlowRunId, read_from: FlowRunId) -> Result<Self, Error> {
        let mut known = Known::default();
        let read = match ports.backend.journals() {
            Some(journals) => journals.read(read_from).await?,
            None => Vec::new(),
        };
        for recorded in read {
            let asked = &recorded.asked;
            known.calls = known.calls.max(asked.position + 1);
            let around = known.places.entry(Slot(asked.within)).or_default();
            around.missing.insert(asked.position, asked.label.clone());
            known.recorded.insert(Slot(asked.slot), recorded);
        }
        Ok(Self { ports, run, known: Mutex::new(known), resumed: true })
    }

    pub(crate) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// How many calls have finished before.
    pub(crate) fn finished_before(&self) -> usize {
        lock(&self.known).recorded.values().filter(|recorded| recorded.value.is_some()).count()
    }

    fn journals(&self) -> Option<&dyn Journals> {
        self.ports.backend.journals()
    }

    /// Notes a call.
    pub(super) fn asked(&self, slot: Slot, within: Slot, label: &str) {
        let mut known = lock(&self.known);
        if let Some(position) = known.recorded.get(&slot).map(|recorded| recorded.asked.position) {
            if let Some(around) = known.places.get_mut(&within) {
                around.missing.remove(&position);
            }
            return;
        }
        let position = known.calls;
        known.calls += 1;
        let asked = Asked { slot: slot.0, within: within.0, position, label: label.to_owned() };
        if self.resumed {
            known.pending.insert(slot, asked);
        } else if let Some(journals) = self.journals() {
            journals.asked(self.run, asked);
        }
    }

    /// A new call of a resumed run is one of the same program.
    fn accept(&self, known: &mut Known, slot: Slot) {
        if let (Some(asked), Some(journals)) = (known.pending.remove(&slot), self.journals()) {
            journals.asked(self.run, asked);
        }
    }

    /// Notes the subflow run that was begun for a call.
    pub(super) fn begun(&self, slot: Slot, subflow: FlowRunId) {
        if let Some(journals) = self.journals() {
            journals.begun(self.run, slot.0, subflow);
        }
    }

    /// What an earlier process has noted of a call.
    pub(crate) fn recorded(&self, slot: Slot) -> Option<Recorded> {
        lock(&self.known).recorded.get(&slot).cloned()
    }

    /// Notes what a call has given, and waits until that cannot be lost any more.
    pub(crate) async fn finished(&self, slot: Slot, value: Written) {
        if let Some(journals) = self.journals() {
            journals.finished(self.run, slot.0, value);
            journals.settled().await;
        }
    }

    /// Says that a call is under way.
    pub(crate) fn running(&self, within: Slot) -> Running<'_> {
        self.count(within, |running| running + 1);
        Running { disk: self, within }
    }

    fn count(&self, within: Slot, change: impl FnOnce(u32) -> u32) {
        let mut known = lock(&self.known);
        let around = known.places.entry(within).or_default();
        around.running = change(around.running);
    }

    /// Finds out whether a call that was not made before can be one of the same program.
    pub(crate) async fn compare(&self, slot: Slot, within: Slot, label: &str) -> Result<(), Mismatch> {
        if !self.resumed {
            return Ok(());
        }
        for look in 0..=LOOKS {
            {
                let known = &mut *lock(&self.known);
                let around = known.places.get(&within).filter(|around| !around.missing.is_empty());
                match around.filter(|around| around.running == 0 && !known.recorded.contains_key(&slot)) {
                    None => {
                        self.accept(known, slot);
                        return Ok(());
                    }
                    Some(around) if look == LOOKS => return Err(mismatch(&around.missing, label)),
                    Some(_) => {}
                }
            }
            clock::sleep(LOOK).await;
        }
        Ok(())
    }
}

fn mismatch(missing: &BTreeMap<u32, String>, label: &str) -> Mismatch {
    let shown: Vec<String> =
        missing.iter().take(SHOWN).map(|(position, label)| format!("call {}: `{label}`", position + 1)).collect();
    let more = match missing.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let place = missing.keys().next().map_or(0, |position| position + 1);
    Mismatch(format!(
        "the program has changed: at call {place} it asks for `{label}`, but before it was stopped it had asked for {}{more}. \
         Run the program as it was, or begin a new run",
        shown.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_tells_what_was_asked_for_and_what_is() {
        let missing: BTreeMap<u32, String> = (2..7).map(|n| (n, format!("task {n}"))).collect();
        let Mismatch(text) = mismatch(&missing, "pay");
        let told = "the program has changed: at call 3 it asks for `pay`, but before it was stopped it had asked for call 3: `task 2`, \
                    call 4: `task 3`, call 5: `task 4` and 2 more.";
        assert!(text.starts_with(told), "{text}");
    }
}
