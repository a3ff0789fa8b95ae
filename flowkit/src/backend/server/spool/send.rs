//! Sends the events and log lines of a file, in pieces that proxies let through, and finds out what has arrived.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use flowkit_client::model::{Event, LogCreate, LogFilter, LogQuery, MAX_LIMIT, TaskRunFilter, TaskRunQuery};
use flowkit_client::{ErrorKind, RetryPolicy};
use uuid::Uuid;

use super::batch;
use super::delivery::{Delivery, LINES};
use super::record::{flow_run_of, id_in};
use super::stop::Stop;
use crate::clock;

/// How many events go into one request.
const IN_ONE: usize = 100;

/// So many of the first lines of a look may have arrived already: those of a request that was under way when a process
/// ended, or whose answer was lost.
const DOUBTFUL: usize = 2 * LINES;

/// Pauses between questions grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// What the server does not show after this time is sent again, and for so many times.
const LOST_AFTER: Duration = Duration::from_secs(10);
const TRIES: u32 = 3;

impl Delivery {
    pub(super) async fn send_logs(&mut self) -> Result<(), Stop> {
        let mut lines = Vec::new();
        for (line, size) in std::mem::take(&mut self.logs) {
            let is_wanted = match line.flow_run_id {
                Some(run) => self.is_there(run).await?,
                None => true,
            };
            if is_wanted {
                lines.push((line, size));
            } else {
                self.tally.gone += 1;
            }
        }
        if self.sent_lines < DOUBTFUL {
            self.sent_lines += lines.len();
            lines = self.not_arrived(lines).await?;
        }
        // Not tried again by itself: a line that comes twice is there twice.
        let client = self.client.with_retry(RetryPolicy::none());
        let mut pieces = batch::cut(lines, LINES);
        pieces.reverse();
        while let Some(mut piece) = pieces.pop() {
            match client.create_logs(&piece).await {
                Ok(()) => self.tally.delivered.logs += piece.len(),
                Err(error) if piece.len() > 1 && self.is_refusal(&error) => {
                    let rest = piece.split_off(piece.len() / 2);
                    pieces.extend([rest, piece]);
                }
                Err(error) => self.refused(&error, piece.len())?,
            }
        }
        Ok(())
    }

