//! Removing what a file is not to keep any longer, a little at a time.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::excess::{self, Look, Next};
use super::statements::Numbers;
use crate::clock::{self, Instant, Timestamp};
use crate::retention::Retention;

/// How long a step may take: nothing is written meanwhile.
const STEP: Duration = Duration::from_millis(3);

/// How long it is not looked again after there was nothing to do.
const REST: Duration = Duration::from_millis(100);

/// How long it is waited for readers before the file is made smaller.
const AGAIN: Duration = Duration::from_secs(1);

/// How long an idle process may sleep: what it keeps grows older.
const NAP: Duration = Duration::from_secs(3600);

/// How many rows go at once: between them it is looked at the time.
const ROWS: i64 = 500;

/// How many pages are given back at once.
const PAGES: u32 = 64;

/// Keeps a file within its limits.
#[derive(Debug)]
pub(super) struct Sweeper {
    keep: Retention,
    /// The flow run of which a part is gone.
    begun: Option<i64>,
    /// When it is time to look again.
    next: Instant,
    /// Whether pages were given back of which the file system does not know yet.
    shrunk: bool,
    /// When it is time to look again for runs that wait for nobody.
    next_waiting: Instant,
}

/// Whether there is more to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    More,
    Done,
}

impl Sweeper {
    pub(super) fn new(keep: Retention) -> Self {
        let now = clock::instant();
        Self { keep, begun: None, next: now, shrunk: false, next_waiting: now }
    }

    /// For how long nothing will have to be done; `None` for ever.
    pub(super) fn patience(&self) -> Option<Duration> {
        let is_limited = self.keep != Retention { age: None, size: None };
        is_limited.then(|| self.next.saturating_duration_since(clock::instant()))
    }

    /// Says that something was written.
    pub(super) fn written(&mut self) {
        self.next = self.next.min(clock::instant() + REST);
    }

    /// Puts off what is to be done.
    pub(super) fn rest(&mut self) {
        self.next = clock::instant() + NAP;
    }

    /// Does a part of what is to be done, which takes some milliseconds at most.
    pub(super) fn step(&mut self, connection: &Connection, numbers: &mut Numbers) -> rusqlite::Result<Step> {
        if self.patience().is_none_or(|patience| !patience.is_zero()) {
            return Ok(Step::Done);
        }
        let started = clock::instant();
        let transaction = connection.unchecked_transaction()?;
        let mut step = Step::More;
        while step == Step::More && started.elapsed() < STEP {
            step = self.remove(&transaction, numbers)?;
        }
        transaction.commit()?;
        if step == Step::Done {
            self.next = clock::instant() + NAP;
            self.give_back(connection)?;
        }
        Ok(step)
    }

    /// Has the file itself become smaller. It would as soon as there is much to write again, which may be never.
    fn give_back(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.shrunk {
            let whole = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                Ok(row.get::<_, i64>("log")? == row.get::<_, i64>("checkpointed")?)
            })?;
            // Somebody may be reading what is to go.
            self.shrunk = !whole;
            if !whole {
                self.next = clock::instant() + AGAIN;
            }
        }
        Ok(())
    }

    /// Finds a run that waits since too long, and whose deployment neither this process nor the one before has registered.
    fn unwanted(&mut self, file: &Connection) -> rusqlite::Result<Option<i64>> {
        let Some(age) = self.keep.age.filter(|_| self.next_waiting <= clock::instant()) else { return Ok(None) };
        let query = "SELECT number FROM deployment_run JOIN flow_run ON number = flow_run WHERE waits
            AND MAX(due, created) < ? AND flow_run.epoch + 1 < (SELECT epoch FROM owner) LIMIT 1";
        let until = excess::before(clock::now(), age).unix_micros();
        let found = file.prepare_cached(query)?.query_row([until], |row| row.get(0)).optional()?;
        if found.is_none() {
            self.next_waiting = clock::instant() + NAP;
        }
        Ok(found)
    }

    fn remove(&mut self, file: &Connection, numbers: &mut Numbers) -> rusqlite::Result<Step> {
        let next = match self.begun {
            Some(number) => Next::FlowRun(number),
            None => match self.unwanted(file)? {
                Some(number) => Next::FlowRun(number),
                None => excess::next(&self.keep, clock::now(), &look(file)?),
            },
        };
        match next {
            Next::FlowRun(number) => {
                self.begun = (remove_with_subflows(file, numbers, number)? == Step::More).then_some(number);
            }
            Next::TaskRuns(until) => drop(remove_task_runs(file, until)?),
            Next::Logs(until) => drop(remove_logs(file, until)?),
            Next::Artifacts(until) => drop(remove_artifacts(file, until)?),
            Next::Events(until) => drop(remove_events(file, until)?),
            Next::Shrink => {
                shrink(file)?;
                self.shrunk = true;
            }
            Next::Nothing => return Ok(Step::Done),
        }
        Ok(Step::More)
    }
}

