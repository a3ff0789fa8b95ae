//! One flow run, from the call to its final state.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::backend::{Answer, Backend, NewFlowRun, ParentRun, Proposal};
use crate::clock;
use crate::def::FlowDef;
use crate::engine::attempt::{Ending, attempt, run_error};
use crate::engine::body::{Body, name_of};
use crate::engine::context::{Context, FlowScope};
use crate::engine::retry::is_worth_a_retry;
use crate::engine::task_run::exceeded;
use crate::engine::transition::{Fact, transition};
use crate::engine::{hooks, panic};
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::options::{self, Effective, Overrides};
use crate::run::FlowRun;
use crate::state::StateType;
use crate::user_error::{UserError, chain};

/// How long to wait before asking again when the backend keeps a run in a pending state.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// A call of a flow.
pub(crate) struct FlowJob<T> {
    pub(crate) def: &'static FlowDef,
    /// The body with its arguments, or why the parameters do not fit.
    pub(crate) body: Result<Box<dyn Body<T>>, Error>,
    pub(crate) parameters: Value,
    pub(crate) overrides: Option<Box<Overrides>>,
}

/// A flow run that exists at the backend and has not ended. Dropping it ends the run.
pub(crate) struct LiveFlow<T> {
    job: FlowJob<T>,
    effective: Effective,
    record: Record,
    context: Context,
    scope: Arc<FlowScope>,
    /// The flow that called it.
    caller: Option<Arc<FlowScope>>,
}

impl<T> Drop for LiveFlow<T> {
    /// Stops what the run has started. If the run has not ended, its caller waits for that in its place.
    fn drop(&mut self) {
        self.context.cancel.cancel();
        let left = &self.scope.submitted;
        if left.is_empty() {
            return;
        }
        if let (Some(caller), Ok(runtime)) = (&self.caller, tokio::runtime::Handle::try_current()) {
            left.close();
            let left = left.clone();
            runtime.spawn(caller.submitted.track_future(async move { left.wait().await }));
        }
    }
}

/// The record of a run together with the duty to bring it to a final state.
struct Record {
    run: Arc<FlowRun>,
    backend: Arc<dyn Backend>,
    /// The server has said that the run is not ours to end.
    left_alone: bool,
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.left_alone {
            return;
        }
        let current = self.run.track.current();
        let fact = if panic::is_unwinding() {
            Fact::Crashed { message: "Execution was ended by a panic outside of the flow.".into() }
        } else {
            Fact::Cancelled { message: "Flow run was dropped before it ended.".into() }
        };
        if let Ok(state) = transition(current.as_ref(), fact, clock::now()) {
            self.run.track.push(state.clone());
            self.backend.emit(Event::FlowEnded(Arc::clone(&self.run), state));
        }
    }
}

/// Creates the run at the backend.
pub(crate) async fn begin<T>(mut job: FlowJob<T>, ambient: Context) -> Result<LiveFlow<T>, Error> {
    let mut effective = Effective::resolve(job.overrides.as_deref(), &job.def.options, &ambient.ports.flow_defaults);
    if let Some(refused) = job.overrides.as_mut().and_then(|call| call.refused.take()) {
        job.body = Err(refused);
    }
    let mut name = None;
    if let Ok(body) = &job.body {
        let cannot_repeat = effective.retries > 0 && !body.can_repeat();
        if cannot_repeat {
            effective.retries = 0;
        }
        let params: Vec<&str> = job.def.params.iter().map(|param| param.name).collect();
        let template = effective.run_name.as_ref();
        match template.map(|template| name_of(template, &params, &**body)).transpose() {
            Ok(rendered) => name = rendered,
            Err(refused) => job.body = Err(refused),
        }
        if cannot_repeat && job.overrides.as_ref().is_some_and(|call| call.ask_for_retries()) {
            let why = format!("flow `{}` cannot be retried: one of its parameters is not Clone", job.def.name);
            job.body = Err(Error::new(ErrorKind::Definition, why));
        }
    }
    let parent = ambient.flow.as_ref().map(|scope| ParentRun {
        flow_run: Arc::clone(&scope.run),
        task_run: ambient.task.as_ref().map(|task| task.id),
        nth: scope.count_call(job.def.key),
    });
    let is_subflow = parent.is_some();
    let new = NewFlowRun {
        def: job.def,
        name,
        parameters: job.parameters.clone(),
        tags: ambient.with_scoped(options::tags(job.overrides.as_deref(), &job.def.options)),
        retries: effective.retries,
        retry_delay: effective.retry_delay.clone(),
        parent,
    };
    let run = ambient.ports.backend.create_flow_run(new).await?;
    let scope = Arc::new(FlowScope::new(Arc::clone(&run)));
    let context = Context {
        flow: Some(Arc::clone(&scope)),
        task: None,
        cancel: ambient.cancel.child_token(),
        log_prints: effective.log_prints.unwrap_or(ambient.log_prints),
        ports: Arc::clone(&ambient.ports),
        tags: ambient.tags.clone(),
    };
    context.enter(|| {
        let what = if is_subflow { "subflow" } else { "flow" };
        tracing::info!(target: "flowkit::run", "Beginning {what} run '{}' for flow '{}'", run.name, job.def.name);
    });
    let record = Record { run, backend: Arc::clone(&ambient.ports.backend), left_alone: false };
    Ok(LiveFlow { job, effective, record, context, scope, caller: ambient.flow })
}