    /// Leaves out the lines that the server has.
    async fn not_arrived(&self, lines: Vec<(LogCreate, usize)>) -> Result<Vec<(LogCreate, usize)>, Stop> {
        let times = || lines.iter().map(|(line, _)| line.timestamp);
        let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(lines) };
        let mut runs: Vec<Uuid> = lines.iter().filter_map(|(line, _)| line.flow_run_id).collect();
        runs.sort();
        runs.dedup();
        let mut shown = Vec::new();
        for runs in runs.chunks(MAX_LIMIT as usize) {
            let filter = LogFilter::default().flow_run_ids(runs.to_vec());
            let filter = filter.between(first - TimeDelta::milliseconds(1), last + TimeDelta::milliseconds(1));
            let query = LogQuery::new(filter).limit(MAX_LIMIT);
            for page in 0.. {
                let found = match self.client.filter_logs(&query.clone().offset(page * MAX_LIMIT)).await {
                    Ok(found) => found,
                    // Who may write and not read is believed to have arrived nowhere.
                    Err(error) if error.kind() == ErrorKind::Forbidden => return Ok(lines),
                    Err(error) => return Err(Stop::of(&error)),
                };
                let is_last = found.len() < MAX_LIMIT as usize;
                shown.extend(found);
                if is_last {
                    break;
                }
            }
        }
        Ok(batch::missing(lines, shown))
    }

    pub(super) async fn send_events(&mut self) -> Result<(), Stop> {
        let mut events = Vec::new();
        for (event, size) in std::mem::take(&mut self.events) {
            if let Err(error) = event.check() {
                self.tally.refuse(error.to_string(), 1);
                continue;
            }
            let is_wanted = match flow_run_of(&event) {
                Some(run) => self.is_there(run).await?,
                None => true,
            };
            if is_wanted {
                events.push((event, size));
            } else {
                self.tally.gone += 1;
            }
        }
        let mut taken = Vec::new();
        let mut pieces = batch::cut(events, IN_ONE);
        pieces.reverse();
        while let Some(mut piece) = pieces.pop() {
            match self.client.create_events(&piece).await {
                Ok(()) => taken.extend(piece),
                // One of them is not valid, and the others are.
                Err(error) if piece.len() > 1 && self.is_refusal(&error) => {
                    let rest = piece.split_off(piece.len() / 2);
                    pieces.extend([rest, piece]);
                }
                Err(error) => self.refused(&error, piece.len())?,
            }
        }
        let lost = match self.until_stored(&taken).await {
            Ok(()) => 0,
            Err((stop, lost)) if self.gives_up(&stop) => {
                self.tally.refuse("it has not stored what it was sent".to_owned(), lost);
                lost
            }
            Err((stop, _)) => return Err(stop),
        };
        self.tally.delivered.task_states += taken.len().saturating_sub(lost);
        Ok(())
    }

    /// Waits until the server shows the task runs in their last states, and sends again what it has lost: that it has
    /// received an event does not mean that it has stored it. An error comes with the number of events that are not stored.
    async fn until_stored(&self, events: &[Event]) -> Result<(), (Stop, usize)> {
        let mut open = last_states(events);
        let (mut pause, mut moved, mut tries) = (FIRST_PAUSE, clock::instant(), 1);
        while !open.is_empty() {
            clock::sleep(pause).await;
            let of_open = |event: &&Event| task_run_of(event).is_some_and(|run| open.contains_key(&run));
            let unstored = || events.iter().filter(of_open);
            let asked: Vec<Uuid> = open.keys().take(MAX_LIMIT as usize).copied().collect();
            let query = TaskRunQuery::new(TaskRunFilter::default().ids(asked)).limit(MAX_LIMIT);
            let rows = match self.client.filter_task_runs(&query).await {
                Ok(rows) => rows,
                // Who may write and not read has to believe.
                Err(error) if error.kind() == ErrorKind::Forbidden => return Ok(()),
                Err(error) => return Err((Stop::of(&error), unstored().count())),
            };
            let is_stored = |row: &flowkit_client::model::TaskRun| {
                let at = row.state.as_ref().map(|state| state.timestamp);
                open.get(&row.id).zip(at).is_some_and(|(last, at)| at >= *last)
            };
            let stored: Vec<Uuid> = rows.iter().filter(|row| is_stored(row)).map(|row| row.id).collect();
            if !stored.is_empty() {
                open.retain(|run, _| !stored.contains(run));
                (pause, moved, tries) = (FIRST_PAUSE, clock::instant(), 1);
                continue;
            }
            pause = (pause * 2).min(LAST_PAUSE);
            if moved.elapsed() < LOST_AFTER {
                continue;
            }
            if tries == TRIES {
                let why = "the server has not stored what it was sent".to_owned();
                return Err((Stop::File(why), unstored().count()));
            }
            let lost: Vec<Event> = unstored().cloned().collect();
            for some in lost.chunks(IN_ONE) {
                self.client.create_events(some).await.map_err(|error| (Stop::of(&error), lost.len()))?;
            }
            (moved, tries) = (clock::instant(), tries + 1);
        }
        Ok(())
    }
}

fn last_states(events: &[Event]) -> HashMap<Uuid, DateTime<Utc>> {
    let mut last = HashMap::new();
    for event in events {
        if let Some(run) = task_run_of(event) {
            let at = last.entry(run).or_insert(event.occurred);
            *at = event.occurred.max(*at);
        }
    }
    last
}

fn task_run_of(event: &Event) -> Option<Uuid> {
    id_in(event.resource.id(), "prefect.task-run.")
}
