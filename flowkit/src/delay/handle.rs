//! A run that was delayed, as whoever waits for it sees it.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::duration::IntoDuration;
use crate::engine::context::Ports;
use crate::error::{Error, ErrorKind};
use crate::id::{RunId, TaskRunId};
use crate::record::Record;
use crate::run::TaskRun;
use crate::runtime;
use crate::state::State;

use super::local;

/// It is looked again after pauses that grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// For how long a server may know nothing of a run, or not answer, before that is an error.
const PATIENCE: Duration = Duration::from_secs(30);

/// A task run in the background, which gives a `T`. Cheap to clone; dropping it changes nothing.
///
/// `.await` waits for the end of the run, whoever runs it, and reads its value back from the result store.
/// [`delayed_task`] makes one from an id, in whatever process.
pub struct DelayedTask<T> {
    id: TaskRunId,
    ports: Arc<Ports>,
    /// The run, if it is one of this process.
    local: Option<Local>,
    value: PhantomData<fn() -> T>,
}

#[derive(Clone, Debug)]
struct Local {
    run: Arc<TaskRun>,
    ended: CancellationToken,
}

impl<T> Clone for DelayedTask<T> {
    fn clone(&self) -> Self {
        Self { id: self.id, ports: Arc::clone(&self.ports), local: self.local.clone(), value: PhantomData }
    }
}

impl<T> fmt::Debug for DelayedTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DelayedTask").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Finds a delayed run again by its id, such as in another process than the one that delayed it.
///
/// Nothing is asked before the handle is used. What the type of the value is nobody checks before it is read.
///
/// # Errors
/// An error of kind [`Settings`](ErrorKind::Settings) that names the setting that cannot be used.
pub fn delayed_task<T>(id: impl Into<TaskRunId>) -> Result<DelayedTask<T>, Error> {
    Ok(DelayedTask::of(id.into(), runtime::ports()?))
}

impl<T> DelayedTask<T> {
    pub(super) fn of(id: TaskRunId, ports: Arc<Ports>) -> Self {
        Self { id, ports, local: None, value: PhantomData }
    }

    /// A run of this process; `ended` is cancelled when it has ended and its value is kept.
    pub(super) fn started(id: TaskRunId, ports: Arc<Ports>, run: Arc<TaskRun>, ended: CancellationToken) -> Self {
        Self { id, ports, local: Some(Local { run, ended }), value: PhantomData }
    }

    /// Returns the id of the run.
    #[must_use]
    pub fn id(&self) -> TaskRunId {
        self.id
    }

    /// Finds out the present state of the run.
    ///
    /// # Errors
    /// An error of kind [`Backend`](ErrorKind::Backend) if there is no such run, or the server cannot be asked.
    pub async fn state(&self) -> Result<State, Error> {
        let state = match (&self.local, self.ports.backend.defer()) {
            (Some(local), _) => Some(local.run.state()),
            (None, Some(place)) => place.read(self.id).await?.map(|run| run.state),
            (None, None) => self.ports.backend.state_of(RunId::Task(self.id)).await?,
        };
        state.ok_or_else(|| Error::new(ErrorKind::Backend, format!("there is no task run {}", self.id)))
    }

    /// Waits for the end of the run, and gives its final state, whichever that is.
    ///
    /// # Errors
    /// An error of kind [`Backend`](ErrorKind::Backend) if there is no such run, or the server cannot be asked for 30 s.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing; the run goes on.
    pub async fn wait(&self) -> Result<State, Error> {
        if let Some(local) = &self.local {
            local.ended.cancelled().await;
            return Ok(local.run.state());
        }
        if let Some(end) = local::end_of(self.id) {
            end.cancelled().await;
        }
        let (mut pause, mut answered) = (FIRST_PAUSE, clock::Stopwatch::start());
        loop {
            match self.state().await {
                Ok(state) if state.is_settled() => return Ok(state),
                Ok(_) => answered = clock::Stopwatch::start(),
                // In this process there is nobody who may not have heard of it yet.
                Err(error) if answered.elapsed() >= PATIENCE || self.ports.backend.defer().is_none() => {
                    return Err(error);
                }
                Err(_) => {}
            }
            clock::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }
}

impl<T: DeserializeOwned> DelayedTask<T> {
    /// Waits for the end of the run, at most for a time, and reads its value back: `"30s"`, a `Duration`, or seconds.
    ///
    /// # Errors
    /// As `.await` of the handle; and of kind [`TimedOut`](ErrorKind::TimedOut) if the run has not ended by then. It goes on.
    pub async fn wait_timeout(&self, limit: impl IntoDuration) -> Result<T, Error> {
        let limit = limit.into_duration()?;
        match clock::within(limit, self.value()).await {
            Some(value) => value,
            None => {
                let why = format!("task run {} has not ended after {limit:?}, and goes on", self.id);
                Err(Error::new(ErrorKind::TimedOut, why))
            }
        }
    }

    async fn value(&self) -> Result<T, Error> {
        let state = self.wait().await?;
        if !state.is_completed() {
            let why = format!("task run {} ended in state {state}", self.id);
            return Err(Error::new(state.error_kind(), why));
        }
        if state.data().is_some() || self.ports.backend.defer().is_some() {
            return runtime::read_result(&self.ports, &state).await;
        }
        let lost = |why: &str| {
            Error::new(ErrorKind::Results, format!("the result of task run {} cannot be read: {why}", self.id))
        };
        let kept = self.ports.results.stores.passing.read(&local::place(self.id)).await?;
        let bytes = kept.ok_or_else(|| lost("it is not there (any more)"))?;
        let value = Record::from_bytes(&bytes).and_then(|record| record.value());
        value.map_err(|why| lost(&format!("it is no `{}`: {why}", std::any::type_name::<T>())))
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for DelayedTask<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    /// Waits for the end of the run and reads its value back.
    ///
    /// # Errors
    /// Of the `.await`: of the kind that the final state has ([`Failed`](ErrorKind::Failed), [`TimedOut`](ErrorKind::TimedOut),
    /// [`Crashed`](ErrorKind::Crashed), [`Cancelled`](ErrorKind::Cancelled)) with its message, as
    /// [`result_of`](crate::Runtime::result_of) if the value cannot be read, and as [`wait`](DelayedTask::wait).
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.value().await })
    }
}