/// What the engine does after it has heard the backend.
enum Verdict {
    /// The run is in the state that was proposed.
    Entered,
    /// The run is in another state that has not ended it: propose to run.
    Again,
}

/// How the wait for submitted work ended.
enum Settled {
    InTime,
    OutOfTime,
    Cancelled,
}

impl<T> LiveFlow<T> {
    pub(crate) fn run(&self) -> &Arc<FlowRun> {
        &self.record.run
    }

    /// Brings the run to its end.
    pub(crate) fn finish(self) -> impl Future<Output = Result<T, Error>> {
        let context = self.context.clone();
        context.scope(self.drive())
    }

    async fn drive(mut self) -> Result<T, Error> {
        let result = self.attempts().await;
        self.call_hooks().await;
        let state = self.run().state();
        if state.is_completed() {
            tracing::info!(target: "flowkit::run", "Finished in state {state}");
        } else {
            tracing::error!(target: "flowkit::run", "Finished in state {state}");
        }
        result
    }

    async fn call_hooks(&mut self) {
        if let Some(hooks) = self.job.def.hooks {
            hooks::of_flow(hooks, self.run()).await;
        }
    }

    async fn attempts(&mut self) -> Result<T, Error> {
        if let Err(refused) = &self.job.body {
            let refused = refused.clone();
            let what = match refused.kind() {
                ErrorKind::Parameters => "Validation of flow parameters failed with error",
                _ => "Flow run could not be started",
            };
            self.conclude(Fact::Refused { message: format!("{what}: {}", refused.chain()) }).await?;
            return Err(refused);
        }
        loop {
            self.enter_running().await?;
            self.call_hooks().await;
            let (fact, result) = self.attempt().await;
            match self.conclude(fact).await? {
                Verdict::Entered => return result,
                Verdict::Again => {
                    tracing::info!(target: "flowkit::run", "Received non-final state '{}' when proposing a final state and will attempt to run again...", self.run().state().name());
                }
            }
        }
    }

    async fn attempt(&mut self) -> (Fact, Result<T, Error>) {
        let run_count = self.run().effort().run_count;
        // An attempt that is out of time is stopped; the next one, if there is one, is not.
        let context = Context { cancel: self.context.cancel.child_token(), ..self.context.clone() };
        let (cancel, timeout, stopwatch) = (context.cancel.clone(), self.effective.timeout, clock::Stopwatch::start());
        let Ok(body) = &mut self.job.body else {
            return (Fact::Crashed { message: String::new() }, Err(self.error(ErrorKind::Crashed, "has no body")));
        };
        let name = &self.record.run.name;
        let span = context.enter(|| tracing::error_span!(target: "flowkit::run", "flow_run", %name));
        let again = run_count <= self.effective.retries;
        let running = attempt(|| body.start(again), timeout, &cancel).instrument(span);
        let ending = context.scope(running).await;
        if let Ending::TimedOut(_) = ending {
            cancel.cancel();
        }
        let left = timeout.map(|limit| limit.saturating_sub(stopwatch.elapsed()));
        let ending = match (ending, settle(&self.scope.submitted, &cancel, left).await, timeout) {
            (Ending::Returned(_), Settled::Cancelled, _) => Ending::Cancelled,
            (Ending::Returned(_), Settled::OutOfTime, Some(limit)) => Ending::TimedOut(limit),
            (ending, ..) => ending,
        };
        let effort = self.run().effort();
        let elapsed = effort.start_time.map_or(Duration::ZERO, |start| clock::now().since(start));
        let (fact, result) = self.judge(ending);
        (fact, result.map_err(|error| error.with_effort(run_count, elapsed)))
    }

    /// Tells what an ending means for the run and for its caller.
    fn judge(&self, ending: Ending<T>) -> (Fact, Result<T, Error>) {
        match ending {
            Ending::Returned(value) => (Fact::Returned, Ok(value)),
            Ending::Errored(cause) => {
                let text = chain(cause.as_std());
                tracing::error!(target: "flowkit::run", "Encountered exception during execution: {text}");
                let (kind, fact) = match run_error(&cause) {
                    Some(ErrorKind::TimedOut) => {
                        let message = format!("Flow run failed due to timeout: {text}");
                        (ErrorKind::TimedOut, Fact::TimedOut { message })
                    }
                    _ => {
                        let message = format!("Flow run encountered an exception: {text}");
                        let fact =
                            if self.is_doomed(&cause) { Fact::Doomed { message } } else { Fact::Errored { message } };
                        (ErrorKind::Failed, fact)
                    }
                };
                (fact, Err(self.error(kind, "failed").with_user_error(cause)))
            }
            Ending::Panicked(text) => {
                tracing::error!(target: "flowkit::run", "Encountered exception during execution: {text}");
                let message = format!("Flow run encountered an exception: {text}");
                (Fact::Errored { message }, Err(self.error(ErrorKind::Panicked, &text)))
            }
            Ending::TimedOut(limit) => {
                let what = format!("exceeded its timeout of {:?} second(s)", limit.as_secs_f64());
                let message = exceeded("Flow", limit);
                (Fact::TimedOut { message }, Err(self.error(ErrorKind::TimedOut, &what)))
            }
            Ending::Cancelled => (cancelled(), Err(self.error(ErrorKind::Cancelled, "was cancelled"))),
        }
    }

