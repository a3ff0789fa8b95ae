//! Reading stored results back, here or in another process.

use serde::de::DeserializeOwned;

use crate::clock;
use crate::engine::context::Ports;
use crate::error::{Error, ErrorKind};
use crate::id::{FlowRunId, RunId, TaskRunId};
use crate::record::Record;
use crate::runtime::Runtime;
use crate::state::State;

impl Runtime {
    /// Reads the result that a state refers to, from the result store.
    ///
    /// The state may be that of a run of another process, or one that a server gave. The store must be reachable from
    /// here: a folder on the same machine, or one in object storage.
    ///
    /// # Errors
    /// An error of kind [`NoValue`](ErrorKind::NoValue) if the run has not completed or did not persist its result, and of kind
    /// [`Results`](ErrorKind::Results) if the record is gone, has expired, is damaged, was written by Python's pickle,
    /// or does not hold a `T`.
    pub async fn result_of<T: DeserializeOwned>(&self, state: &State) -> Result<T, Error> {
        read(&self.ports, state).await
    }

    /// Reads the persisted result of a flow run, which may be one of another process if a server keeps the runs.
    ///
    /// # Errors
    /// As [`result_of`](Self::result_of); and of kind [`Backend`](ErrorKind::Backend) if there is no such run, or the server
    /// cannot be asked.
    pub async fn flow_run_result<T: DeserializeOwned>(&self, id: FlowRunId) -> Result<T, Error> {
        self.result_of_run(RunId::Flow(id)).await
    }

    /// Reads the persisted result of a task run, which may be one of another process if a server keeps the runs.
    ///
    /// # Errors
    /// As [`flow_run_result`](Self::flow_run_result).
    pub async fn task_run_result<T: DeserializeOwned>(&self, id: TaskRunId) -> Result<T, Error> {
        self.result_of_run(RunId::Task(id)).await
    }

    async fn result_of_run<T: DeserializeOwned>(&self, id: RunId) -> Result<T, Error> {
        let state = self.ports.backend.state_of(id).await?;
        let state = state.ok_or_else(|| Error::new(ErrorKind::Backend, format!("there is no {id}")))?;
        self.result_of(&state).await
    }
}

/// Reads the result that a state refers to.
pub(crate) async fn read<T: DeserializeOwned>(ports: &Ports, state: &State) -> Result<T, Error> {
    if !state.is_completed() {
        return Err(Error::new(ErrorKind::NoValue, format!("a run in state {state} has no result")));
    }
    let Some(data) = state.data() else {
        let why = "the run did not persist its result: `persist_result` makes it";
        return Err(Error::new(ErrorKind::NoValue, why));
    };
    let place = &data.storage_key;
    let bad = |why: &str| Error::new(ErrorKind::Results, format!("the result `{place}` cannot be read: {why}"));
    let bytes = ports.results.stores.durable.read(place).await?;
    let bytes = bytes.ok_or_else(|| bad("it is not there (any more), or the result store is another one"))?;
    let record = Record::referred(data, &bytes).map_err(|why| bad(&why.to_string()))?;
    if record.is_expired(clock::now()) {
        return Err(bad("it has expired"));
    }
    record.value().map_err(|why| bad(&format!("it is no `{}`: {why}", std::any::type_name::<T>())))
}
