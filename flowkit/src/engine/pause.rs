//! A flow run that waits until somebody resumes it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::backend::{Answer, Proposal};
use crate::clock;
use crate::engine::context::{Context, FlowScope};
use crate::engine::transition::{Fact, transition};
use crate::error::{Error, ErrorKind};
use crate::interact::{Changes, Form};
use crate::pause_details::{InputKeys, PauseDetails};
use crate::run::{FlowRun, lock};
use crate::state::{State, StateName, StateType};

/// A pause for ever is one of a hundred years: the server knows no time after the year 9999.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// What becomes of the process meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PauseKind {
    /// It waits.
    Pause,
    /// It lets go of the run, which is scheduled anew once it is resumed.
    Suspend,
}

impl PauseKind {
    fn state(self) -> StateName {
        match self {
            Self::Pause => StateName::Paused,
            Self::Suspend => StateName::Suspended,
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Suspend => "suspended",
        }
    }
}

/// A pause that the body of a flow asks for.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    pub(crate) kind: PauseKind,
    /// After this time the run fails.
    pub(crate) timeout: Duration,
    /// How long to wait before looking again whether the run is resumed, where nobody says so.
    pub(crate) interval: Duration,
    /// Names the pause; by default it is the number of the pause in its attempt.
    pub(crate) key: Option<String>,
    /// The input that it waits for.
    pub(crate) form: Option<Form>,
}

/// Pauses the present flow run and returns what it was given when it was resumed.
pub(crate) async fn pause(context: Option<Context>, pause: Pause) -> Result<Option<Value>, Error> {
    let done = pause.kind.done();
    let refuse = |why: &str| Error::new(ErrorKind::Refused, format!("a flow run can only be {done} {why}"));
    let context = context.ok_or_else(|| refuse("by the flow's own code, and this code is in no flow"))?;
    let scope = match (&context.flow, &context.task) {
        (Some(scope), None) => Arc::clone(scope),
        (_, Some(task)) => {
            return Err(refuse(&format!("by the flow's own code, and this code is in task run '{}'", task.name())));
        }
        (None, None) => return Err(refuse("by the flow's own code, and this code is in no flow")),
    };
    let number = lock(&scope.progress).count_pause();
    let key = pause.key.clone().unwrap_or_else(|| number.to_string());
    if pause.form.is_some() && key.contains('/') {
        let why = format!("the key of a pause that waits for input must be without slashes, and is `{key}`");
        return Err(Error::new(ErrorKind::Definition, why));
    }
    let input = pause.form.is_some().then(|| InputKeys::of(pause.kind.state().as_str(), &key));
    Pausing { context: &context, scope: &scope, run: &scope.run, pause, key, input }.go().await
}

struct Pausing<'a> {
    context: &'a Context,
    scope: &'a FlowScope,
    run: &'a Arc<FlowRun>,
    pause: Pause,
    key: String,
    input: Option<InputKeys>,
}

