//! The delivery of one file, record by record.

use std::collections::HashMap;

use chrono::TimeDelta;
use flowkit_client::model::{Event, FlowCreate, FlowRun, FlowRunFilter, FlowRunQuery, LogCreate, MAX_LIMIT, State};
use flowkit_client::{Client, Error};
use uuid::Uuid;

use super::late::{self, Before, Late};
use super::lines::Lines;
use super::note::Note;
use super::record::{Creation, LateState, Names, Record};
use super::stop::Stop;
use super::tally::Tally;
use crate::backend::Answer;
use crate::backend::server::link;
use crate::backend::server::orders;
use crate::backend::server::shared::Shared;
use crate::backend::server::verdict::Verdict;
use crate::clock;

/// How many events are sent before the server is asked whether it has stored them.
const EVENTS: usize = 200;

/// How many log lines, and bytes of them, are sent before it is noted.
pub(super) const LINES: usize = 1_000;
const LINE_BYTES: usize = 1_000_000;

/// A server that knows none of a file's flow runs may be another one than the one that had them; after this time it is
/// taken for the same.
const MISTAKEN: TimeDelta = TimeDelta::days(7);

/// How a flow run stands at the server.
enum Course {
    /// Its states can be told.
    Open,
    /// It is in this state, and only what has followed that can be told.
    Elsewhere(Box<State>),
    /// There is no such run.
    Gone,
}

/// The delivery of one file.
pub(super) struct Delivery {
    pub(super) client: Client,
    lines: Lines,
    note: Note,
    /// Earlier looks have failed for so long that what stands in the way is given up.
    is_hopeless: bool,
    names: Names,
    courses: HashMap<Uuid, Course>,
    before: HashMap<Uuid, Before>,
    /// Whether the server has a flow run, and whether it has any of them.
    there: HashMap<Uuid, bool>,
    has_some: bool,
    /// Each with its bytes of JSON.
    pub(super) events: Vec<(Event, usize)>,
    pub(super) logs: Vec<(LogCreate, usize)>,
    log_bytes: usize,
    /// How many log lines this look has sent.
    pub(super) sent_lines: usize,
    pub(super) tally: Tally,
}

impl Delivery {
    pub(super) fn new(shared: &Shared, lines: Lines, tally: Tally) -> Self {
        let note = lines.note();
        let before = |(run, at): (&Uuid, &_)| (*run, Before { answered: Some(*at), ..Before::default() });
        Self {
            client: link::patient(shared),
            is_hopeless: note.is_hopeless(clock::now().to_utc()),
            names: Names::default(),
            courses: HashMap::new(),
            before: note.answered.iter().map(before).collect(),
            there: HashMap::new(),
            has_some: false,
            events: Vec::new(),
            logs: Vec::new(),
            log_bytes: 0,
            sent_lines: 0,
            tally,
            lines,
            note,
        }
    }

    pub(super) fn end(mut self) -> Tally {
        let overruled = self.courses.iter().filter(|(_, course)| matches!(course, Course::Elsewhere(_)));
        self.tally.overruled.extend(overruled.map(|(run, _)| run.to_string()));
        self.tally
    }

    /// Notes that this look has not got past a record; tells whether people should hear of it.
    pub(super) fn has_failed(&mut self) -> bool {
        self.note.failed(clock::now().to_utc());
        // A disk that is full is what people hear of.
        drop(self.lines.write(&self.note));
        self.note.is_worth_a_word()
    }

    /// Delivers the file and removes it. An error tells why the rest of it has to wait.
    pub(super) async fn run(&mut self) -> Result<(), Stop> {
        // Nothing is sent that could not be noted.
        self.write_note()?;
        let done = self.note.done;
        let mut number = 0;
        let mut is_whole = false;
        while let Some(line) = self.lines.next_line().map_err(|error| Stop::disk(&error))? {
            let line = self.names.put_into(&line);
            let Ok(record) = serde_json::from_str::<Record>(&line) else {
                self.tally.unread += 1;
                continue;
            };
            let size = line.len();
            let is_old = number < done;
            number += 1;
            match record {
                // The names of what has been created already are needed again.
                Record::Create(new) => self.create(&new, is_old).await?,
                Record::End(_) => is_whole = true,
                Record::State(late) if is_old => {
                    self.before.entry(late.run).or_default().transitions.extend(late.state.state_details.transition_id);
                }
                _ if is_old => {}
                Record::State(late) => self.state(&late).await?,
                Record::Event(event) => self.events.push((*event, size)),
                Record::Log(line) => {
                    self.log_bytes += size;
                    self.logs.push((*line, size));
                }
            }
            if self.events.len() >= EVENTS || self.logs.len() >= LINES || self.log_bytes >= LINE_BYTES {
                self.send().await?;
            }
            if self.events.is_empty() && self.logs.is_empty() && !is_old {
                self.note.advance(number);
                self.is_hopeless = false;
                self.write_note()?;
            }
        }
        self.send().await?;
        // The end of a torn file is missing, however much that was.
        self.tally.unread += usize::from(!is_whole);
        self.lines.remove().map_err(|error| Stop::disk(&error))
    }

    fn write_note(&self) -> Result<(), Stop> {
        self.lines.write(&self.note).map_err(|error| Stop::disk(&error))
    }

    async fn send(&mut self) -> Result<(), Stop> {
        self.send_events().await?;
        self.log_bytes = 0;
        self.send_logs().await
    }

    /// Tells whether the server will never take what it has answered so to.
    pub(super) fn is_refusal(&self, error: &Error) -> bool {
        Verdict::of(error) == Verdict::Never || self.gives_up(&Stop::of(error))
    }

