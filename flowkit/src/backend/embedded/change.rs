//! What becomes of variables and artifacts: memory decides, and the file follows.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::statements::Rows;
use crate::artifacts::Artifact;
use crate::clock::Timestamp;
use crate::id::FlowRunId;
use crate::variables::Variable;

/// A change that the file is to follow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Change {
    /// A variable has this value.
    Variable(Variable),
    /// There is no variable of this name.
    NoVariable(String),
    /// There is this artifact.
    Artifact(Artifact),
    /// An artifact holds something else.
    Holds { artifact: Uuid, flow_run: Option<FlowRunId>, data: Value, updated: Timestamp },
}

impl Rows<'_> {
    /// Follows a change.
    pub(super) fn follow(&mut self, change: &Change) -> rusqlite::Result<()> {
        match change {
            Change::Variable(variable) => self.set_variable(variable),
            Change::NoVariable(name) => self.unset_variable(name),
            Change::Artifact(artifact) => self.add_artifact(artifact),
            Change::Holds { artifact, flow_run, data, updated } => {
                self.change_artifact(*artifact, *flow_run, data, *updated)
            }
        }
    }
}
