//! Delivers what earlier processes have kept.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flowkit_client::model::{Event, FlowCreate, LogCreate, MAX_LIMIT, State, TaskRunFilter, TaskRunQuery};
use flowkit_client::{Client, Error};
use uuid::Uuid;

use super::folder::{self, Folder, Lines};
use super::late::{self, Late};
use super::record::{Creation, LateState, Names, Record, Unfit};
use super::tally::Tally;
use crate::backend::server::link;
use crate::backend::server::orders;
use crate::backend::server::shared::Shared;
use crate::clock;

/// How often a process that goes on looks for what others have left.
const AGAIN: Duration = Duration::from_secs(60);

/// How many events are sent before the server is asked whether it has stored them, and how many in one request.
const EVENTS: usize = 200;
const IN_ONE: usize = 100;

/// How many log lines, and bytes of them, are sent in one request.
const LINES: usize = 1_000;
const LINE_BYTES: usize = 1_000_000;

/// Pauses between questions grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// What the server does not show after this time is sent again, and for so many times.
const LOST_AFTER: Duration = Duration::from_secs(10);
const TRIES: u32 = 3;

/// Delivers for as long as the reporter lives, once this process has something to do with the server.
pub(in crate::backend::server) async fn run(shared: Arc<Shared>) {
    let Ok(folder) = &shared.spool.place else { return };
    shared.spool.woken.notified().await;
    loop {
        look(&shared, folder).await;
        shared.spool.let_rest();
        clock::sleep(AGAIN).await;
    }
}

/// Delivers what there is, unless another process does.
async fn look(shared: &Shared, folder: &Folder) {
    let files = folder.files();
    if files.is_empty() {
        return;
    }
    let _lock = match folder.lock() {
        Ok(Some(lock)) => lock,
        Ok(None) => return,
        Err(error) => return say_unusable(folder.path(), &error.to_string()),
    };
    let mut tally = Tally::default();
    // Another process may have delivered some until it let go of the lock.
    for path in folder.files() {
        match folder.open(&path) {
            Ok(Ok(lines)) => {
                let mut delivery = Delivery::new(shared, std::mem::take(&mut tally));
                let stopped = delivery.file(lines).await;
                tally = delivery.end();
                if let Err(why) = stopped {
                    tracing::debug!(target: "flowkit::server", "`{}` stays for now: {why}", path.display());
                    break;
                }
            }
            Ok(Err(unfit)) => say_unfit(&path, &unfit),
            Err(error) => say_unusable(&path, &error.to_string()),
        }
    }
    match (tally.is_empty(), tally.is_clean()) {
        (true, _) => {}
        (_, true) => tracing::info!(target: "flowkit::server", "{}", tally.told()),
        (_, false) => tracing::warn!(target: "flowkit::server", "{}", tally.told()),
    }
}

fn say_unusable(path: &Path, why: &str) {
    tracing::warn!(target: "flowkit::server", "What earlier programs have left in `{}` cannot be delivered: {why}", path.display());
}

fn say_unfit(path: &Path, unfit: &Unfit) {
    match unfit {
        Unfit::Foreign(api) => say_unusable(path, &format!("it is for {api}")),
        Unfit::OtherVersion(version) => {
            say_unusable(path, &format!("another version of flowkit has written it (format {version})"));
        }
        Unfit::Damaged => match folder::set_aside(path) {
            Ok(aside) => say_unusable(&aside, "it is damaged, and was put aside"),
            Err(error) => say_unusable(path, &format!("it is damaged, and cannot be put aside: {error}")),
        },
    }
}

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
struct Delivery {
    client: Client,
    names: Names,
    courses: HashMap<Uuid, Course>,
    /// Whether the server has a flow run.
    there: HashMap<Uuid, bool>,
    events: Vec<Event>,
    logs: Vec<LogCreate>,
    log_bytes: usize,
    tally: Tally,
}

impl Delivery {
    fn new(shared: &Shared, tally: Tally) -> Self {
        Self {
            client: link::patient(shared),
            names: Names::default(),
            courses: HashMap::new(),
            there: HashMap::new(),
            events: Vec::new(),
            logs: Vec::new(),
            log_bytes: 0,
            tally,
        }
    }

    fn end(mut self) -> Tally {
        let overruled = self.courses.iter().filter(|(_, course)| matches!(course, Course::Elsewhere(_)));
        self.tally.overruled.extend(overruled.map(|(run, _)| run.to_string()));
        self.tally
    }