    pub(super) fn gives_up(&self, stop: &Stop) -> bool {
        self.is_hopeless && matches!(stop, Stop::File(_))
    }

    /// Counts what the server will never take; anything else has to wait.
    pub(super) fn refused(&mut self, error: &Error, count: usize) -> Result<(), Stop> {
        if !self.is_refusal(error) {
            return Err(Stop::of(error));
        }
        self.tally.refuse(error.to_string(), count);
        Ok(())
    }

    async fn create(&mut self, new: &Creation, is_old: bool) -> Result<(), Stop> {
        let parent = new.stand_in.as_ref().and_then(|stand_in| stand_in.flow_run_id);
        let has_parent = match parent {
            Some(parent) => self.is_there(parent).await?,
            None => true,
        };
        if !has_parent {
            self.tally.gone += usize::from(!is_old);
            self.has_gone(new.local);
            return Ok(());
        }
        match self.created(new).await {
            Ok((run, flow)) => {
                self.names.add(new.local, run, flow);
                self.there.insert(run, true);
                self.tally.delivered.flow_states += usize::from(!is_old);
                Ok(())
            }
            Err(error) => {
                self.refused(&error, 1)?;
                self.has_gone(new.local);
                Ok(())
            }
        }
    }

    fn has_gone(&mut self, run: Uuid) {
        self.courses.insert(run, Course::Gone);
        self.there.insert(run, false);
    }

    async fn created(&self, new: &Creation) -> Result<(Uuid, Uuid), Error> {
        let mut run = new.run.clone();
        if let Some(stand_in) = &new.stand_in {
            run.parent_task_run_id = Some(self.client.create_task_run(stand_in).await?.id);
        }
        run.flow_id = self.client.create_flow(&FlowCreate::new(&new.flow)).await?.id;
        let created = self.client.create_flow_run(&run).await?;
        Ok((created.id, created.flow_id))
    }

    async fn state(&mut self, late: &LateState) -> Result<(), Stop> {
        if !self.courses.contains_key(&late.run) {
            let before = self.before.remove(&late.run).unwrap_or_default();
            let course = match self.find(late.run).await?.map(|run| run.state) {
                None => Course::Gone,
                Some(Some(state)) if late::judge(Some(&state), late, &before) != Late::Tell => {
                    Course::Elsewhere(Box::new(state))
                }
                Some(_) => Course::Open,
            };
            self.courses.insert(late.run, course);
        }
        match self.courses.get(&late.run) {
            Some(Course::Gone) => {
                self.tally.gone += 1;
                return Ok(());
            }
            Some(Course::Elsewhere(state)) => {
                if late::is_known(state, late) {
                    self.courses.insert(late.run, Course::Open);
                }
                return Ok(());
            }
            Some(Course::Open) | None => {}
        }
        match orders::propose(&self.client, late.run, &late.state, late.force).await {
            Ok(answer) => {
                self.tally.delivered.flow_states += 1;
                match answer {
                    Answer::Accept(state) | Answer::Reject(state) if !state.is_final() => {
                        self.note.answered.insert(late.run, state.timestamp().to_utc());
                    }
                    _ => drop(self.note.answered.remove(&late.run)),
                }
                Ok(())
            }
            Err(error) => self.refused(&error, 1),
        }
    }

    /// Tells whether the server has a flow run.
    pub(super) async fn is_there(&mut self, run: Uuid) -> Result<bool, Stop> {
        if let Some(there) = self.there.get(&run) {
            return Ok(*there);
        }
        let is_there = self.find(run).await?.is_some();
        self.there.insert(run, is_there);
        Ok(is_there)
    }

    /// The server's word on a flow run. That there is none is believed if it is a server who says so, and if it knows
    /// another one of the file.
    async fn find(&mut self, run: Uuid) -> Result<Option<FlowRun>, Stop> {
        let found = self.ask(vec![run]).await?.pop();
        if found.is_none() && !self.has_some && clock::now().to_utc() - self.lines.written() < MISTAKEN {
            for runs in self.runs()?.chunks(MAX_LIMIT as usize) {
                self.ask(runs.to_vec()).await?;
            }
            if !self.has_some {
                return Err(Stop::File(
                    "the server knows none of its flow runs; they were deleted, or it is another server than the one that had them".to_owned(),
                ));
            }
        }
        Ok(found)
    }

    async fn ask(&mut self, runs: Vec<Uuid>) -> Result<Vec<FlowRun>, Stop> {
        let query = FlowRunQuery::new(FlowRunFilter::default().ids(runs)).limit(MAX_LIMIT);
        let found = self.client.filter_flow_runs(&query).await.map_err(|error| Stop::of(&error))?;
        self.has_some |= !found.is_empty();
        Ok(found)
    }

    /// All flow runs of the file that the server has created while it was still there.
    fn runs(&self) -> Result<Vec<Uuid>, Stop> {
        let mut lines = self.lines.again().map_err(|error| Stop::disk(&error))?;
        let mut runs = std::collections::BTreeMap::new();
        while let Some(line) = lines.next_line().map_err(|error| Stop::disk(&error))? {
            match serde_json::from_str::<Record>(&line) {
                Ok(Record::Create(new)) => drop(runs.insert(new.local, false)),
                Ok(record) => {
                    if let Some(run) = record.flow_run() {
                        runs.entry(run).or_insert(true);
                    }
                }
                Err(_) => {}
            }
        }
        Ok(runs.into_iter().filter_map(|(run, is_old)| is_old.then_some(run)).collect())
    }
}
