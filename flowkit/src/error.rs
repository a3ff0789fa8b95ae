//! The error of every fallible call of this crate.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::state::State;
use crate::user_error::{UserError, causes, chain};

/// The result of calling a task or a flow.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a run did not give its value, or why it could not be asked for.
///
/// Cheap to clone: a failed task's error is shared by everybody who waits for it. The error that the task's own
/// code returned is kept and can be had back with [`downcast_ref`](Error::downcast_ref) or [`source`](StdError::source).
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    attempts: Option<u32>,
    elapsed: Option<Duration>,
    cause: Option<Cause>,
}

enum Cause {
    /// What the body of the run returned.
    User(UserError),
    /// The state that the body has chosen to end in.
    Choice(State),
    /// Something of ours or of a library below.
    Std(Box<dyn StdError + Send + Sync>),
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The body returned an error.
    Failed,
    /// The body panicked.
    Panicked,
    /// The body did not end within its timeout.
    TimedOut,
    /// The run completed, in a state that its code chose, and has no value.
    NoValue,
    /// A task was not started since something it depends on did not complete.
    NotReady,
    /// The run was cancelled.
    Cancelled,
    /// The run was ended by something outside of its code.
    Crashed,
    /// The server told this process to leave the run alone.
    Aborted,
    /// The flow run was suspended: it goes on elsewhere once it is resumed.
    Suspended,
    /// A paused flow run was not resumed in time.
    NotResumed,
    /// What was asked for is not possible there or then: to pause outside of a flow, to resume a run that is not paused.
    Refused,
    /// What was given (to a flow run, or as a name, a key or a value) is missing, or does not have the form that was asked
    /// for.
    Input,
    /// There is nothing of that name or key.
    NotFound,
    /// There is something of that name already.
    AlreadyExists,
    /// What was read has another type than was asked for.
    WrongType,
    /// A flow's parameters do not fit its signature.
    Parameters,
    /// A task, a flow or an option was declared in a way that cannot work.
    Definition,
    /// A setting has a value that cannot be used.
    Settings,
    /// The backend could not be reached or did not answer as it should.
    Backend,
    /// A result could not be stored or read back, or has no cache key.
    Results,
}

impl Error {
    /// Makes an error of a kind, with a message in lower case and without a full stop.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), attempts: None, elapsed: None, cause: None }))
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.edit(|inner| inner.cause = Some(Cause::Std(source.into())))
    }

    /// Makes the error by which a body ends its run in a state.
    pub(crate) fn of_choice(state: State) -> Self {
        let error = Self::new(state.error_kind(), format!("the run is to end in state {state}"));
        error.edit(|inner| inner.cause = Some(Cause::Choice(state)))
    }

    /// The state to end the run in that returns this error.
    pub(crate) fn choice(&self) -> Option<&State> {
        match &self.0.cause {
            Some(Cause::Choice(state)) => Some(state),
            _ => None,
        }
    }

    pub(crate) fn with_user_error(self, error: UserError) -> Self {
        self.edit(|inner| inner.cause = Some(Cause::User(error)))
    }

    pub(crate) fn with_effort(self, attempts: u32, elapsed: Duration) -> Self {
        self.edit(|inner| {
            inner.attempts = Some(attempts);
            inner.elapsed = Some(elapsed);
        })
    }

    /// Changes an error that nobody else has seen yet; one that is shared stays as it is.
    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            change(inner);
        }
        self
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns how often the run's body was started, if the error came from a run.
    #[must_use]
    pub fn attempts(&self) -> Option<u32> {
        self.0.attempts
    }

    /// Returns the time from the first start to the end of the run, if the error came from a run.
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.0.elapsed
    }

    /// Tells whether a run took longer than its timeout.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::TimedOut
    }

    /// Tells whether a run was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.kind() == ErrorKind::Cancelled
    }

    /// Tells whether a run's body panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        self.kind() == ErrorKind::Panicked
    }

    /// Tells whether a task was not started because of something it depends on.
    #[must_use]
    pub fn is_not_ready(&self) -> bool {
        self.kind() == ErrorKind::NotReady
    }

    /// Tells whether there is nothing of the name or key that was asked for.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// Returns the error of type `E` that a body returned, however deep in the chain of causes it is.
    ///
    /// Finds the body's own error value (`anyhow::Error` included) as well as what that error wraps.
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.own_as::<E>().or_else(|| {
            causes(self.source())
                .find_map(|error| error.downcast_ref::<E>().or_else(|| error.downcast_ref::<Error>()?.own_as::<E>()))
        })
    }

    /// Returns what the body returned if it is exactly an `E`, which need not be a standard error
    /// (`anyhow::Error`, `String`).
    #[must_use]
    pub fn own_as<E: 'static>(&self) -> Option<&E> {
        match &self.0.cause {
            Some(Cause::User(error)) => error.exactly::<E>(),
            _ => None,
        }
    }

    /// Returns this error's message and those of its causes, joined by `: `.
    #[must_use]
    pub fn chain(&self) -> String {
        chain(self)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.0.cause.as_ref()? {
            Cause::User(error) => Some(error.as_std()),
            Cause::Choice(_) => None,
            Cause::Std(error) => Some(&**error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// Shows the whole chain of causes, since this is what `main` prints when it returns an error.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}
