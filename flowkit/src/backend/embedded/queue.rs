//! What waits to be written. Whoever reports puts it here, and beside the database, and goes on.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::change::Change;
use super::entry::Entry;
use super::journal::Note;
use super::kept::Kept;
use super::tail::{Tail, Unwritten};
use crate::event::Event;
use crate::id::FlowRunId;
use crate::run::{FlowRun, lock};
use crate::state::State;

/// From how many items on whoever reports waits for the writer: what is in memory stays bounded.
const FULL: usize = 65_536;

/// One thing to be written.
pub(super) enum Item {
    /// A flow run that is new, the state it is in, and whether it is resumable.
    FlowRun(Arc<FlowRun>, State, bool),
    /// A state that a flow run has entered.
    FlowState(Arc<FlowRun>, State),
    /// What is noted of a call of a resumable flow run.
    Note(FlowRunId, Note),
    /// What has become of a variable or an artifact.
    Change(Change),
    /// What outlives the process of deployments.
    Kept(Kept),
    /// What the engine tells.
    Event(Event),
    /// The file was found to be damaged.
    Damage,
    /// Somebody waits until everything before is on disk, and is told by this.
    Barrier(Box<dyn FnOnce() + Send>),
}

#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// Wakes the writer.
    filled: Condvar,
    /// Wakes those who wait for room.
    drained: Condvar,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<Item>,
    /// Whether the writer sleeps until there is something.
    asleep: bool,
    /// Whether somebody waits for what is in here.
    urgent: bool,
    closed: bool,
    /// Where it lies until it is in the database.
    tail: Option<Tail>,
    /// That it could not be put there.
    unwritten: Option<Unwritten>,
}

/// What is written in one transaction.
#[derive(Default)]
pub(super) struct Group {
    pub(super) items: VecDeque<Item>,
    /// The number of the last record of it.
    pub(super) last: u64,
    /// What whoever reported could not say.
    pub(super) unwritten: Option<Unwritten>,
    /// Whether nothing comes after it.
    pub(super) is_last: bool,
}

impl Queue {
    /// Makes a queue of which everything is kept there until it is in the database.
    pub(super) fn new(tail: Tail) -> Self {
        Self { waiting: Mutex::new(Waiting { tail: Some(tail), ..Waiting::default() }), ..Self::default() }
    }

    /// Puts an item in. Once that is done, the death of the process does not lose it. Waits for room if there is none, but
    /// never once the writer is gone.
    pub(super) fn push(&self, item: Item) {
        self.put(item, Tail::add);
    }

    /// The same for an item that means nothing before the next one does: the death of the process may lose it until
    /// that one is in.
    pub(super) fn push_with_next(&self, item: Item) {
        self.put(item, |tail, content| {
            tail.hold(content);
            Ok(())
        });
    }

    fn put(&self, item: Item, keep: impl FnOnce(&mut Tail, &[u8]) -> Result<(), Unwritten>) {
        let content = Entry::of(&item).map(|entry| entry.bytes());
        let mut waiting = lock(&self.waiting);
        while waiting.items.len() >= FULL && !waiting.closed {
            waiting = self.drained.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.closed {
            return;
        }
        if let (Some(tail), Some(content)) = (&mut waiting.tail, content)
            && let Err(unwritten) = keep(tail, &content)
        {
            waiting.unwritten = Some(unwritten);
        }
        let urgent = matches!(item, Item::Barrier(_));
        waiting.items.push_back(item);
        waiting.urgent |= urgent;
        let wake = urgent || waiting.items.len() == FULL / 2 || std::mem::take(&mut waiting.asleep);
        drop(waiting);
        if wake {
            self.filled.notify_one();
        }
    }

    /// Waits for items and takes them all; collects for `group` unless somebody waits. `None` once closed and empty;
    /// nothing if there is nothing for as long as `patience`.
    pub(super) fn take(&self, group: Duration, patience: Option<Duration>) -> Option<Group> {
        let mut waiting = lock(&self.waiting);
        while waiting.items.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting.asleep = true;
            let Some(patience) = patience else {
                waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let waited = self.filled.wait_timeout(waiting, patience);
            let (back, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            waiting = back;
            if waited.timed_out() && waiting.items.is_empty() && !waiting.closed {
                waiting.asleep = false;
                return Some(Group::default());
            }
        }
        waiting.asleep = false;
        if !waiting.urgent && !waiting.closed && waiting.items.len() < FULL / 2 {
            let enough = |waiting: &mut Waiting| !waiting.urgent && !waiting.closed && waiting.items.len() < FULL / 2;
            let woken = self.filled.wait_timeout_while(waiting, group, enough);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting.urgent = false;
        if let Some(Err(unwritten)) = waiting.tail.as_mut().map(Tail::put_down) {
            waiting.unwritten = Some(unwritten);
        }
        let group = Group {
            items: std::mem::take(&mut waiting.items),
            last: waiting.tail.as_mut().map_or(0, Tail::turn),
            unwritten: waiting.unwritten.take(),
            is_last: waiting.closed,
        };
        drop(waiting);
        self.drained.notify_all();
        Some(group)
    }

    /// Says that everything is in the database: nothing is kept beside it any longer.
    pub(super) fn done(&self) {
        if let Some(tail) = lock(&self.waiting).tail.take() {
            tail.remove();
        }
    }

    /// Tells whether the writer is to leave everything else for what is in here.
    pub(super) fn presses(&self) -> bool {
        let waiting = lock(&self.waiting);
        waiting.urgent || waiting.closed || waiting.items.len() >= FULL / 2
    }

    /// Refuses more; what is in it is still written.
    pub(super) fn close(&self) {
        lock(&self.waiting).closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn barrier() -> Item {
        Item::Barrier(Box::new(|| {}))
    }

    #[test]
    fn a_barrier_does_not_wait_for_company() {
        let queue = Queue::default();
        queue.push(barrier());
        let taken = queue.take(Duration::from_secs(3600), None).map(|group| group.items.len());
        assert_eq!(taken, Some(1));
    }

    #[test]
    fn what_was_put_in_before_the_end_is_given_out_and_nothing_after() {
        let queue = Queue::default();
        queue.push(barrier());
        queue.close();
        queue.push(barrier());
        assert_eq!(queue.take(Duration::ZERO, None).map(|group| group.items.len()), Some(1));
        assert!(queue.take(Duration::ZERO, None).is_none());
    }

    #[test]
    fn nothing_comes_once_patience_has_ended() {
        let queue = Queue::default();
        assert_eq!(queue.take(Duration::ZERO, Some(Duration::ZERO)).map(|group| group.items.len()), Some(0));
        assert!(!queue.presses());
        queue.push(barrier());
        assert!(queue.presses());
        assert_eq!(queue.take(Duration::ZERO, Some(Duration::ZERO)).map(|group| group.items.len()), Some(1));
    }
}
