//! The lazy call of a task.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::awaited::Awaited;
use crate::cache::{CacheIsolation, CachePolicy};
use crate::call_options::call_options;
use crate::def::TaskDef;
use crate::dependency::Upstream;
use crate::detached::Bond;
use crate::duration::IntoDuration;
use crate::engine::context::Waiters;
use crate::engine::promise::{Duty, Promise};
use crate::engine::task_run::{self, TaskJob};
use crate::error::{Error, ErrorKind};
use crate::future::TaskFuture;
use crate::runtime;
use crate::state::State;

/// A call of a task that has not been made yet.
///
/// `.await` runs it here; [`submit`](TaskCall::submit) starts it beside the present code. Until then nothing has
/// happened, and its options can be set; each beats what the task's attribute says.
///
/// # Cancel safety
/// Dropping the future of an `.await` stops the task at its present `.await` and leaves the run Cancelled.
#[must_use = "a call does nothing until it is awaited or submitted"]
pub struct TaskCall<T> {
    pub(crate) job: TaskJob<T>,
}

call_options!(TaskCall);

impl<T: Send + 'static> TaskCall<T> {
    /// Sets by which share of itself each delay is lengthened at most, at random: with 0.5, a delay of 10 seconds
    /// becomes one of 10 to 15 seconds.
    pub fn retry_jitter_factor(mut self, factor: f64) -> Self {
        if factor.is_finite() && factor >= 0.0 {
            self.overrides().retry_jitter_factor = Some(factor);
        } else {
            let why = format!("`retry_jitter_factor` takes a number that is not negative, not `{factor}`");
            self.refuse(&Error::new(ErrorKind::Definition, why));
        }
        self
    }

    /// Sets what the cache key is made of: `.cache(cache::inputs() + cache::source())`; see [`cache`](crate::cache).
    ///
    /// Takes the place of what the definition says. The value must be `Serialize` and `DeserializeOwned`, and so must,
    /// for [`cache::inputs`](crate::cache::inputs), the arguments.
    pub fn cache(mut self, policy: CachePolicy) -> Self {
        self.said_of_results().options.cache = Some(policy);
        self
    }

    /// Sets the whole cache key. Every task that is called with this key shares the result, so the types of their
    /// values must agree.
    pub fn cache_key(mut self, key: impl Into<String>) -> Self {
        self.said_of_results().key = Some(key.into());
        self
    }

    /// Sets for how long the cached result counts: `"1h"`, a `Duration`, or seconds.
    pub fn cache_expiration(mut self, expiration: impl IntoDuration) -> Self {
        match expiration.into_duration() {
            Ok(expiration) if expiration.is_zero() => {
                let why = "`cache_expiration` must be longer than zero: use `refresh_cache` to run the task each time";
                self.refuse(&Error::new(ErrorKind::Definition, why));
            }
            Ok(expiration) => self.said_of_results().options.expiration = Some(expiration),
            Err(error) => self.refuse(&error),
        }
        self
    }

    /// Names the call for when its flow run is retried, or resumed after its process has died: it is then known by the
    /// key, and not by its arguments. For calls whose arguments differ each time, such as the present moment.
    ///
    /// Several calls of the task with one key in the same place are told apart by their order. Default: a call is known
    /// by its arguments.
    pub fn journal_key(mut self, key: impl Into<String>) -> Self {
        self.overrides().journal_key = Some(key.into());
        self
    }

    /// Runs the task although its result may be cached, and replaces the cached result.
    pub fn refresh_cache(mut self) -> Self {
        self.said_of_results().options.refresh = Some(true);
        self
    }

    /// Sets how runs of equal cache keys see each other.
    pub fn cache_isolation(mut self, isolation: CacheIsolation) -> Self {
        self.said_of_results().options.isolation = Some(isolation);
        self
    }

    /// Waits for other runs to complete before this one starts, without taking their results:
    /// `.wait_for(&a)`, `.wait_for([&a, &b])`, `.wait_for((&numbers, &texts))`.
    pub fn wait_for(mut self, upstream: impl Upstream) -> Self {
        upstream.collect(&mut self.job.wait_for);
        self
    }

    /// Makes `.await` give the final state beside the result: a [`Finished`], which is no `Result`. (That of a flow is
    /// one, since the backend may refuse to make the run.)
    pub fn return_state(self) -> ReturnState<T> {
        ReturnState(self)
    }

    /// Returns the declaration of the task.
    #[must_use]
    pub fn task(&self) -> &'static TaskDef {
        self.job.def
    }

    /// Starts the run beside the present code.
    ///
    /// The flow run it belongs to does not end before it, nor does the transaction it is submitted in. Outside of a tokio runtime the future fails.
    pub fn submit(self) -> TaskFuture<T> {
        self.start(Bond::Bound)
    }

    pub(crate) fn start(self, bond: Bond) -> TaskFuture<T> {
        let (mut ambient, refused) = runtime::ambient();
        let (cancel, waiters) = match bond {
            Bond::Bound => (ambient.branch(), ambient.waiters()),
            Bond::Free => (ambient.ports.stopping.outside().child_token(), Waiters::default()),
        };
        if bond == Bond::Free {
            ambient.transaction = None;
        }
        let mut live = task_run::begin(self.job, ambient);
        live.cancelled_by(cancel.clone());
        match bond {
            Bond::Bound => live.set_apart(),
            Bond::Free => live.set_free(),
        }
        let promise = Promise::new(live.run().id, cancel);
        let _ = promise.run.set(Arc::clone(live.run()));
        let duty = Duty::new(&promise);
        // Boxed, since it would else be moved again with everything around it.
        let run = Box::pin(live.finish());
        let work = async move { duty.fill(run.await) };
        if let Err(error) = spawn(&waiters, refused, work) {
            // Says more than the work that was let go of.
            promise.fill(Err(error));
        }
        TaskFuture(promise)
    }

    /// Runs only the body: no run, no states, no retries, no logs. For unit tests of the body itself.
    ///
    /// # Errors
    /// What the body returned, as the source of an error of kind [`ErrorKind::Failed`].
    pub async fn untracked(mut self) -> Result<T, Error> {
        if let Some(resolving) = self.job.body.resolve() {
            resolving.await?;
        }
        let ended = self.job.body.start(false).await;
        ended.map_err(|error| {
            Error::new(ErrorKind::Failed, format!("task `{}` failed", self.job.def.name)).with_user_error(error)
        })
    }
}

