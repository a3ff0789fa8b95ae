//! Who may claim a run, when several runners want to at the same moment, and who it was that did.
//!
//! A server has been seen to accept two proposals of Pending within 50 ms. What it keeps strictly is that an input's key is
//! there once. So whoever can leave an input whose key names the state that the run waits in may claim the run; a run that
//! is scheduled anew waits in another state. The input also tells which process it was, and which states it then proposed:
//! a later process sees whether a run that never began is still somebody's.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use flowkit_client::model::{FlowRunInput, FlowRunInputCreate, FlowRunInputQuery, State};
use flowkit_client::{Client, Error, ErrorKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::backend::server::mark;
use crate::clock::{self, Timestamp};
use crate::run::lock;

/// A runner elsewhere that has not claimed the run within this time is gone, and the next may try. Longer than clocks
/// differ.
const STALE: Duration = Duration::from_secs(300);

/// How often a run may have been given up by runners that were gone.
const TRIES: u32 = 10;

/// What the keys begin with.
const PREFIX: &str = "flowkit-claim-";

/// How many inputs are asked for at once.
const INPUTS: u32 = 200;

/// The right to claim a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(in crate::backend::server) struct Ticket {
    /// The mark of the process that has it, if there are marks.
    by: Option<String>,
    /// The transition ids of the states that it proposes.
    pub(super) pending: Uuid,
    pub(super) submitting: Uuid,
}

impl Ticket {
    fn new() -> Self {
        Self { by: mark::own().map(str::to_owned), pending: Uuid::new_v4(), submitting: Uuid::new_v4() }
    }

    /// Tells whether a state is what came of this ticket.
    fn has_made(&self, state: &State) -> bool {
        state.state_details.transition_id.is_some_and(|id| id == self.pending || id == self.submitting)
    }

    /// Tells whether this process has it, as far as is known.
    pub(super) fn is_own(&self) -> bool {
        self.by.as_deref().is_none_or(|by| mark::own() == Some(by))
    }

    /// Tells whether the process that has it is certainly gone.
    pub(super) fn is_gone(&self) -> bool {
        self.by.as_deref().is_some_and(mark::is_gone)
    }
}

/// Tickets of this process that it could not make use of, since the server went away, by the state that the run waits in.
#[derive(Debug, Default)]
pub(in crate::backend::server) struct Unused(Mutex<HashMap<Uuid, Ticket>>);

impl Unused {
    /// Keeps a ticket for the next try.
    pub(super) fn keep(&self, state: Uuid, ticket: Ticket) {
        lock(&self.0).insert(state, ticket);
    }

    fn take(&self, state: Uuid) -> Option<Ticket> {
        lock(&self.0).remove(&state)
    }

    /// Tells whether a ticket is one of these, and forgets it.
    pub(super) fn forget(&self, ticket: &Ticket) -> bool {
        let mut unused = lock(&self.0);
        let before = unused.len();
        unused.retain(|_, known| known != ticket);
        unused.len() < before
    }
}

/// Takes the right to claim a run that waits in a state; `None` if somebody else has it.
pub(super) async fn take(client: &Client, unused: &Unused, run: Uuid, state: Uuid) -> Result<Option<Ticket>, Error> {
    if let Some(ticket) = unused.take(state) {
        return Ok(Some(ticket));
    }
    let ticket = Ticket::new();
    for attempt in 0..TRIES {
        let key = format!("{PREFIX}{state}-{attempt}");
        let value = serde_json::to_value(&ticket).unwrap_or_default();
        match client.create_flow_run_input(run, &FlowRunInputCreate::new(&key, &value)).await {
            Ok(()) => return Ok(Some(ticket)),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error),
        }
        let query = FlowRunInputQuery { prefix: key, limit: 1, exclude_keys: Vec::new() };
        let Some(taken) = client.filter_flow_run_inputs(run, &query).await?.pop() else { return Ok(None) };
        let holder = read(&taken);
        // A request that was sent twice finds what it has left itself.
        if holder.as_ref() == Some(&ticket) {
            return Ok(Some(ticket));
        }
        let is_old = taken.created.is_some_and(|at| clock::now().since(Timestamp::from(at)) >= STALE);
        if !is_old && !holder.is_some_and(|holder| holder.is_gone()) {
            return Ok(None);
        }
    }
    Ok(None)
}

/// The ticket that a state of a run came of, if it did.
pub(super) async fn maker(client: &Client, run: Uuid, state: &State) -> Result<Option<Ticket>, Error> {
    Ok(all(client, run).await?.iter().filter_map(read).find(|ticket| ticket.has_made(state)))
}

/// The ticket that was taken last for a run, if any.
pub(super) async fn newest(client: &Client, run: Uuid) -> Result<Option<Ticket>, Error> {
    Ok(all(client, run).await?.iter().max_by_key(|input| input.created).and_then(read))
}

async fn all(client: &Client, run: Uuid) -> Result<Vec<FlowRunInput>, Error> {
    let query = FlowRunInputQuery { prefix: PREFIX.to_owned(), limit: INPUTS, exclude_keys: Vec::new() };
    client.filter_flow_run_inputs(run, &query).await
}

fn read(input: &FlowRunInput) -> Option<Ticket> {
    serde_json::from_str(&input.value).ok()
}