    /// Tells whether retries are left that would not help. A condition that panics is no reason to leave them out.
    fn is_doomed(&self, cause: &UserError) -> bool {
        let Effective { retries, retry_if, .. } = self.effective;
        self.run().effort().run_count <= retries && panic::contain(|| is_worth_a_retry(cause, retry_if)) == Ok(false)
    }

    /// Proposes to run until the backend agrees or ends the run.
    async fn enter_running(&mut self) -> Result<(), Error> {
        let cancel = self.context.cancel.clone();
        loop {
            if cancel.is_cancelled() {
                self.conclude(cancelled()).await?;
                return Err(self.error(ErrorKind::Cancelled, "was cancelled"));
            }
            match self.conclude(Fact::Started).await? {
                Verdict::Entered => return Ok(()),
                Verdict::Again => drop(cancel.run_until_cancelled(clock::sleep(ASK_AGAIN)).await),
            }
        }
    }

    /// Proposes the state that follows from a fact, and adopts the backend's answer.
    async fn conclude(&mut self, mut fact: Fact) -> Result<Verdict, Error> {
        // The rules would have a doomed run retried.
        let force = matches!(fact, Fact::Crashed { .. } | Fact::Doomed { .. });
        let mut overruled = false;
        loop {
            let current = self.run().track.current();
            let Ok(state) = transition(current.as_ref(), fact.clone(), clock::now()) else {
                return Ok(Verdict::Entered);
            };
            let proposed = state.state_type();
            let answer = self.context.ports.backend.propose(Arc::clone(self.run()), Proposal { state, force }).await;
            let entered = match answer {
                Answer::Accept(state) => state,
                Answer::Reject(state) => state,
                // A run that has not begun need not wait any longer once it is cancelled; one that has ended must.
                Answer::Wait(delay) if fact == Fact::Started => {
                    if self.context.cancel.run_until_cancelled(clock::sleep(delay)).await.is_none() {
                        fact = cancelled();
                        overruled = true;
                    }
                    continue;
                }
                Answer::Wait(delay) => {
                    clock::sleep(delay).await;
                    continue;
                }
                Answer::Abort(why) => {
                    self.record.left_alone = true;
                    return Err(self.error(ErrorKind::Aborted, &format!("was left alone as the server asked: {why}")));
                }
            };
            let (entered_type, shown) = (entered.state_type(), entered.to_string());
            self.run().track.push(entered);
            if entered_type == proposed && overruled {
                return Err(self.error(ErrorKind::Cancelled, "was cancelled"));
            }
            if entered_type == proposed {
                return Ok(Verdict::Entered);
            }
            return match entered_type {
                StateType::Completed | StateType::Failed => {
                    Err(self.error(ErrorKind::Failed, &format!("was put into state {shown}")))
                }
                StateType::Cancelling => {
                    // Somebody asked for it while the run went on; the only way out is to do as they ask.
                    self.context.cancel.cancel();
                    fact = cancelled();
                    overruled = true;
                    continue;
                }
                StateType::Cancelled => {
                    self.context.cancel.cancel();
                    Err(self.error(ErrorKind::Cancelled, "was cancelled"))
                }
                StateType::Crashed => Err(self.error(ErrorKind::Crashed, &format!("was put into state {shown}"))),
                StateType::Scheduled | StateType::Pending | StateType::Running | StateType::Paused => {
                    Ok(Verdict::Again)
                }
            };
        }
    }

    fn error(&self, kind: ErrorKind, what: &str) -> Error {
        Error::new(kind, format!("flow run '{}' {what}", self.run().name))
    }
}

/// Waits for the work that the attempt has submitted, for as long as the attempt may take.
async fn settle(submitted: &TaskTracker, cancel: &CancellationToken, limit: Option<Duration>) -> Settled {
    submitted.close();
    let before_stopped = cancel.run_until_cancelled(submitted.wait());
    let settled = match limit {
        None => before_stopped.await,
        Some(limit) => match clock::within(limit, before_stopped).await {
            Some(settled) => settled,
            None => {
                cancel.cancel();
                submitted.wait().await;
                submitted.reopen();
                return Settled::OutOfTime;
            }
        },
    };
    submitted.wait().await;
    submitted.reopen();
    settled.map_or(Settled::Cancelled, |()| Settled::InTime)
}

fn cancelled() -> Fact {
    Fact::Cancelled { message: "Flow run was cancelled.".into() }
}

#[cfg(test)]
mod tests;
