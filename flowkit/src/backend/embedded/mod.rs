//! The embedded backend: answers as the one in memory does, and keeps everything in one SQLite file.
//!
//! Runs never wait for the disk, but where a flow asks for it: what is reported goes into a queue, and one thread writes
//! it in groups; until then it lies beside the file, so that the death of the process loses nothing. One process writes at a time; others may read meanwhile.

mod artifacts;
mod blocks;
mod change;
mod deployments;
mod entry;
mod events;
mod excess;
mod frame;
mod interact;
mod journal;
mod kept;
mod left;
mod open;
mod place;
mod port;
mod queue;
mod read;
mod replay;
mod rows;
mod schema;
mod seal;
mod slots;
mod statements;
mod sweep;
mod tail;
mod variables;
mod waiting;
mod writer;

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use rusqlite::Connection;

use crate::artifacts::Artifacts;
#[cfg(feature = "endpoint")]
use crate::backend::Kept;
use crate::backend::memory::{Limits, Memory};
use crate::backend::{Answer, Backend, Existing, History, NewFlowRun, Proposal, Told, Undelivered, at_exit};
use crate::blocks::Blocks;
use crate::deploy::Deploy;
use crate::durability::Durability;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::feed::Feed;
use crate::id::FlowRunId;
use crate::interact::Interact;
use crate::journals::Journals;
use crate::retention::Retention;
use crate::run::{FlowRun, lock};
use crate::slots::Slots;
use crate::state::{State, StateName};
use crate::variables::Variables;
use change::Change;
use kept::Keeping;
use queue::{Item, Queue};
pub(crate) use read::Reader;
use seal::Seal;
pub(crate) use seal::new_key;
use tail::Tail;
use variables::Turn;
use writer::Lost;

/// Keeps runs in one file.
pub(crate) struct Embedded {
    memory: Arc<Memory>,
    queue: Arc<Queue>,
    lost: Arc<Lost>,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
    /// For what this process reads itself.
    reader: Arc<Mutex<Connection>>,
    /// The interrupted runs that have been given to somebody.
    taken: Mutex<HashSet<FlowRunId>>,
    /// Who changes variables, limits and blocks.
    turn: Turn,
    seal: Seal,
    durability: Durability,
    path: PathBuf,
    /// The right to write.
    _lock: File,
}

impl Embedded {
    /// Opens the file, or makes it.
    pub(crate) fn open(path: &Path, limits: Limits, durability: Durability, keep: Retention) -> Result<Self, Error> {
        let place = place::resolve(path).map_err(|error| {
            let why = format!("the database `{}` cannot be found", path.display());
            Error::new(ErrorKind::Backend, why).with_source(error)
        })?;
        let path = place.as_path();
        let (opened, right) = open::open(path)?;
        let reader = open::open_to_read(path)?;
        let known = variables::variables(&reader).map_err(|error| open::unusable(path, error))?;
        let blocks = blocks::blocks(&reader).map_err(|error| open::unusable(path, error))?;
        let limits_before = slots::limits(&reader).map_err(|error| open::unusable(path, error))?;
        let reader = Arc::new(Mutex::new(reader));
        let tail = Tail::new(path, opened.mark.database, opened.mark.last);
        let (queue, lost) = (Arc::new(Queue::new(tail)), Arc::<Lost>::default());
        let memory = Memory::kept_by(limits, Arc::new(Keeping(Arc::clone(&queue))));
        memory.recall_variables(known);
        memory.recall_blocks(blocks);
        memory.recall_limits(limits_before);
        let writer = writer::start(opened, keep, Arc::clone(&queue), Arc::clone(&lost)).map_err(|error| {
            Error::new(ErrorKind::Backend, "the database's thread cannot be started").with_source(error)
        })?;
        let writer = Arc::new(Mutex::new(Some(writer)));
        let (ending, last, left) = (Arc::clone(&queue), Arc::clone(&writer), Arc::clone(&lost));
        let place = path.to_owned();
        at_exit::call(Box::new(move || end(&ending, &last, &left, &place)));
        Ok(Self {
            memory: Arc::new(memory),
            queue,
            lost,
            writer,
            reader,
            taken: Mutex::default(),
            turn: Turn::default(),
            seal: Seal::default(),
            durability,
            path: path.to_owned(),
            _lock: right,
        })
    }

    /// Has blocks with secrets encrypted with this key: 32 bytes in base64.
    pub(crate) fn sealed_with(mut self, key: Option<&str>) -> Result<Self, Error> {
        if let Some(key) = key {
            self.seal = Seal::read(key)?;
        }
        Ok(self)
    }

    fn begun(&self, run: &Arc<FlowRun>, is_resumable: bool) {
        self.mirrored(run);
        self.queue.push(Item::FlowRun(Arc::clone(run), run.state(), is_resumable));
    }

    /// The task run that stands for the flow run in its parent has entered a state, if there is one.
    fn mirrored(&self, run: &Arc<FlowRun>) {
        if let Some(stand_in) = self.memory.stand_in_of(run.id) {
            let last = stand_in.track.with(<[State]>::len).saturating_sub(1);
            self.queue.push(Item::Event(Event::TaskState(stand_in, last)));
        }
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").finish_non_exhaustive()
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        end(&self.queue, &self.writer, &self.lost, &self.path);
    }
}

