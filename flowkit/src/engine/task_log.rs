//! What the log of a task run ends with.

use crate::run::TaskRun;

/// Tells in which state the run has ended.
pub(super) fn log_end(run: &TaskRun) {
    if !tracing::enabled!(target: "flowkit::run", tracing::Level::ERROR) {
        return;
    }
    let state = run.state();
    if !state.is_settled() {
        return;
    }
    if state.is_completed() {
        tracing::info!(target: "flowkit::run", "Finished in state {state}");
    } else {
        tracing::error!(target: "flowkit::run", "Finished in state {state}");
    }
}