    /// Delivers a file and removes it. An error tells why the rest of it has to wait.
    async fn file(&mut self, mut lines: Lines) -> Result<(), String> {
        let disk = |error: std::io::Error| error.to_string();
        let done = lines.done();
        let mut number = 0;
        let mut is_whole = false;
        while let Some(line) = lines.next_line().map_err(disk)? {
            let Ok(record) = serde_json::from_str::<Record>(&self.names.put_into(&line)) else {
                self.tally.unread += 1;
                continue;
            };
            let is_old = number < done;
            number += 1;
            match record {
                // The names of what has been created already are needed again.
                Record::Create(new) => self.create(&new, is_old).await?,
                Record::End(_) => is_whole = true,
                _ if is_old => continue,
                Record::State(late) => self.state(&late).await?,
                Record::Event(event) => self.events.push(*event),
                Record::Log(line) => {
                    self.log_bytes += line.message.len() + 256;
                    self.logs.push(*line);
                }
            }
            if self.is_time() {
                self.send().await?;
            }
            if self.events.is_empty() && self.logs.is_empty() && !is_old {
                lines.note(number).map_err(disk)?;
            }
        }
        self.send().await?;
        // The end of a torn file is missing, however much that was.
        self.tally.unread += usize::from(!is_whole);
        lines.remove().map_err(disk)
    }

    fn is_time(&self) -> bool {
        self.events.len() >= EVENTS || self.logs.len() >= LINES || self.log_bytes >= LINE_BYTES
    }

    async fn send(&mut self) -> Result<(), String> {
        self.send_events().await?;
        self.send_logs().await
    }

    /// Counts what the server will never take; anything else has to wait.
    fn refused(&mut self, error: &Error) -> Result<(), String> {
        if error.is_transient() || error.is_auth() || error.kind() == flowkit_client::ErrorKind::IncompatibleServer {
            return Err(error.to_string());
        }
        self.tally.refuse(error.to_string());
        Ok(())
    }

