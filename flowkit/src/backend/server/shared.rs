//! What the parts of the reporter share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowkit_client::{Client, EventsChannel};

use crate::backend::Undelivered;
use crate::backend::convert::Known;
use crate::backend::server::active::Active;
use crate::backend::server::deployments::{Misfires, Unused};
use crate::backend::server::ledger::Ledger;
use crate::backend::server::logs::Logs;
use crate::backend::server::outbox::Outbox;
use crate::backend::server::queue::Queue;
use crate::background::Links;
use crate::clock;
use crate::event::LogRecord;
use crate::id::FlowRunId;
use crate::run::{FlowRun, lock};

/// How often a flush looks whether it is done.
const LOOK: Duration = Duration::from_millis(10);

/// The state of the reporter.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) events: EventsChannel,
    pub(super) queue: std::sync::Arc<Queue>,
    pub(super) ledger: Ledger,
    pub(super) logs: Logs,
    pub(super) outbox: Outbox,
    pub(super) active: Active,
    pub(super) misfires: Misfires,
    pub(super) logs_to_api: bool,
    /// Where people find the runs.
    pub(super) links: Arc<Links>,
    /// Flow runs that this process named itself, since the server was away, under the names the server gave later.
    renamed: Mutex<HashMap<FlowRunId, Known>>,
    /// Rights to claim runs that could not be made use of.
    pub(super) unused_tickets: Unused,
    events_lost: Mutex<Option<String>>,
}

impl Shared {
    pub(super) fn new(
        client: Client,
        events: EventsChannel,
        queue: std::sync::Arc<Queue>,
        heartbeat: Duration,
        logs_to_api: bool,
        links: Links,
    ) -> Self {
        Self {
            client,
            events,
            queue,
            ledger: Ledger::default(),
            logs: Logs::default(),
            outbox: Outbox::default(),
            active: Active::new(heartbeat),
            misfires: Misfires::default(),
            logs_to_api,
            links: Arc::new(links),
            renamed: Mutex::default(),
            unused_tickets: Unused::default(),
            events_lost: Mutex::default(),
        }
    }

    /// What the server calls a flow run.
    pub(super) fn known(&self, run: &FlowRun) -> Known {
        lock(&self.renamed).get(&run.id).cloned().unwrap_or_else(|| Known::of(run))
    }

    /// The server's id of a flow run.
    pub(super) fn known_id(&self, run: FlowRunId) -> uuid::Uuid {
        lock(&self.renamed).get(&run).map_or(run.uuid(), |known| known.flow_run)
    }

    pub(super) fn rename(&self, run: FlowRunId, known: Known) {
        lock(&self.renamed).insert(run, known);
    }

    pub(super) fn flow_run_of(&self, record: &LogRecord) -> Option<uuid::Uuid> {
        record.flow_run_id.map(|run| self.server_id(run))
    }

    /// The id that the server gave a flow run.
    pub(super) fn server_id(&self, run: FlowRunId) -> uuid::Uuid {
        lock(&self.renamed).get(&run).map_or(run.uuid(), |known| known.flow_run)
    }

    pub(super) fn refuse_event(&self, why: String) {
        *lock(&self.events_lost) = Some(why);
    }

    /// Counts what is not delivered.
    pub(super) fn undelivered(&self) -> Undelivered {
        let mut count = self.queue.count();
        let stats = self.events.stats();
        count.task_states += self.ledger.unstored();
        let (lost, lost_why) = self.logs.lost();
        count.logs += self.logs.waiting() + lost;
        let (held, held_why) = self.outbox.count();
        count.flow_states += held;
        let sockets = stats.last_error.as_ref().map(ToString::to_string);
        let why = held_why.or(lost_why).or(lock(&self.events_lost).clone()).or(sockets).or(count.reason);
        let unstored = || (self.ledger.unstored() > 0).then(|| "the server has not stored what it was sent".to_owned());
        count.reason = why.or_else(unstored);
        count
    }

    /// Waits until everything is delivered, or until nothing has moved for `patience`.
    pub(super) async fn flush(&self, patience: Duration) -> Undelivered {
        let mut before = self.undelivered();
        let mut moved = clock::instant();
        loop {
            self.outbox.hurry();
            self.logs.hurry();
            if self.queue.is_empty() {
                self.events.flush(LOOK).await;
            }
            let now = self.undelivered();
            let settled = self.queue.is_empty() && self.logs.waiting() == 0 && self.outbox.is_empty();
            if settled && self.events.stats().outstanding == 0 && self.ledger.unstored() == 0 {
                return now;
            }
            if amount(&now) != amount(&before) {
                (before, moved) = (now, clock::instant());
            } else if moved.elapsed() >= patience {
                return now;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn amount(count: &Undelivered) -> usize {
    count.task_states + count.flow_states + count.logs
}