impl Pausing<'_> {
    async fn go(mut self) -> Result<Option<Value>, Error> {
        let backend = &self.context.ports.backend;
        if let (Some(form), Some(keys)) = (self.pause.form.take(), &self.input) {
            // Asked for first: whoever sees the pause may resume it at once.
            backend.interact().ask_for_input(self.run.id, keys.clone(), form).await?;
        }
        // Whoever suspends a run does not wait.
        let changes = (self.pause.kind == PauseKind::Pause).then(|| backend.interact().changes(self.run.id));
        let details = PauseDetails {
            timeout: clock::now().after(self.pause.timeout.min(LONGEST)),
            key: self.key.clone(),
            reschedule: self.pause.kind == PauseKind::Suspend,
            input: self.input.clone(),
        };
        let timeout = details.timeout;
        let entered = self.enter(details).await?;
        match (entered.state_type(), changes) {
            // This pause has been resumed before: the body is run again.
            (StateType::Running, _) => {}
            (StateType::Paused, Some(changes)) => self.wait(changes, timeout).await?,
            (StateType::Paused, None) => {
                lock(&self.scope.progress).suspended = true;
                self.context.cancel.cancel();
                // The attempt is dropped here.
                std::future::pending::<()>().await;
            }
            _ => return Err(self.overtaken(&entered)),
        }
        self.read().await
    }

    /// Proposes the pause and returns the state that the run is in then.
    async fn enter(&self, details: PauseDetails) -> Result<State, Error> {
        let (run, done) = (self.run, self.pause.kind.done());
        let refuse =
            |why: &str| Error::new(ErrorKind::Refused, format!("flow run '{}' cannot be {done}: {why}", run.name));
        loop {
            let current = run.track.current();
            let fact = Fact::Pausing { details: Box::new(details.clone()) };
            let Ok(state) = transition(current.as_ref(), fact, clock::now()) else {
                return Err(refuse(&format!("it is in state {}", run.state().name())));
            };
            let backend = &self.context.ports.backend;
            match backend.propose(Arc::clone(run), Proposal { state, force: false }).await {
                Answer::Accept(state) => {
                    let what = match self.pause.kind {
                        PauseKind::Pause => "Pausing flow, execution will continue when this flow run is resumed.",
                        PauseKind::Suspend => "Suspending flow, it will be run again when this flow run is resumed.",
                    };
                    tracing::info!(target: "flowkit::run", "{what}");
                    run.track.push(state.clone());
                    return Ok(state);
                }
                // It is what it was: the pause has fired before.
                Answer::Reject(state) if state.state_type() == StateType::Running => return Ok(state),
                Answer::Reject(state) if state.state_type() == StateType::Paused => {
                    return Err(refuse("it is paused already"));
                }
                Answer::Reject(state) => return Ok(state),
                Answer::Wait(delay) => clock::sleep(delay).await,
                Answer::Abort(why) => return Err(refuse(&why)),
            }
        }
    }

    /// Waits until somebody resumes the run.
    async fn wait(&self, mut changes: Changes, timeout: clock::Timestamp) -> Result<(), Error> {
        let interact = self.context.ports.backend.interact();
        let mut interval = self.pause.interval.min(self.pause.timeout / 2);
        loop {
            let left = timeout.since(clock::now());
            let _ = clock::within(left, changes.next(interval)).await;
            interval = self.pause.interval;
            match interact.state_of(self.run.id).await {
                Ok(state) => match state.state_type() {
                    StateType::Running => {
                        tracing::info!(target: "flowkit::run", "Resuming flow run execution!");
                        self.run.track.push(state);
                        return Ok(());
                    }
                    StateType::Paused | StateType::Scheduled | StateType::Pending => {}
                    _ => return Err(self.overtaken(&state)),
                },
                // The pause outlives a server that is away for a while.
                Err(error) => tracing::debug!(target: "flowkit::run", "{}", error.chain()),
            }
            if left.is_zero() {
                let why = format!("flow run '{}' was paused and never resumed", self.run.name);
                return Err(Error::new(ErrorKind::NotResumed, why));
            }
        }
    }

    /// Somebody did something else with the run than to resume it.
    fn overtaken(&self, state: &State) -> Error {
        let name = &self.run.name;
        self.scope.put_into(state.clone());
        if matches!(state.state_type(), StateType::Cancelling | StateType::Cancelled) {
            return Error::new(ErrorKind::Cancelled, format!("flow run '{name}' was cancelled"));
        }
        Error::new(ErrorKind::Failed, format!("flow run '{name}' was put into state {state}"))
    }

    /// Reads the input that the pause waited for.
    async fn read(&self) -> Result<Option<Value>, Error> {
        let Some(keys) = &self.input else { return Ok(None) };
        let given = self.context.ports.backend.interact().given(self.run.id, keys.response.clone()).await?;
        let none = || {
            let what = "was resumed without the input that it waits for";
            Error::new(ErrorKind::Input, format!("flow run '{}' {what}", self.run.name))
        };
        given.map(Some).ok_or_else(none)
    }
}