    async fn create(&mut self, new: &Creation, is_old: bool) -> Result<(), String> {
        match self.created(new).await {
            Ok((run, flow)) => {
                self.names.add(new.local, run, flow);
                self.there.insert(run, true);
                self.tally.delivered.flow_states += usize::from(!is_old);
                Ok(())
            }
            Err(error) => {
                self.courses.insert(new.local, Course::Gone);
                self.there.insert(new.local, false);
                self.refused(&error)
            }
        }
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

    async fn state(&mut self, late: &LateState) -> Result<(), String> {
        if !self.courses.contains_key(&late.run) {
            let course = match self.client.read_flow_run(late.run).await {
                Ok(run) => match run.state {
                    Some(state) if late::judge(Some(&state), late) != Late::Tell => Course::Elsewhere(Box::new(state)),
                    _ => Course::Open,
                },
                Err(error) if error.is_not_found() => Course::Gone,
                Err(error) => return self.refused(&error),
            };
            self.courses.insert(late.run, course);
        }
        match self.courses.get(&late.run) {
            Some(Course::Gone) => {
                self.tally.gone += 1;
                return Ok(());
            }
            Some(Course::Elsewhere(state)) => {
                if late::judge(Some(state), late) == Late::Known {
                    self.courses.insert(late.run, Course::Open);
                }
                return Ok(());
            }
            Some(Course::Open) | None => {}
        }
        match orders::propose(&self.client, late.run, &late.state, late.force).await {
            Ok(_) => {
                self.tally.delivered.flow_states += 1;
                Ok(())
            }
            Err(error) => self.refused(&error),
        }
    }

    /// Tells whether the server has a flow run.
    async fn is_there(&mut self, run: Uuid) -> Result<bool, String> {
        if let Some(there) = self.there.get(&run) {
            return Ok(*there);
        }
        let there = match self.client.read_flow_run(run).await {
            Ok(_) => true,
            Err(error) if error.is_not_found() => false,
            Err(error) => return Err(error.to_string()),
        };
        self.there.insert(run, there);
        Ok(there)
    }

    async fn send_logs(&mut self) -> Result<(), String> {
        let mut lines = Vec::new();
        for line in &std::mem::take(&mut self.logs) {
            let is_wanted = match line.flow_run_id {
                Some(run) => self.is_there(run).await?,
                None => true,
            };
            if is_wanted {
                lines.push(line.clone());
            } else {
                self.tally.gone += 1;
            }
        }
        self.log_bytes = 0;
        if lines.is_empty() {
            return Ok(());
        }
        // Not tried again by itself: a line that comes twice is there twice.
        let client = self.client.with_retry(flowkit_client::RetryPolicy::none());
        match client.create_logs(&lines).await {
            Ok(()) => self.tally.delivered.logs += lines.len(),
            Err(error) => self.refused(&error)?,
        }
        Ok(())
    }

    async fn send_events(&mut self) -> Result<(), String> {
        let mut events = Vec::new();
        for event in std::mem::take(&mut self.events) {
            let run = event.related.iter().find(|related| related.role() == "flow-run");
            let run = run.and_then(|run| id_in(run.resource().id(), "prefect.flow-run."));
            let is_wanted = match run {
                Some(run) => self.is_there(run).await?,
                None => true,
            };
            if is_wanted {
                events.push(event);
            } else {
                self.tally.gone += 1;
            }
        }
        let mut stored = HashMap::new();
        for some in events.chunks(IN_ONE) {
            for event in self.post(some).await? {
                if let Some(run) = id_in(event.resource.id(), "prefect.task-run.") {
                    let last = stored.entry(run).or_insert(event.occurred);
                    *last = event.occurred.max(*last);
                }
                self.tally.delivered.task_states += 1;
            }
        }
        self.until_stored(stored, &events).await
    }

    /// Sends events, and gives those that the server has taken.
    async fn post<'e>(&mut self, events: &'e [Event]) -> Result<Vec<&'e Event>, String> {
        match self.client.create_events(events).await {
            Ok(()) => return Ok(events.iter().collect()),
            Err(error) if events.len() == 1 => return self.refused(&error).map(|()| Vec::new()),
            Err(error) if error.is_transient() || error.is_auth() => return Err(error.to_string()),
            Err(_) => {}
        }
        // One of them is not valid, and the others are.
        let mut taken = Vec::new();
        for event in events {
            match self.client.create_events(std::slice::from_ref(event)).await {
                Ok(()) => taken.push(event),
                Err(error) => self.refused(&error)?,
            }
        }
        Ok(taken)
    }

    /// Waits until the server shows the task runs in their last states, and sends again what it has lost: that it has
    /// received an event does not mean that it has stored it.
    async fn until_stored(
        &self,
        mut open: HashMap<Uuid, chrono::DateTime<chrono::Utc>>,
        events: &[Event],
    ) -> Result<(), String> {
        let (mut pause, mut moved, mut tries) = (FIRST_PAUSE, clock::instant(), 1);
        while !open.is_empty() {
            clock::sleep(pause).await;
            let asked: Vec<Uuid> = open.keys().take(MAX_LIMIT as usize).copied().collect();
            let query = TaskRunQuery::new(TaskRunFilter::default().ids(asked)).limit(MAX_LIMIT);
            let before = open.len();
            for row in self.client.filter_task_runs(&query).await.map_err(|error| error.to_string())? {
                let at = row.state.map(|state| state.timestamp);
                if open.get(&row.id).zip(at).is_some_and(|(last, at)| at >= *last) {
                    open.remove(&row.id);
                }
            }
            if open.len() < before {
                (pause, moved, tries) = (FIRST_PAUSE, clock::instant(), 1);
                continue;
            }
            pause = (pause * 2).min(LAST_PAUSE);
            if moved.elapsed() < LOST_AFTER {
                continue;
            }
            if tries == TRIES {
                return Err("the server has not stored what it was sent".to_owned());
            }
            let of_open = |event: &&Event| {
                id_in(event.resource.id(), "prefect.task-run.").is_some_and(|run| open.contains_key(&run))
            };
            let lost: Vec<Event> = events.iter().filter(of_open).cloned().collect();
            for some in lost.chunks(IN_ONE) {
                self.client.create_events(some).await.map_err(|error| error.to_string())?;
            }
            (moved, tries) = (clock::instant(), tries + 1);
        }
        Ok(())
    }
}

/// The id in the name of a resource.
fn id_in(resource: &str, prefix: &str) -> Option<Uuid> {
    resource.strip_prefix(prefix)?.parse().ok()
}
