//! One flow run, from the call to its final state.

mod begin;
mod judge;
mod propose;
mod record;
mod replay;
mod resumable;
mod settle;
mod store;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tracing::Instrument;

use crate::backend::Existing;
use crate::clock;
use crate::def::FlowDef;
use crate::engine::attempt::{Ending, attempt};
use crate::engine::body::Body;
use crate::engine::context::{Context, FlowScope};
use crate::engine::hooks;
use crate::engine::progress::Progress;
use crate::engine::stop::{Above, Hold, Stop};
use crate::engine::transition::Fact;
use crate::engine::wait::Dependency;
use crate::error::{Error, ErrorKind};
use crate::options::{Effective, Overrides};
use crate::run::{FlowRun, lock};
use crate::state::StateName;

pub(crate) use begin::{Begun, begin};
use propose::Verdict;
use record::Record;
use replay::Noted;
use settle::{Settled, settle};

/// A call of a flow.
pub(crate) struct FlowJob<T> {
    pub(crate) def: &'static FlowDef,
    /// The body with its arguments, or why the parameters do not fit.
    pub(crate) body: Result<Box<dyn Body<T>>, Error>,
    pub(crate) parameters: Value,
    pub(crate) overrides: Option<Box<Overrides>>,
    pub(crate) wait_for: Vec<Dependency>,
    /// The run to be taken over, in place of a new one.
    pub(crate) existing: Option<Box<Existing>>,
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
    /// How the journal of that flow knows the call.
    noted: Option<Noted>,
    /// Where it is awaited.
    above: Above,
    hold: Option<Hold>,
}

impl<T> Drop for LiveFlow<T> {
    /// Stops what the run has started. If the run has not ended, its caller waits for that in its place.
    fn drop(&mut self) {
        self.context.ports.stopping.flow_ended(self.scope.run.id);
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

impl<T: Send + 'static> LiveFlow<T> {
    pub(crate) fn run(&self) -> &Arc<FlowRun> {
        &self.record.run
    }

    /// Makes the run one of its own, which the flow run that called it does not wait for.
    pub(crate) fn set_free(&mut self) {
        self.set_apart();
        self.caller = None;
    }

    /// Says that the run is not awaited in the body that called it.
    pub(crate) fn set_apart(&mut self) {
        self.above = Above::Nothing;
    }

    /// Brings the run to its end.
    pub(crate) fn finish(self) -> impl Future<Output = Result<T, Error>> {
        let context = self.context.clone();
        context.scope(self.drive())
    }

    async fn drive(mut self) -> Result<T, Error> {
        let _awaited = self.above.awaits(self.caller.as_ref());
        let result = self.attempts().await;
        let kept = result.as_ref().ok().and_then(|value| self.keep(value));
        if let Some(written) = kept {
            self.keep_on_disk(written).await;
        }
        self.call_hooks().await;
        let state = self.run().state();
        if state.is(StateName::Suspended) || state.is(StateName::Interrupted) {
            return result;
        } else if state.is_completed() {
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
        self.wait_for_upstream().await?;
        loop {
            self.enter_running().await?;
            self.call_hooks().await;
            let (fact, result) = self.attempt().await;
            if lock(&self.scope.progress).suspended {
                return Err(self.let_go());
            }
            self.leave_if_refused().await?;
            self.log_tally();
            match self.conclude(fact).await? {
                Verdict::Entered => return result,
                Verdict::Again => {
                    self.rewind();
                    tracing::info!(target: "flowkit::run", "Received non-final state '{}' when proposing a final state and will attempt to run again...", self.run().state().name());
                }
            }
        }
    }

    /// Leaves a suspended run to whoever takes it up when it is resumed.
    fn let_go(&mut self) -> Error {
        self.record.left_alone = true;
        self.error(ErrorKind::Suspended, "is suspended: it is run again once somebody resumes it")
    }

    async fn attempt(&mut self) -> (Fact, Result<T, Error>) {
        let run_count = self.run().effort().run_count;
        *lock(&self.scope.progress) = Progress::default();
        // An attempt that is out of time is stopped; the next one, if there is one, is not.
        let context = Context { cancel: self.context.cancel.child_token(), ..self.context.clone() };
        let (cancel, timeout, stopwatch) = (context.cancel.clone(), self.effective.timeout, clock::Stopwatch::start());
        let Ok(body) = &mut self.job.body else {
            return (Fact::Crashed { message: String::new() }, Err(self.error(ErrorKind::Crashed, "has no body")));
        };
        let name = &self.record.run.name;
        let span = context.enter(|| tracing::error_span!(target: "flowkit::run", "flow_run", %name));
        let again = run_count <= self.effective.retries;
        let (above, hold) = (&mut self.above, &mut self.hold);
        let grace = context.ports.stopping.grace;
        let stop =
            Stop { cancel: &cancel, heed: &self.record.run.track.heed, grace, awaited: Some(&self.scope.awaited) };
        let running = attempt(|| body.start(again), timeout, stop, || *hold = Some(above.hold(self.caller.as_ref())))
            .instrument(span);
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
        let (fact, result) = match self.effective.results {
            None => (fact, result),
            Some(_) => Box::pin(self.store(fact, result)).await,
        };
        (fact, result.map_err(|error| error.with_effort(run_count, elapsed)))
    }

    /// What it means for the run, and for its caller, that it was told to stop.
    fn stopped(&self) -> (Fact, Error) {
        let asked = self.run().track.with(|states| states.iter().any(|state| state.is(StateName::Cancelling)));
        match self.context.ports.stopping.why().filter(|_| !asked) {
            Some(why) => {
                tracing::error!(target: "flowkit::run", "Crash detected! {why}");
                let error = self.error(ErrorKind::Crashed, &format!("was stopped: {why}"));
                (self.record.stopped(why), error)
            }
            None => {
                let fact = Fact::Cancelled { message: "Flow run was cancelled.".into() };
                (fact, self.error(ErrorKind::Cancelled, "was cancelled"))
            }
        }
    }

    fn error(&self, kind: ErrorKind, what: &str) -> Error {
        Error::new(kind, format!("flow run '{}' {what}", self.run().name))
    }
}

#[cfg(test)]
mod tests;
