//! What the parts of the reporter share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use flowkit_client::{Client, EventsChannel};

use crate::backend::Undelivered;
use crate::backend::convert::Known;
use crate::backend::server::active::Active;
use crate::backend::server::deployments::{Misfires, Unused};
use crate::backend::server::ledger::Ledger;
use crate::backend::server::logs::Logs;
use crate::backend::server::outbox::Outbox;
use crate::backend::server::queue::Queue;
use crate::backend::server::slots::Counter;
use crate::backend::server::spool::Spool;
use crate::backend::server::telling::{StandIns, Wanted};
use crate::background::Links;
use crate::event::LogRecord;
use crate::id::FlowRunId;
use crate::report::Report;
use crate::run::{FlowRun, lock};
use crate::state::State;

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
    /// How much is told of task runs.
    pub(super) report: Report,
    pub(super) stand_ins: StandIns,
    /// Where people find the runs.
    pub(super) links: Arc<Links>,
    /// Flow runs that this process named itself, since the server was away, under the names the server gave later.
    renamed: Mutex<HashMap<FlowRunId, Known>>,
    /// Rights to claim runs that could not be made use of.
    pub(super) unused_tickets: Unused,
    events_lost: Mutex<Option<String>>,
    /// When flow runs under way entered the last state that the server has told of, by its clock.
    acknowledged: Mutex<HashMap<FlowRunId, DateTime<Utc>>>,
    /// What is kept for later, and by whom.
    pub(super) spool: Spool,
    /// Slots of concurrency limits.
    pub(super) counter: Arc<Counter>,
    /// Held while runs are brought to the Crashed state.
    pub(super) crashing: tokio::sync::Mutex<()>,
}

impl Shared {
    pub(super) fn new(
        client: Client,
        events: EventsChannel,
        queue: std::sync::Arc<Queue>,
        heartbeat: Duration,
        wanted: Wanted,
        links: Links,
        spool: Spool,
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
            logs_to_api: wanted.logs,
            report: wanted.report,
            stand_ins: StandIns::default(),
            links: Arc::new(links),
            renamed: Mutex::default(),
            unused_tickets: Unused::default(),
            events_lost: Mutex::default(),
            acknowledged: Mutex::default(),
            spool,
            counter: Arc::default(),
            crashing: tokio::sync::Mutex::default(),
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

    /// Notes a state in which the server has shown a flow run of this process.
    pub(super) fn acknowledge(&self, run: FlowRunId, state: &State) {
        let mut acknowledged = lock(&self.acknowledged);
        if state.is_final() {
            acknowledged.remove(&run);
        } else {
            acknowledged.insert(run, state.timestamp().to_utc());
        }
    }

    /// When a flow run entered the last state that the server has told of.
    pub(super) fn acknowledged(&self, run: FlowRunId) -> Option<DateTime<Utc>> {
        lock(&self.acknowledged).get(&run).copied()
    }

    /// Counts what nobody will deliver any more.
    pub(super) fn lost(&self) -> Undelivered {
        let mut lost = self.queue.lost();
        let (logs, logs_why) = self.logs.lost();
        let (orders, orders_why) = self.outbox.lost();
        lost.logs += logs;
        lost.flow_states += orders;
        lost.reason = orders_why.filter(|_| orders > 0).or(logs_why.filter(|_| logs > 0)).or(lost.reason);
        lost
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
}
