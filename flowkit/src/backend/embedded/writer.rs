//! The one thread that writes: everything that has gathered goes to disk in one transaction.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::check::Check;
use super::gone::Whereabouts;
use super::open::{self, Opened, Sync};
use super::queue::{Group, Item, Queue};
use super::replay::Mark;
use super::rows::FlowRow;
use super::statements::{Numbers, Rows};
use super::sweep::{Step, Sweeper};
use crate::backend::Undelivered;
use crate::clock;
use crate::event::Event;
use crate::retention::Retention;
use crate::run::lock;

/// How long reports are gathered when nobody waits for them: at most this much history is lost with the power, and
/// nothing with the process.
const GROUP: Duration = Duration::from_millis(5);

/// How long to wait before a transaction that failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How often the first transaction that fails is tried; those after it only once, so that nobody waits for a full disk
/// longer than that.
const TRIES: u32 = 3;

/// What the writer could not write.
#[derive(Debug, Default)]
pub(super) struct Lost(Mutex<Undelivered>);

impl Lost {
    pub(super) fn so_far(&self) -> Undelivered {
        lock(&self.0).clone()
    }

    /// Tells what was lost, if anything; `None` if it is all there.
    pub(super) fn told(&self) -> Option<String> {
        let lost = self.so_far();
        (!lost.is_empty()).then(|| {
            let Undelivered { task_states, flow_states, logs, changes, reason } = lost;
            let reason = reason.unwrap_or_default();
            let changes = if changes == 0 { String::new() } else { format!(", {changes} change(s) of variables and artifacts") };
            format!(
                "{flow_states} flow-run state(s), {task_states} task-run state(s), {logs} log line(s){changes} ({reason})"
            )
        })
    }

    fn add(&self, items: &VecDeque<Item>, reason: &rusqlite::Error) {
        let mut lost = lock(&self.0);
        for item in items {
            match item {
                Item::FlowRun(..) | Item::FlowState(..) | Item::Kept(_) | Item::Event(Event::FlowEnded(..)) => {
                    lost.flow_states += 1
                }
                Item::Event(Event::Log(_)) => lost.logs += 1,
                Item::Note(..) | Item::Event(Event::TaskState(..) | Event::Asset(_) | Event::Happened(_)) => {
                    lost.task_states += 1
                }
                Item::Change(_) => lost.changes += 1,
                Item::Damage | Item::Barrier(_) => {}
            }
        }
        lost.reason = Some(reason.to_string());
    }
}

/// What is written to.
pub(super) struct Source {
    pub(super) opened: Opened,
    /// Looks the file through, if that is still to be done.
    pub(super) check: Option<Check>,
    pub(super) place: Whereabouts,
}

/// Starts the thread. It ends once the queue is closed and empty, and notes in the file that it has.
pub(super) fn start(
    source: Source,
    keep: Retention,
    queue: Arc<Queue>,
    lost: Arc<Lost>,
) -> std::io::Result<JoinHandle<()>> {
    let Source { opened: Opened { connection, epoch, .. }, check, place } = source;
    let (numbers, sweeper) = (Numbers::default(), Sweeper::new(keep));
    let mut writer = Writer { connection, epoch, numbers, sweeper, lost, check, place, failing: false };
    std::thread::Builder::new().name("flowkit-writer".to_owned()).spawn(move || {
        while let Some(group) = queue.take(GROUP, writer.sweeper.patience()) {
            let began = clock::instant();
            if !group.items.is_empty() {
                writer.write(group);
                writer.sweeper.written();
                writer.place.look();
            }
            writer.sweep(&queue, began.elapsed());
        }
        let (all_written, closed) = (!writer.failing, writer.close());
        if all_written && closed {
            queue.done();
        }
    })
}

struct Writer {
    connection: Connection,
    epoch: i64,
    numbers: Numbers,
    sweeper: Sweeper,
    lost: Arc<Lost>,
    check: Option<Check>,
    place: Whereabouts,
    /// Whether the last transaction came to nothing: that is said once. What it was of lies beside the database.
    failing: bool,
}

impl Writer {
    fn write(&mut self, group: Group) {
        let Group { items, last, unwritten, is_last } = group;
        if let Some(unwritten) = unwritten {
            unwritten.tell();
        }
        if is_last && !items.iter().any(|item| matches!(item, Item::Barrier(_))) {
            // Closing the file waits for the disk, and nobody else does. If this fails it is only waited once more.
            let _ = open::sync(&self.connection, Sync::Normal);
        }
        let tries = if self.failing { 1 } else { TRIES };
        for attempt in 1.. {
            match self.commit(&items, last) {
                Ok(is_any) => {
                    if is_any && std::mem::take(&mut self.failing) {
                        tracing::info!(target: "flowkit::embedded", "Runs are written to the database again");
                    }
                    break;
                }
                Err(error) => {
                    self.numbers.forget();
                    if !std::mem::replace(&mut self.failing, true) {
                        tracing::error!(target: "flowkit::embedded", "Runs cannot be written to the database: {error}. They go on all the same.");
                    }
                    if attempt >= tries {
                        self.lost.add(&items, &error);
                        break;
                    }
                    std::thread::sleep(AGAIN);
                }
            }
        }
        for item in items {
            if let Item::Barrier(told) = item {
                told();
            }
        }
    }