impl<T> fmt::Debug for TaskCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskCall").field("task", &self.job.def.name).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> IntoFuture for TaskCall<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Awaited<T>;

    fn into_future(self) -> Awaited<T> {
        Awaited::new(self.job)
    }
}

/// Starts work beside the present code. Those who wait for it do not end before it.
pub(crate) fn spawn<F>(waiters: &Waiters, refused: Option<Error>, work: F) -> Result<(), Error>
where
    F: Future<Output = ()> + Send + 'static,
{
    let no_runtime = |_| {
        Error::new(ErrorKind::Definition, "submitted and mapped tasks need a tokio runtime: call them from async code")
    };
    let runtime = refused.map_or_else(|| tokio::runtime::Handle::try_current().map_err(no_runtime), Err)?;
    drop(waiters.spawn(&runtime, work));
    Ok(())
}

/// A call whose `.await` gives a [`Finished`] run.
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug)]
pub struct ReturnState<T>(TaskCall<T>);

impl<T: Send + 'static> IntoFuture for ReturnState<T> {
    type Output = Finished<T>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (ambient, refused) = runtime::ambient();
            let live = task_run::begin(self.0.job, ambient);
            let run = Arc::clone(live.run());
            let result = match refused {
                None => live.finish().await,
                Some(error) => Err(error),
            };
            Finished { state: run.state(), result }
        })
    }
}

/// A run that has ended: its final state, and its result.
#[derive(Clone, Debug)]
pub struct Finished<T> {
    pub(crate) state: State,
    pub(crate) result: Result<T, Error>,
}

impl<T> Finished<T> {
    /// Returns the final state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns the result.
    ///
    /// # Errors
    /// Why there is none.
    pub fn result(self) -> Result<T, Error> {
        self.result
    }
}

impl<T> std::ops::Deref for Finished<T> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}
