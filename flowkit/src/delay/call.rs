//! A call that is to be made in the background, and has not been asked for yet.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::call::TaskCall;
use crate::clock;
use crate::defer::{Defer, NewDeferred};
use crate::engine::body::name_of;
use crate::engine::context::Context;
use crate::engine::task_run::TaskJob;
use crate::engine::wait;
use crate::error::{Error, ErrorKind};
use crate::id::TaskRunId;
use crate::options::{self, Effective};
use crate::run::{Adopted, TaskInput, TaskInputs};
use crate::runtime;

use super::local;
use super::options::Said;
use super::{DelayedTask, Order};

impl<T: Send + 'static> TaskCall<T> {
    /// Has the call made in the background, by a process that [serves](crate::serve_tasks) the task (Prefect's `delay`). The
    /// task is one with `#[task(background)]`; its arguments are stored in the result store, which both processes share.
    ///
    /// `.await` waits for the arguments, if some are futures, and until the server knows the run; the handle that it gives waits
    /// for the run. Options of the call go with it, unless they are code. A run whose worker dies is run again by another one, so
    /// that the body may begin more than once; `retries` count apart.
    ///
    /// The worker knows the task by the hash of its source: one that was built from another source leaves the run waiting for one
    /// that fits.
    ///
    /// Without a server the run starts at once beside the present code, in this process, at most 100 of them at the same time. No
    /// flow run waits for it; [`serve_tasks`](crate::serve_tasks) does before it ends. A run that nobody waits for is Cancelled
    /// when the program ends, which says so on standard error.
    ///
    /// ```
    /// use flowkit::prelude::*;
    ///
    /// #[task(background, retries = 2)]
    /// async fn send_mail(to: String) -> Result<usize, String> {
    ///     Ok(to.len())
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
    /// let mail = send_mail("ada@example.com").delay().await?;
    /// println!("{} is on its way", mail.id());
    /// assert_eq!(mail.await?, 15);
    /// # Ok::<_, flowkit::Error>(())
    /// # }).expect("it succeeds");
    /// ```
    ///
    /// # Errors
    /// Of the `.await`: of kind [`Definition`](ErrorKind::Definition) if the task is no background task, of kind
    /// [`Parameters`](ErrorKind::Parameters) if an argument cannot be written down, [`NotReady`](ErrorKind::NotReady) if a future
    /// that it needs failed, [`Results`](ErrorKind::Results) if it cannot be stored, and [`Backend`](ErrorKind::Backend) if the
    /// server cannot be reached within 30 s.
    pub fn delay(self) -> DelayCall<T> {
        DelayCall(self.job)
    }
}

/// A call that is to be made in the background; see [`TaskCall::delay`].
#[must_use = "nothing is delayed until it is awaited"]
pub struct DelayCall<T>(TaskJob<T>);

impl<T> fmt::Debug for DelayCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DelayCall").field("task", &self.0.def.name).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> IntoFuture for DelayCall<T> {
    type Output = Result<DelayedTask<T>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(delay(self.0))
    }
}

async fn delay<T: Send + 'static>(mut job: TaskJob<T>) -> Result<DelayedTask<T>, Error> {
    let (ambient, refused) = runtime::ambient();
    if let Some(error) = refused.or_else(|| job.overrides.as_mut().and_then(|call| call.refused.take())) {
        return Err(error);
    }
    let inputs = resolve(&mut job, &ambient).await?;
    let def = job.def;
    let parameters = job.body.parameters(def).ok_or_else(|| {
        let why = format!(
            "task `{}` cannot be delayed: it is no background task, which `#[task(background)]` makes it",
            def.name
        );
        Error::new(ErrorKind::Definition, why)
    })??;
    let order = Order { parameters, options: Said::of(job.overrides.as_deref())?, taken: 0 };
    let id = TaskRunId::at(clock::now());
    let tags = ambient.with_scoped(options::tags(job.overrides.as_deref(), &def.options));
    let ports = Arc::clone(&ambient.ports);
    match ports.backend.defer() {
        None => {
            let adopted = Adopted { found: None, run_count: 0, flow_run: None, tags, inputs, note: None };
            local::start(def, id, order, adopted, ambient)
        }
        Some(place) => {
            let effective = Effective::resolve(job.overrides.as_deref(), &def.options, &ports.task_defaults);
            let name = name_of(effective.run_name.as_deref(), def.params, &*job.body)?;
            let name = name.unwrap_or_else(|| id.default_name(def.name));
            let new = NewDeferred {
                id,
                def,
                name,
                tags,
                inputs,
                retries: effective.retries,
                retry_delays: effective.retry_delay.reported(effective.retries),
                retry_jitter_factor: effective.retry_jitter_factor,
                flow_run: ambient.flow_run().map(|run| run.id),
            };
            submit(place, new, &order, &ambient).await?;
            Ok(DelayedTask::of(id, ports))
        }
    }
}

/// Waits for what the call needs, and tells where its arguments came from.
async fn resolve<T>(job: &mut TaskJob<T>, ambient: &Context) -> Result<TaskInputs, Error> {
    wait::all(&mut job.wait_for).await?;
    if let Some(values) = job.body.resolve() {
        values.await?;
    }
    let mut inputs = match job.body.take_inputs() {
        Some(inputs) => inputs,
        None => job.def.params.iter().map(|param| (*param, Vec::new())).collect(),
    };
    if !job.wait_for.is_empty() {
        inputs.push(("wait_for", wait::runs(&job.wait_for)));
    }
    inputs.extend(ambient.task.as_ref().map(|task| ("__parents__", vec![TaskInput::TaskRun(task.id)])));
    Ok(inputs)
}

/// Stores the order first: whoever hears of the run needs it.
async fn submit(place: &dyn Defer, new: NewDeferred, order: &Order, ambient: &Context) -> Result<(), Error> {
    let (id, store) = (new.id, &ambient.ports.results.stores.durable);
    order.write(&**store, id).await?;
    let submitted = place.submit(new).await;
    if submitted.is_err() {
        // Whether the server knows the run after all cannot be told; without its order it would fail, and say why.
        drop(store.remove(&Order::place(&**store, id)).await);
    }
    submitted
}
