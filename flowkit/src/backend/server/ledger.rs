//! What was sent of task runs and is not known to be stored.
//!
//! A server that has received an event has not stored it: Prefect's keeps up to 10 000 of them in memory and drops the
//! rest. So no more is sent than that, and an event counts as delivered when the server shows what it did.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::{self, Instant, Timestamp};
use crate::id::TaskRunId;
use crate::run::{TaskRun, lock};

/// How many events may be on their way. The server holds 10 000, and there may be other programs.
const WINDOW: usize = 3_000;

/// How often the time doubles after which a run is sent again.
const MAX_DOUBLINGS: u32 = 3;

/// The events on their way, by task run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    books: Mutex<Books>,
    stored: Notify,
    sent: Notify,
}

#[derive(Debug, Default)]
struct Books {
    open: HashMap<TaskRunId, Entry>,
    /// Those of `open` in the order in which the server will store them.
    turns: BTreeMap<u64, TaskRunId>,
    next_turn: u64,
    events: usize,
    /// How many events were stored so far, and how many runs were sent again.
    stored: u64,
    again: u64,
    /// Runs of which the last state was left out.
    gaps: HashSet<TaskRunId>,
    /// The server does not let itself be asked.
    blind: bool,
}

#[derive(Debug)]
struct Entry {
    run: Arc<TaskRun>,
    /// The last state that was sent, and when that was.
    index: usize,
    sent: Instant,
    events: usize,
    /// How often it was sent again.
    again: u32,
    turn: u64,
}

impl Books {
    fn take_turn(&mut self, id: TaskRunId) -> u64 {
        self.next_turn += 1;
        self.turns.insert(self.next_turn, id);
        self.next_turn
    }
}

impl Ledger {
    /// Notes that the `index`-th state of a run was sent.
    pub(super) fn sent(&self, run: &Arc<TaskRun>, index: usize) {
        let mut books = lock(&self.books);
        if books.blind {
            return;
        }
        books.events += 1;
        if !books.open.contains_key(&run.id) {
            let turn = books.take_turn(run.id);
            let entry = Entry { run: Arc::clone(run), index, sent: clock::instant(), events: 0, again: 0, turn };
            books.open.insert(run.id, entry);
        }
        if let Some(entry) = books.open.get_mut(&run.id) {
            entry.events += 1;
            (entry.index, entry.sent) = (entry.index.max(index), clock::instant());
        }
        drop(books);
        self.sent.notify_one();
    }

    /// Notes that a state of a run is not sent.
    pub(super) fn left_out(&self, id: TaskRunId) {
        lock(&self.books).gaps.insert(id);
    }

    /// Tells whether the state before the next one was left out.
    pub(super) fn take_gap(&self, id: TaskRunId) -> bool {
        lock(&self.books).gaps.remove(&id)
    }

    /// Waits until more may be sent.
    pub(super) async fn room(&self) {
        loop {
            let stored = self.stored.notified();
            if self.unstored() < WINDOW {
                return;
            }
            stored.await;
        }
    }

    /// Waits until there is something to ask the server about.
    pub(super) async fn something(&self) {
        while self.unstored() == 0 {
            self.sent.notified().await;
        }
    }

    /// Counts the events that are not known to be stored.
    pub(super) fn unstored(&self) -> usize {
        lock(&self.books).events
    }

    /// Counts the events that were stored so far, and the runs that were sent again.
    pub(super) fn progress(&self) -> (u64, u64) {
        let books = lock(&self.books);
        (books.stored, books.again)
    }

    /// Names up to `most` runs to ask about, those first that were sent first.
    pub(super) fn next(&self, most: usize) -> Vec<TaskRunId> {
        lock(&self.books).turns.values().take(most).copied().collect()
    }

    /// Notes the time of the state in which the server shows a run; tells whether that is the last one sent.
    pub(super) fn shown(&self, id: TaskRunId, at: Timestamp) -> bool {
        let books = &mut *lock(&self.books);
        let Some(entry) = books.open.get(&id) else { return false };
        let sent = entry.run.track.with(|states| states.get(entry.index).map(crate::state::State::timestamp));
        if sent.is_some_and(|sent| sent > at) {
            return false;
        }
        books.events -= entry.events;
        books.stored += entry.events as u64;
        books.turns.remove(&entry.turn);
        books.open.remove(&id);
        self.stored.notify_waiters();
        true
    }

