//! What a task run has from the map that it belongs to.

use crate::id::TaskRunId;
use crate::report::Report;
use crate::run::TaskRun;

/// What a task run of a map has from it, where a server is not told of it as of other runs.
#[derive(Debug)]
pub(crate) struct OfMap {
    pub(crate) report: Report,
    /// The task run that stands for the map.
    pub(crate) stand_in: Option<TaskRunId>,
}

impl TaskRun {
    /// What it has from its map, if anything.
    pub(crate) fn of_map(&self) -> Option<&OfMap> {
        self.extra.as_ref()?.of_map.as_deref()
    }
}