    /// Writes all of it or nothing; tells whether there was anything.
    fn commit(&mut self, items: &VecDeque<Item>, last: u64) -> rusqlite::Result<bool> {
        if items.iter().all(|item| matches!(item, Item::Barrier(_))) {
            return Ok(false);
        }
        // Runs that have gone on: mostly they tell so further down.
        let mut ahead = HashMap::new();
        let transaction = self.connection.unchecked_transaction()?;
        let mut rows = Rows { connection: &transaction, numbers: &mut self.numbers, epoch: self.epoch };
        for item in items {
            match item {
                Item::FlowRun(run, state, is_resumable) => {
                    rows.add_flow_run(&FlowRow::of(run, *is_resumable), state)?;
                }
                Item::Note(run, note) => rows.note(*run, note)?,
                Item::Change(change) => rows.follow(change)?,
                Item::Kept(kept) => rows.keep(kept)?,
                Item::FlowState(run, state) | Item::Event(Event::FlowEnded(run, state)) => rows.enter(run, state)?,
                Item::Event(Event::TaskState(run, index)) => {
                    if rows.put_task_run(run, *index)? {
                        ahead.remove(&Arc::as_ptr(run));
                    } else {
                        ahead.insert(Arc::as_ptr(run), run);
                    }
                }
                Item::Event(Event::Log(record)) => rows.add_log(record)?,
                Item::Damage => drop(transaction.execute("UPDATE owner SET closed = ?", [open::DAMAGED])?),
                Item::Event(Event::Asset(_) | Event::Happened(_)) | Item::Barrier(_) => {}
            }
        }
        // All of this counts as written then, and the process may die before they tell.
        for run in ahead.into_values() {
            rows.put_task_run_ahead(run)?;
        }
        Mark::set(&transaction, last)?;
        transaction.commit().map(|()| true)
    }

    /// Removes what is not to be kept: for as long as was written before, so that neither falls behind, and no longer
    /// than a step if somebody waits.
    fn sweep(&mut self, queue: &Queue, limit: Duration) {
        let began = clock::instant();
        loop {
            match self.sweeper.step(&self.connection, &mut self.numbers) {
                Ok(Step::More) if began.elapsed() < limit && !queue.presses() => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(target: "flowkit::embedded", "Old runs cannot be removed from the database: {error}");
                    self.numbers.forget();
                    return self.sweeper.rest();
                }
            }
        }
    }

    /// Notes in the file that it was closed; tells whether it could.
    fn close(self) -> bool {
        // Where nobody could look through all of it, the next process does.
        let is_whole = self.check.is_none_or(Check::end);
        let note = || {
            let closed = "UPDATE owner SET closed = 1 WHERE epoch = ? AND closed = 0 AND ?";
            self.connection.execute(closed, (self.epoch, is_whole))
        };
        // So that the file by itself is all there is, and can be copied. That also waits until all of it is on disk.
        let gather = || {
            let query = "PRAGMA wal_checkpoint(TRUNCATE)";
            self.connection.query_row(query, [], |row| Ok(row.get::<_, i64>("busy")? == 0))
        };
        let closed = open::sync(&self.connection, Sync::Normal).and_then(|()| note()).and_then(|_| gather());
        let closed = match closed {
            // Somebody reads it: then it waits for what is beside it.
            Ok(false) => open::sync(&self.connection, Sync::Full).and_then(|()| note()).map(drop),
            other => other.map(drop),
        };
        if let Err(error) = &closed {
            tracing::warn!(target: "flowkit::embedded", "The database is not closed properly: {error}");
        }
        drop(self.connection);
        closed.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::def::TaskDef;
    use crate::id::TaskRunId;
    use crate::run::{TaskRun, Track};
    use crate::state::{State, StateName};

    static DEF: TaskDef = TaskDef::new("load", "load-1", &[]);

    #[test]
    fn a_run_that_has_gone_on_and_not_told_so_yet_is_written_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("runs.db");
        let (Opened { connection, epoch, .. }, _lock) = open::open(&path).expect("a new file");
        let (numbers, sweeper) = (Numbers::default(), Sweeper::new(Retention::default()));
        let (lost, place) = (Arc::default(), Whereabouts::of(&path));
        let mut writer = Writer { connection, epoch, numbers, sweeper, lost, check: None, place, failing: false };
        let track = Track::default();
        for (index, name) in [StateName::Pending, StateName::Running, StateName::Completed].into_iter().enumerate() {
            track.push(State::new(name, Timestamp::from_unix_micros(index as i64)));
        }
        let run =
            Arc::new(TaskRun { id: TaskRunId::now(), def: &DEF, flow_run: None, parent: None, extra: None, track });
        let told = |index| Item::Event(Event::TaskState(Arc::clone(&run), index));
        assert_eq!(writer.commit(&VecDeque::from([told(0), told(1)]), 2), Ok(true));
        let rows = "SELECT count(*), max(ended) FROM task_run";
        let rows = |writer: &Writer| {
            writer.connection.query_row(rows, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)))
        };
        assert_eq!(rows(&writer), Ok((1, Some(2))));
        assert_eq!(writer.commit(&VecDeque::from([told(2)]), 3), Ok(true));
        assert_eq!(rows(&writer), Ok((1, Some(2))));
        assert_eq!(writer.commit(&VecDeque::from([Item::Barrier(Box::new(|| {}))]), 3), Ok(false));
    }
}
