//! One task run, from the call to its final state.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::clock;
use crate::def::TaskDef;
use crate::engine::attempt::{Ending, attempt, told};
use crate::engine::body::{Body, name_of};
use crate::engine::context::Context;
use crate::engine::journal::Slot;
use crate::engine::record::Record;
use crate::engine::results::keep::Keep;
use crate::engine::retry::{Policy, is_worth_a_retry, next_attempt};
use crate::engine::stop::{Above, Hold, Stop};
use crate::engine::task_log::log_end;
use crate::engine::transaction::Staged;
use crate::engine::transition::Fact;
use crate::engine::untold::Untold;
use crate::engine::wait::{self, Dependency};
use crate::engine::{assets, choice, hooks, panic, replay, task_extra, timers};
use crate::error::{Error, ErrorKind};
use crate::id::TaskRunId;
use crate::options::{Effective, Overrides};
use crate::run::{TaskInput, TaskInputs, TaskRun, Track};
use crate::slots::HeldSlots;
use crate::state::State;
use crate::user_error::{UserError, chain, first_line};

/// A call of a task.
pub(crate) struct TaskJob<T> {
    pub(crate) def: &'static TaskDef,
    pub(crate) body: Box<dyn Body<T>>,
    pub(crate) overrides: Option<Box<Overrides>>,
    pub(crate) wait_for: Vec<Dependency>,
    /// The id that the run will have, if somebody was told it already.
    pub(crate) id: Option<TaskRunId>,
}

/// A task run that has been asked for and has not ended. Dropping it ends the run.
pub(crate) struct LiveTask<T> {
    pub(super) job: TaskJob<T>,
    pub(super) effective: Effective,
    pub(super) record: Record,
    pub(super) context: Context,
    /// How the journal of the flow run knows the call, if it does yet.
    pub(super) slot: Option<Slot>,
    /// Where it is awaited.
    pub(super) above: Above,
    pub(super) hold: Option<Hold>,
    /// Where the value is to go, beside the caller.
    pub(super) keep: Option<Box<Keep>>,
    /// What is written when the transaction around is committed.
    pub(super) staged: Option<Box<Staged>>,
    /// What it holds of limits for its tags.
    pub(super) slots: Option<Box<dyn HeldSlots>>,
}

/// Asks for a run: makes its record, in the pending state.
///
/// Boxed, since it would else be moved again with every future around it.
pub(crate) fn begin<T: Send + 'static>(job: TaskJob<T>, ambient: Context) -> Box<LiveTask<T>> {
    let live = begin_untold(job, ambient);
    live.untold().tell();
    live
}

/// The same for a run that goes on at once: whoever does so tells of it when it has to wait.
pub(crate) fn begin_untold<T: 'static>(mut job: TaskJob<T>, ambient: Context) -> Box<LiveTask<T>> {
    job.body = ambient.ports.stubs.over(job.def, job.body);
    let effective = Effective::resolve(job.overrides.as_deref(), &job.def.options, &ambient.ports.task_defaults);
    let now = clock::now();
    let adopted = job.overrides.as_mut().and_then(|call| call.adopted.take());
    let found = adopted.as_ref().map(|adopted| (adopted.found.clone(), adopted.note.clone()));
    let run = Arc::new(TaskRun {
        id: job.id.unwrap_or_else(|| TaskRunId::at(now)),
        def: job.def,
        flow_run: ambient.flow_run().cloned(),
        parent: ambient.task.as_ref().map(|task| task.id),
        extra: task_extra::of(&job, &effective, &ambient, adopted),
        track: Track::default(),
    });
    let record = Record(Arc::clone(&run), Arc::clone(&ambient.ports));
    match found {
        None => record.request(),
        Some(found) => record.take_over(found),
    }
    let log_prints = effective.log_prints.unwrap_or(ambient.log_prints);
    // Noted here if it can be: what is submitted starts in any order.
    let place = ambient.journal.as_ref().filter(|_| !job.body.has_inputs());
    let slot = place.map(|place| replay::claim(place, &job));
    let above = Above::of(ambient.task);
    let context = Context { task: Some(run), log_prints, ..ambient };
    Box::new(LiveTask {
        job,
        effective,
        record,
        context,
        slot,
        above,
        hold: None,
        keep: None,
        staged: None,
        slots: None,
    })
}

