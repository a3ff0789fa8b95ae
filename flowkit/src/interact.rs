//! What goes on between a flow run and others while it is under way: it is resumed, and given input. The port.

use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::clock;
use crate::error::Error;
use crate::id::FlowRunId;
use crate::pause_details::InputKeys;
use crate::state::State;

/// What a pause would like to be given.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// The JSON schema of an object.
    pub(crate) schema: Value,
    /// What people are told about it.
    pub(crate) description: Option<String>,
    /// The fields that need not be given, with the values they have then.
    pub(crate) initial: Map<String, Value>,
    /// Tells what is wrong with an input, for a backend that does not understand schemas.
    pub(crate) check: fn(&Value) -> Result<(), String>,
}

impl Form {
    /// Adds the fields that were left out.
    pub(crate) fn complete(&self, mut input: Value) -> Value {
        if let Value::Object(fields) = &mut input {
            for (name, value) in &self.initial {
                fields.entry(name).or_insert_with(|| value.clone());
            }
        }
        input
    }
}

/// Something that was given to a flow run.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Given {
    /// Unique within the run.
    pub(crate) key: String,
    pub(crate) value: Value,
    /// Who gave it, such as `prefect.flow-run.<id>`.
    pub(crate) sender: Option<String>,
}

/// Tells when it is worth looking again at what others did to a flow run.
#[derive(Debug)]
pub(crate) struct Changes(Option<watch::Receiver<()>>);

impl Changes {
    /// There is somebody who says when.
    pub(crate) fn told_by(sender: &watch::Sender<()>) -> Self {
        Self(Some(sender.subscribe()))
    }

    /// Nobody says when: one looks from time to time.
    pub(crate) fn unknown() -> Self {
        Self(None)
    }

    /// Waits until something has changed since the last time; where nobody says so, for `interval`.
    pub(crate) async fn next(&mut self, interval: Duration) {
        match &mut self.0 {
            None => clock::sleep(interval).await,
            Some(told) => {
                if told.changed().await.is_err() {
                    // The run is forgotten; whoever waits has a timeout.
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}

/// What a backend knows of flow runs that others act upon. All of it is bounded in time.
pub(crate) trait Interact: Send + Sync {
    /// Tells when something about a run changes; what happens from now on is not missed.
    fn changes(&self, run: FlowRunId) -> Changes;

    /// Reads the present state of a run, which others may have changed.
    fn state_of(&self, run: FlowRunId) -> BoxFuture<'_, Result<State, Error>>;

    /// Says what a pause waits for. Saying it again changes nothing.
    fn ask_for_input(&self, run: FlowRunId, keys: InputKeys, form: Form) -> BoxFuture<'_, Result<(), Error>>;

    /// Resumes a paused or suspended run; an input that it does not wait for in this form is refused.
    fn resume(&self, run: FlowRunId, input: Option<Map<String, Value>>) -> BoxFuture<'_, Result<(), Error>>;

    /// Gives something to a run.
    fn give(&self, run: FlowRunId, given: Given) -> BoxFuture<'_, Result<(), Error>>;

    /// Reads what a run was given under a key.
    fn given(&self, run: FlowRunId, key: String) -> BoxFuture<'_, Result<Option<Value>, Error>>;

    /// Reads the first that a run was given whose key begins with `prefix` and is not in `except`.
    fn next_given(
        &self,
        run: FlowRunId,
        prefix: String,
        except: Vec<String>,
    ) -> BoxFuture<'_, Result<Option<Given>, Error>>;
}

/// Who sends what a flow run gives to another.
pub(crate) fn sender(run: FlowRunId) -> String {
    format!("{SENDER}{run}")
}

/// The flow run that a sender is.
pub(crate) fn sending_run(sender: &str) -> Option<FlowRunId> {
    sender.strip_prefix(SENDER)?.parse::<uuid::Uuid>().ok().map(FlowRunId::from)
}

const SENDER: &str = "prefect.flow-run.";