    /// Names those of the runs whose last event was sent longer ago than this, to be sent again; the time doubles with
    /// every try, for a server that only stands still would have to store all of them.
    pub(super) fn overdue(&self, asked: &[TaskRunId], after: Duration) -> Vec<(Arc<TaskRun>, usize)> {
        let books = &mut *lock(&self.books);
        let mut overdue = Vec::new();
        for id in asked {
            let turn = books.take_turn(*id);
            let is_overdue = |entry: &&mut Entry| entry.sent.elapsed() >= after * (1 << entry.again.min(MAX_DOUBLINGS));
            match books.open.get_mut(id).filter(is_overdue) {
                Some(entry) => {
                    books.turns.remove(&entry.turn);
                    books.again += 1;
                    (entry.sent, entry.turn, entry.again) = (clock::instant(), turn, entry.again + 1);
                    overdue.push((Arc::clone(&entry.run), entry.index));
                }
                None => drop(books.turns.remove(&turn)),
            }
        }
        overdue
    }

    /// Takes all runs, each with the last state that was sent, before the process ends.
    pub(super) fn take_all(&self) -> Vec<(Arc<TaskRun>, usize)> {
        let books = std::mem::take(&mut *lock(&self.books));
        self.stored.notify_waiters();
        books.turns.values().filter_map(|id| books.open.get(id)).map(|it| (Arc::clone(&it.run), it.index)).collect()
    }

    /// Gives up to ask this server: what it has received counts as stored from now on.
    pub(super) fn go_blind(&self) {
        *lock(&self.books) = Books { blind: true, ..Books::default() };
        self.stored.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::def::TaskDef;
    use crate::run::Track;
    use crate::state::{State, StateName};

    static DEF: TaskDef = TaskDef::new("load", "load-1", &[]);

    fn run() -> Arc<TaskRun> {
        let track = Track::default();
        for (index, name) in [StateName::Pending, StateName::Running, StateName::Completed].into_iter().enumerate() {
            track.push(State::new(name, Timestamp::from_unix_micros(index as i64)));
        }
        Arc::new(TaskRun { id: TaskRunId::now(), def: &DEF, flow_run: None, parent: None, extra: None, track })
    }

    #[tokio::test]
    async fn a_run_is_delivered_when_its_last_state_is_shown() {
        let (ledger, run) = (Ledger::default(), run());
        for index in 0..3 {
            ledger.sent(&run, index);
        }
        assert!(!ledger.shown(run.id, Timestamp::from_unix_micros(1)));
        assert_eq!((ledger.unstored(), ledger.next(200)), (3, vec![run.id]));
        assert!(ledger.shown(run.id, Timestamp::from_unix_micros(2)));
        assert_eq!((ledger.unstored(), ledger.next(200)), (0, vec![]));
    }

    #[tokio::test(start_paused = true)]
    async fn sending_waits_for_the_server_to_store() {
        let (ledger, run) = (Arc::new(Ledger::default()), run());
        for _ in 0..WINDOW {
            ledger.sent(&run, 2);
        }
        let waiting = tokio::spawn({
            let ledger = Arc::clone(&ledger);
            async move { ledger.room().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        ledger.shown(run.id, Timestamp::from_unix_micros(2));
        waiting.await.expect("there is room");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_lost_is_sent_again_and_goes_to_the_end_of_the_line() {
        let ledger = Ledger::default();
        let runs: Vec<_> = (0..3).map(|_| run()).collect();
        runs.iter().for_each(|run| ledger.sent(run, 2));
        let ids: Vec<_> = runs.iter().map(|run| run.id).collect();
        assert_eq!(ledger.next(2), ids[..2]);
        assert!(ledger.overdue(&ids[..1], Duration::from_secs(10)).is_empty(), "it may be on its way");
        clock::sleep(Duration::from_secs(11)).await;
        let again = ledger.overdue(&ids[..1], Duration::from_secs(10));
        assert_eq!(again.iter().map(|(run, index)| (run.id, *index)).collect::<Vec<_>>(), [(ids[0], 2)]);
        assert_eq!(ledger.next(3), [ids[1], ids[2], ids[0]]);
    }
}
