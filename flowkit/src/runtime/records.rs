//! Reading runs back from the file of the embedded backend.

use std::path::Path;

use crate::artifacts::Artifact;
use crate::backend::embedded::Reader;
use crate::error::Error;
use crate::event::LogRecord;
use crate::id::FlowRunId;
use crate::run_record::{FlowRunFilter, FlowRunRecord, TaskRunRecord};
use crate::slots::ConcurrencyLimit;
use crate::state::State;
use crate::variables::Variable;

/// The runs, states and logs in a file that [`RuntimeBuilder::embedded`](crate::RuntimeBuilder::embedded) or the setting
/// `FLOWKIT_DB` names.
///
/// Any process may read, also while another one writes; neither waits for the other. What is read is what was written
/// last: a process that runs flows writes at most 5 ms later. What one that was killed had not written yet is seen once
/// a process has opened the file for writing again; that is also when the runs that it left behind end as `Crashed`.
///
/// ```no_run
/// use flowkit::{FlowRunFilter, Records, StateType};
///
/// # fn main() -> flowkit::Result<()> {
/// let records = Records::open("runs.db")?;
/// for run in records.flow_runs(&FlowRunFilter::new().state(StateType::Failed).limit(10))? {
///     println!("{} of {}: {}", run.name, run.flow_name, run.state);
///     for line in records.logs(Some(run.id))? {
///         println!("    {}", line.message);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Records(Reader);

impl Records {
    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// Fails if there is no such file, if it is not a database of flowkit, or if a newer version of flowkit wrote it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Reader::open(path.as_ref()).map(Self)
    }

    /// Lists flow runs, the newest first.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, as all methods do.
    pub fn flow_runs(&self, filter: &FlowRunFilter) -> Result<Vec<FlowRunRecord>, Error> {
        self.0.flow_runs(filter)
    }

    /// Lists the states of a flow run, the first one first.
    ///
    /// # Errors
    ///
    /// See [`flow_runs`](Self::flow_runs).
    pub fn flow_run_states(&self, run: FlowRunId) -> Result<Vec<State>, Error> {
        self.0.flow_run_states(run)
    }

    /// Lists the task runs of a flow run, the oldest first; for `None` those outside of flows.
    ///
    /// # Errors
    ///
    /// See [`flow_runs`](Self::flow_runs).
    pub fn task_runs(&self, run: Option<FlowRunId>) -> Result<Vec<TaskRunRecord>, Error> {
        self.0.task_runs(run)
    }

    /// Lists the log lines of a flow run, the first one first; for `None` those outside of flows.
    ///
    /// # Errors
    ///
    /// See [`flow_runs`](Self::flow_runs).
    pub fn logs(&self, run: Option<FlowRunId>) -> Result<Vec<LogRecord>, Error> {
        self.0.logs(run)
    }

    /// Lists the variables, in the order of their names.
    ///
    /// # Errors
    ///
    /// See [`flow_runs`](Self::flow_runs).
    pub fn variables(&self) -> Result<Vec<Variable>, Error> {
        self.0.variables()
    }

    /// Lists the concurrency limits, in the order of their names. Who holds slots is not in the file.
    ///
    /// # Errors
    ///
    /// See [`flow_runs`](Self::flow_runs).
    pub fn limits(&self) -> Result<Vec<ConcurrencyLimit>, Error> {
        self.0.limits()
    }

    /// Lists the artifacts of a flow run, those of its task runs included, the oldest first; for `None` those made outside
    /// of flows.
    ///
    /// # Errors
    ///
    /// See [`flow_runs`](Self::flow_runs).
    pub fn artifacts(&self, run: Option<FlowRunId>) -> Result<Vec<Artifact>, Error> {
        self.0.artifacts(run)
    }

    /// Reads the artifact of a key that was changed last; `None` if there is none.
    ///
    /// # Errors
    ///
    /// See [`flow_runs`](Self::flow_runs).
    pub fn artifact(&self, key: &str) -> Result<Option<Artifact>, Error> {
        self.0.artifact(key)
    }
}