impl<T: Send + 'static> LiveTask<T> {
    pub(crate) fn run(&self) -> &Arc<TaskRun> {
        &self.record.0
    }

    /// What is still to be told of the run.
    pub(crate) fn untold(&self) -> Untold {
        Untold::of(&self.record.0, &self.record.1)
    }

    /// Brings the run to its end.
    pub(crate) fn finish(self: Box<Self>) -> impl Future<Output = Result<T, Error>> {
        let context = self.context.clone();
        context.scope(self.drive())
    }

    async fn drive(mut self: Box<Self>) -> Result<T, Error> {
        let result = match self.prepare().await {
            Ok(()) => match self.context.journal.clone() {
                None if self.effective.results.is_none() => self.attempts().await,
                None => Box::pin(self.recall_or_run()).await,
                Some(place) => Box::pin(self.attempts_or_replay(place)).await,
            },
            Err(error) => Err(error),
        };
        if self.job.def.assets.is_some() {
            assets::tell(self.run(), &*self.record.1.backend);
        }
        // Before the hooks, in which the run may be dropped.
        if result.is_ok() && self.context.transaction.is_some() {
            Box::pin(self.join_transaction()).await;
        }
        if let Some(hooks) = self.job.def.hooks {
            hooks::of_task(hooks, self.run()).await;
        }
        self.slots = None;
        log_end(self.run());
        if result.is_ok() && self.job.def.transaction_hooks.is_some() {
            Box::pin(self.commit_alone()).await;
        }
        result
    }

    /// Waits for what the task needs, and names the run.
    async fn prepare(&mut self) -> Result<(), Error> {
        if let Some(refused) = self.job.overrides.as_mut().and_then(|call| call.refused.take()) {
            return Err(self.refuse(refused));
        }
        if self.effective.retries > 0 && !self.job.body.can_repeat() {
            if self.job.overrides.as_ref().is_some_and(|call| call.ask_for_retries()) {
                let why = format!("task `{}` cannot be retried: one of its arguments is not Clone", self.job.def.name);
                return Err(self.refuse(Error::new(ErrorKind::Definition, why)));
            }
            self.effective.retries = 0;
        }
        if self.effective.needs_timers() {
            let needs = format_args!("task `{}` has a timeout or a delay before retries", self.job.def.name);
            timers::check(needs).map_err(|error| self.refuse(error))?;
        }
        self.wait_for_upstream().await?;
        if let Some(extra) = &self.record.0.extra {
            match name_of(self.effective.run_name.as_deref(), self.job.def.params, &*self.job.body) {
                Ok(Some(name)) => drop(extra.name.set(name)),
                Ok(None) => {}
                Err(error) => return Err(self.refuse(error)),
            }
        }
        if self.may_need_slots() {
            Box::pin(self.take_slots()).await?;
        }
        Ok(())
    }

    async fn wait_for_upstream(&mut self) -> Result<(), Error> {
        let mut dependencies = std::mem::take(&mut self.job.wait_for);
        let cancel = self.context.cancel.clone();
        let waited = {
            let resolve = self.job.body.resolve();
            if resolve.is_none() && dependencies.is_empty() {
                Some(Ok(()))
            } else {
                let waiting = async {
                    wait::all(&mut dependencies).await?;
                    match resolve {
                        Some(values) => values.await,
                        None => Ok(()),
                    }
                };
                cancel.run_until_cancelled(waiting).await
            }
        };
        // Some of it may be known only now.
        let mut inputs: Option<TaskInputs> = self.job.body.take_inputs();
        if !dependencies.is_empty() {
            inputs.get_or_insert_with(|| self.run().no_inputs()).push(("wait_for", wait::runs(&dependencies)));
        }
        if let (Some(mut inputs), Some(extra)) = (inputs, &self.run().extra) {
            inputs.extend(self.run().parent.map(|parent| ("__parents__", vec![TaskInput::TaskRun(parent)])));
            let _ = extra.inputs.set(inputs);
        }
        match waited {
            Some(Ok(())) => {
                assets::follow(self.run(), self.context.flow.as_deref());
                Ok(())
            }
            // What it waits for may have been stopped together with it.
            Some(Err(_)) if cancel.is_cancelled() => Err(self.cancelled()),
            Some(Err(error)) => {
                let _ = self.record.apply(Fact::UpstreamFailed { message: format!("{error}.") });
                let why = format!("task run '{}' was not started", self.run().name());
                Err(Error::new(ErrorKind::NotReady, why).with_source(error))
            }
            None => Err(self.cancelled()),
        }
    }

    pub(super) async fn attempts(&mut self) -> Result<T, Error> {
        let mut run_count = 0;
        loop {
            if self.context.cancel.is_cancelled() {
                return Err(self.cancelled());
            }
            run_count += 1;
            let _ = self.record.apply(Fact::Started);
            if let Some(hooks) = self.job.def.hooks {
                hooks::of_task(hooks, self.run()).await;
            }
            let another = run_count <= self.effective.retries;
            let span = tracing::error_span!(target: "flowkit::run", "task_run", name = %self.record.0.name());
            let (body, above, hold) = (&mut self.job.body, &mut self.above, &mut self.hold);
            let heed = &self.record.0.track.heed;
            let grace = self.context.ports.stopping.grace;
            let stop = Stop { cancel: &self.context.cancel, heed, grace, awaited: None };
            let hold = || *hold = Some(above.hold(self.context.flow.as_ref()));
            let ending = attempt(|| body.start(another), self.effective.timeout, stop, hold).instrument(span).await;
            let (message, failure) = match ending {
                Ending::Returned(value) => match choice::of_value(&value) {
                    None => {
                        if let Some(keep) = self.keep.take() {
                            return Box::pin(self.end_with(value, &keep)).await;
                        }
                        let _ = self.record.apply(Fact::Returned);
                        return Ok(value);
                    }
                    Some(state) if state.is_failed() => (state.to_string(), Failure::Chosen(state)),
                    Some(state) => return self.end_as(state, Some(value)),
                },
                Ending::Cancelled => return Err(self.cancelled()),
                Ending::Errored(error) => match choice::of_error(&error) {
                    None => (chain(error.as_std()), Failure::Error(error)),
                    Some(state) if state.is_failed() => (state.to_string(), Failure::Chosen(state)),
                    Some(state) => return self.end_as(state, None),
                },
                Ending::Panicked(message) => (message, Failure::Panic),
                Ending::TimedOut(limit) => {
                    self.context.ports.stopping.take_branch(self.run()).inspect(CancellationToken::cancel);
                    (exceeded("Task", limit), Failure::Timeout)
                }
            };
            let failure = match failure {
                Failure::Error(error) if another => self.ask(error),
                failure => failure,
            };
            match self.next_attempt(run_count).filter(|_| !matches!(failure, Failure::Final(_))) {
                Some(delay) => self.wait_before_retry(&message, run_count, delay).await?,
                None => return Err(self.fail(failure, message, run_count)),
            }
        }
    }

    /// Asks whether there is any use in trying again. The condition is the user's code: if it panics, there is.
    fn ask(&self, error: UserError) -> Failure {
        let condition = self.effective.retry_if;
        match panic::contain(|| is_worth_a_retry(&error, condition)) {
            Ok(false) => Failure::Final(error),
            Ok(true) | Err(_) => Failure::Error(error),
        }
    }

    fn next_attempt(&self, run_count: u32) -> Option<Duration> {
        let Effective { retries, retry_delay: delays, retry_jitter_factor: jitter, .. } = &self.effective;
        next_attempt(&Policy { retries: *retries, delays, jitter: *jitter }, run_count, fastrand::f64())
    }

    async fn wait_before_retry(&mut self, message: &str, retry: u32, delay: Duration) -> Result<(), Error> {
        let when = match delay {
            Duration::ZERO => "immediately".to_owned(),
            _ => format!("{} second(s) from now", delay.as_secs_f64()),
        };
        let retries = self.effective.retries;
        tracing::info!(target: "flowkit::run", "Task run failed with exception: {message} - Retry {retry}/{retries} will start {when}");
        if delay.is_zero() {
            return Ok(());
        }
        let _ = self.record.apply(Fact::RetryIn { delay });
        match self.context.cancel.run_until_cancelled(clock::sleep(delay)).await {
            Some(()) => Ok(()),
            None => Err(self.cancelled()),
        }
    }

    fn fail(&self, failure: Failure, message: String, attempts: u32) -> Error {
        let exhausted = match &failure {
            Failure::Final(_) => " - It is not worth a retry",
            _ if self.effective.retries > 0 => " - Retries are exhausted",
            _ => "",
        };
        let told = match &failure {
            Failure::Error(error) | Failure::Final(error) => told(error),
            Failure::Panic | Failure::Timeout | Failure::Chosen(_) => message.clone(),
        };
        tracing::error!(target: "flowkit::run", "Task run failed with exception: {told}{exhausted}");
        let (name, short) = (self.run().name(), first_line(&message));
        let (fact, error) = match failure {
            Failure::Error(error) | Failure::Final(error) => (
                Fact::Errored { message: format!("Task run encountered an exception: {short}") },
                Error::new(ErrorKind::Failed, format!("task run '{name}' failed")).with_user_error(error),
            ),
            Failure::Panic => (
                Fact::Errored { message: format!("Task run encountered an exception: {short}") },
                Error::new(ErrorKind::Panicked, format!("task run '{name}' {message}")),
            ),
            Failure::Chosen(state) => {
                let error = Error::new(state.error_kind(), format!("task run '{name}' ended in state {message}"));
                (Fact::Chosen { state: Box::new(state) }, error)
            }
            Failure::Timeout => (
                Fact::TimedOut { message: message.clone() },
                Error::new(ErrorKind::TimedOut, format!("task run '{name}': {message}")),
            ),
        };
        let _ = self.record.apply(fact);
        let effort = self.run().effort();
        let elapsed = effort.start_time.map_or(Duration::ZERO, |start| clock::now().since(start));
        error.with_effort(attempts, elapsed)
    }

    /// Enters the state that the body has chosen.
    fn end_as(&self, state: State, value: Option<T>) -> Result<T, Error> {
        let result = choice::result(&format!("task run '{}'", self.run().name()), &state, value);
        let _ = self.record.apply(Fact::Chosen { state: Box::new(state) });
        result
    }

    pub(super) fn refuse(&self, error: Error) -> Error {
        let _ =
            self.record.apply(Fact::Refused { message: format!("Task run could not be started: {}", error.chain()) });
        error
    }
}

/// Why an attempt has failed.
enum Failure {
    Error(UserError),
    /// An error with retries left that would not help.
    Final(UserError),
    Panic,
    Timeout,
    /// The body chose a failed state.
    Chosen(State),
}

/// Prefect's words for a run that took too long; the limit is shown as Python shows a float.
pub(crate) fn exceeded(subject: &str, limit: Duration) -> String {
    format!("{subject} run exceeded timeout of {:?} second(s)", limit.as_secs_f64())
}