/// Has what is left written, waits for it, and says what could not be: it is too late for the log.
fn end(queue: &Queue, writer: &Mutex<Option<JoinHandle<()>>>, lost: &Lost, path: &Path) {
    queue.close();
    let Some(writer) = lock(writer).take() else { return };
    // The thread does not panic; and if it did, there would be nothing left to do.
    let _ = writer.join();
    if let Some(told) = lost.told() {
        // Nobody may be reading it.
        let _ = writeln!(std::io::stderr(), "flowkit: not written to the database `{}`: {told}", path.display());
    }
}

impl Backend for Embedded {
    fn create_flow_run(&self, new: NewFlowRun) -> BoxFuture<'_, Result<Arc<FlowRun>, Error>> {
        async {
            let is_resumable = new.is_resumable;
            let run = self.memory.create_flow_run(new).await?;
            self.begun(&run, is_resumable);
            Ok(run)
        }
        .boxed()
    }

    fn find_flow_run(&self, id: FlowRunId) -> BoxFuture<'_, Result<Existing, Error>> {
        match self.memory.history().and_then(|history| history.flow_run(id)) {
            Some(_) => self.memory.find_flow_run(id),
            None => self.find(id),
        }
    }

    fn adopt_flow_run(&self, existing: Existing, new: NewFlowRun) -> BoxFuture<'_, Result<Arc<FlowRun>, Error>> {
        async {
            if existing.state.is(StateName::Interrupted) {
                return Ok(self.revive(existing, new));
            }
            let is_resumable = new.is_resumable;
            let run = self.memory.adopt_flow_run(existing, new).await?;
            self.begun(&run, is_resumable);
            Ok(run)
        }
        .boxed()
    }

    fn propose(&self, run: Arc<FlowRun>, proposal: Proposal) -> BoxFuture<'_, Answer> {
        async {
            let answer = self.memory.propose(Arc::clone(&run), proposal).await;
            if let Answer::Accept(state) | Answer::Reject(state) = &answer {
                self.mirrored(&run);
                let begins = state.is(StateName::Running) && run.background.deployment.is_some();
                self.queue.push(Item::FlowState(run, state.clone()));
                if begins {
                    // Before its body does anything: the next process does not run it again.
                    self.on_disk().await;
                }
            }
            answer
        }
        .boxed()
    }

    fn cancel(&self, run: FlowRunId) -> BoxFuture<'_, Result<State, Error>> {
        async move {
            let state = self.memory.cancel(run).await?;
            self.put(run, state.clone());
            if state.is_final() {
                // It had not begun: the next process does not run it either.
                self.on_disk().await;
            }
            Ok(state)
        }
        .boxed()
    }

    fn watch(&self, run: &Arc<FlowRun>, told: Told) {
        self.memory.watch(run, told);
    }

    fn abandon(&self, why: String) -> BoxFuture<'_, ()> {
        self.memory.abandon(why)
    }

    fn emit(&self, event: Event) {
        if let Event::Happened(emitted) = &event {
            let event = emitted.here();
            self.memory.tell_event(event.clone());
            return self.queue.push(Item::Change(Change::Event(Box::new(event))));
        }
        self.memory.emit(event.clone());
        if let Event::FlowEnded(run, _) = &event {
            self.mirrored(run);
        }
        self.queue.push(Item::Event(event));
    }

    fn flush(&self, limit: Duration) -> BoxFuture<'_, Undelivered> {
        async move {
            let (told, written) = channel();
            // Whoever waits may have given up.
            self.queue.push(Item::Barrier(Box::new(move || told.send(()).unwrap_or_default())));
            // On a thread, so that a paused clock does not run on meanwhile.
            let waited = tokio::task::spawn_blocking(move || written.recv_timeout(limit));
            let too_late = matches!(waited.await, Ok(Err(RecvTimeoutError::Timeout)));
            let mut undelivered = self.lost.so_far();
            if too_late {
                undelivered.reason = Some(format!("the disk did not take everything within {limit:?}"));
            }
            undelivered
        }
        .boxed()
    }

    fn interact(&self) -> &dyn Interact {
        self
    }

    fn artifacts(&self) -> &dyn Artifacts {
        self
    }

    fn blocks(&self) -> &dyn Blocks {
        self
    }

    fn slots(&self) -> &dyn Slots {
        self
    }

    fn variables(&self) -> &dyn Variables {
        self
    }

    fn feed(&self) -> &dyn Feed {
        self
    }

    fn history(&self) -> Option<&dyn History> {
        self.memory.history()
    }

    #[cfg(feature = "endpoint")]
    fn kept(self: Arc<Self>) -> Option<Arc<dyn Kept>> {
        Some(self)
    }

    fn deploy(&self) -> Option<&dyn Deploy> {
        Some(self)
    }

    fn journals(&self) -> Option<&dyn Journals> {
        Some(self)
    }
}