/// Looks what there is.
fn look(file: &Connection) -> rusqlite::Result<Look> {
    let number = |query| file.prepare_cached(query)?.query_row([], |row| row.get::<_, u32>(0)).map(u64::from);
    let (pages, free) = (number("PRAGMA page_count")?, number("PRAGMA freelist_count")?);
    let page = number("PRAGMA page_size")?;
    let moment = |query| {
        let found = file.prepare_cached(query)?.query_row([], |row| row.get(0)).optional();
        found.map(|found| found.map(Timestamp::from_unix_micros))
    };
    let flow_run = "SELECT number, ended FROM flow_run AS top
        WHERE ended IS NOT NULL AND root_flow_run IS NULL
        AND NOT EXISTS (SELECT 1 FROM flow_run WHERE root_flow_run = top.id AND ended IS NULL)
        AND NOT EXISTS (SELECT 1 FROM task_run WHERE flow_run = top.number AND ended IS NULL)
        ORDER BY ended LIMIT 1";
    let flow_run =
        file.prepare_cached(flow_run)?.query_row([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).optional()?;
    Ok(Look {
        used: pages.saturating_sub(free) * page,
        free: free * page,
        flow_run: flow_run.map(|(number, ended)| (number, Timestamp::from_unix_micros(ended))),
        task_run: moment("SELECT ended FROM task_run WHERE flow_run = 0 AND ended IS NOT NULL ORDER BY id LIMIT 1")?,
        log: moment("SELECT at FROM log WHERE flow_run = 0 ORDER BY at LIMIT 1")?,
        artifact: moment("SELECT created FROM artifact WHERE flow_run = 0 ORDER BY id LIMIT 1")?,
        event: moment("SELECT at FROM event ORDER BY at LIMIT 1")?,
    })
}

/// Removes a part of a flow run and what is below it, the run itself last.
fn remove_with_subflows(file: &Connection, numbers: &mut Numbers, top: i64) -> rusqlite::Result<Step> {
    let subflow =
        "SELECT number FROM flow_run WHERE root_flow_run = (SELECT id FROM flow_run WHERE number = ?) LIMIT 1";
    let subflow = file.prepare_cached(subflow)?.query_row([top], |row| row.get(0)).optional()?;
    let number = subflow.unwrap_or(top);
    for (table, place) in [("task_run", "id"), ("log", "at"), ("journal", "slot"), ("artifact", "id")] {
        // A range, as rows lie one after the other; nothing is greater than the blob.
        let some = format!(
            "DELETE FROM {table} WHERE flow_run = ?1 AND {place} <= COALESCE(
                (SELECT {place} FROM {table} WHERE flow_run = ?1 ORDER BY {place} LIMIT 1 OFFSET {ROWS}),
                x'ffffffffffffffffffffffffffffffffff')"
        );
        if file.prepare_cached(&some)?.execute([number])? > 0 {
            return Ok(Step::More);
        }
    }
    for table in ["flow_run_state", "deployment_run"] {
        file.prepare_cached(&format!("DELETE FROM {table} WHERE flow_run = ?"))?.execute([number])?;
    }
    let gone = file
        .prepare_cached("DELETE FROM flow_run WHERE number = ? RETURNING id")?
        .query_row([number], |row| row.get(0))
        .optional()?;
    if let Some(id) = gone {
        numbers.remove(Uuid::from_bytes(id).into());
    }
    Ok(if subflow.is_some() { Step::More } else { Step::Done })
}

/// Removes some task runs outside of flows.
fn remove_task_runs(file: &Connection, until: Timestamp) -> rusqlite::Result<usize> {
    let query = "DELETE FROM task_run WHERE flow_run = 0 AND id IN (SELECT id FROM
        (SELECT id, ended FROM task_run WHERE flow_run = 0 AND ended IS NOT NULL ORDER BY id LIMIT ?1) WHERE ended <= ?2)";
    file.prepare_cached(query)?.execute(params![ROWS, until.unix_micros()])
}

/// Removes some log lines outside of flows.
fn remove_logs(file: &Connection, until: Timestamp) -> rusqlite::Result<usize> {
    let query = "DELETE FROM log WHERE flow_run = 0 AND at IN
        (SELECT at FROM log WHERE flow_run = 0 AND at <= ?2 ORDER BY at LIMIT ?1)";
    file.prepare_cached(query)?.execute(params![ROWS, until.unix_micros()])
}

/// Removes some artifacts outside of flows.
fn remove_artifacts(file: &Connection, until: Timestamp) -> rusqlite::Result<usize> {
    let query = "DELETE FROM artifact WHERE flow_run = 0 AND id IN (SELECT id FROM
        (SELECT id, created FROM artifact WHERE flow_run = 0 ORDER BY id LIMIT ?1) WHERE created <= ?2)";
    file.prepare_cached(query)?.execute(params![ROWS, until.unix_micros()])
}

/// Removes some events.
fn remove_events(file: &Connection, until: Timestamp) -> rusqlite::Result<usize> {
    let query =
        "DELETE FROM event WHERE (at, id) IN (SELECT at, id FROM event WHERE at <= ?2 ORDER BY at, id LIMIT ?1)";
    file.prepare_cached(query)?.execute(params![ROWS, until.unix_micros()])
}

fn shrink(file: &Connection) -> rusqlite::Result<()> {
    // Each row that is asked for gives one page back.
    let mut pages = file.prepare_cached(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut rows = pages.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
