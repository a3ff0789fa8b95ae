//! A task run that another process has asked for.

use uuid::Uuid;

use crate::id::{FlowRunId, TaskRunId};
use crate::run::TaskInputs;
use crate::state::State;

/// What is known of a background task run at the moment when somebody takes it over.
#[derive(Clone, Debug)]
pub(crate) struct Adopted {
    /// The state in which it was found; `None` if nobody has been told of the run yet.
    pub(crate) found: Option<State>,
    /// How often its body was started before.
    pub(crate) run_count: u32,
    /// The flow run that it was asked for in, and the name of that one.
    pub(crate) flow_run: Option<(FlowRunId, String)>,
    pub(crate) tags: Vec<String>,
    /// Where its arguments came from.
    pub(crate) inputs: TaskInputs,
    /// Why it is run again, if it is.
    pub(crate) note: Option<String>,
}

const PREFIX: &str = "flowkit-";

/// The dynamic key of a background task run: those of other runs are plain UUIDs, and those of Python begin with the task.
pub(crate) fn dynamic_key(run: TaskRunId) -> String {
    format!("{PREFIX}{}", run.dynamic_key().simple())
}

/// Tells whether a dynamic key is that of a background task run of this crate.
pub(crate) fn is_background(dynamic_key: &str) -> bool {
    dynamic_key.strip_prefix(PREFIX).is_some_and(|key| Uuid::try_parse(key).is_ok())
}
