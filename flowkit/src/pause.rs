//! Flow runs that wait for somebody.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::duration::IntoDuration;
use crate::engine::context;
use crate::engine::pause::{Pause, PauseKind, pause};
use crate::error::{Error, ErrorKind};
use crate::input_form;

/// How long a pause lasts at most: an hour, as in Prefect.
const TIMEOUT: Duration = Duration::from_secs(3600);

/// How long to wait before asking the server again: ten seconds, as in Prefect.
const INTERVAL: Duration = Duration::from_secs(10);

/// Pauses the present flow run until somebody resumes it: the UI, the API, Prefect's
/// `resume_flow_run`, or
/// [`resume_flow_run`](crate::resume_flow_run).
///
/// The run is Paused and this process waits; tasks that were submitted go on. If nobody resumes it within the
/// [`timeout`](PauseCall::timeout), an hour by default, the `.await` fails, and so does the flow whatever its code makes of it: as at the server, a
/// run whose pause timed out can only be Failed. A timeout of the flow itself goes on meanwhile.
///
/// ```
/// use flowkit::{Runtime, prelude::*};
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, JsonSchema)]
/// struct Approval {
///     approved: bool,
/// }
///
/// #[flow]
/// async fn release() -> flowkit::Result<bool> {
///     let answer = flowkit::pause_flow_run()
///         .wait_for_input::<Approval>()
///         .description("Shall version 2 go out?")
///         .timeout("2h")
///         .await?;
///     Ok(answer.approved)
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(Runtime::ephemeral().run(async {
/// let releasing = release().submit();
/// # while releasing.state().is_none_or(|state| state.name() != "Paused") { tokio::task::yield_now().await; }
/// let run = releasing.run().expect("it has begun").id();
/// flowkit::resume_flow_run(run).input(&Approval { approved: true }).await?;
/// assert!(releasing.await?);
/// # Ok::<_, flowkit::Error>(())
/// # })).expect("it succeeds");
/// ```
pub fn pause_flow_run() -> PauseCall {
    PauseCall(Asked::new(PauseKind::Pause))
}

/// Suspends the present flow run, which must be one of a deployment: the process lets go of it, and once somebody
/// resumes it the flow is run again from its start, where this call then returns at once.
///
/// The run is Suspended, and the body is dropped at this `.await`. What the flow did before is done again; tasks that
/// kept their results do not run again. The call of the flow fails with an error of kind
/// [`Suspended`](ErrorKind::Suspended), which [`run_existing`](crate::run_existing) takes for a good end. The
/// [`timeout`](PauseCall::timeout) is an hour by default: a run that is resumed later fails.
///
/// # Errors
/// An error of kind [`Refused`](ErrorKind::Refused) if the run is a subflow, or was not made from a deployment.
pub fn suspend_flow_run() -> PauseCall {
    PauseCall(Asked::new(PauseKind::Suspend))
}

#[derive(Debug)]
struct Asked {
    pause: Pause,
    /// The first option that could not be read.
    refused: Option<Error>,
}

impl Asked {
    fn new(kind: PauseKind) -> Self {
        let pause = Pause { kind, timeout: TIMEOUT, interval: INTERVAL, key: None, form: None };
        Self { pause, refused: None }
    }

    async fn go(self) -> Result<Option<Value>, Error> {
        match self.refused {
            None => pause(context::current(), self.pause).await,
            Some(error) => Err(error),
        }
    }
}

macro_rules! pause_options {
    () => {
        /// Sets how long to wait at most: `"2h"`, a `Duration`, or seconds. Default: an hour.
        pub fn timeout(mut self, timeout: impl IntoDuration) -> Self {
            match timeout.into_duration() {
                Ok(timeout) => self.0.pause.timeout = timeout,
                Err(error) => drop(self.0.refused.get_or_insert(error)),
            }
            self
        }

        /// Sets how long to wait before asking the server again whether the run is resumed. Default: ten seconds.
        ///
        /// Without a server nobody need be asked.
        pub fn poll_interval(mut self, interval: impl IntoDuration) -> Self {
            match interval.into_duration() {
                // To ask without a break would harm the server.
                Ok(interval) => self.0.pause.interval = interval.max(Duration::from_millis(100)),
                Err(error) => drop(self.0.refused.get_or_insert(error)),
            }
            self
        }

        /// Names the pause. Default: its number within the run, from 1.
        ///
        /// A pause of the same key happens once in a run, however often its body is started: after a retry, or once a
        /// suspended run is run again, it returns at once, with the input that was given the first time.
        pub fn key(mut self, key: impl Into<String>) -> Self {
            self.0.pause.key = Some(key.into());
            self
        }
    };
}

/// A pause that has not been asked for yet: what [`pause_flow_run`] and [`suspend_flow_run`] make.
///
/// # Errors
/// Awaiting it gives an error of kind [`NotResumed`](ErrorKind::NotResumed) if nobody resumed the run in time, and of
/// kind [`Refused`](ErrorKind::Refused) in the body of a task, outside of any flow, or if the server says so.
///
/// # Cancel safety
/// Dropping the future of the `.await` ends the waiting; the run stays Paused until it ends.
#[must_use = "a pause does nothing until it is awaited"]
#[derive(Debug)]
pub struct PauseCall(Asked);

impl PauseCall {
    pause_options!();

    /// Waits for input: whoever resumes the run must give a `T`, in a form that the UI makes of its JSON schema.
    ///
    /// A `T` that is not an object, such as a number, is the one field `value` of the form.
    pub fn wait_for_input<T: DeserializeOwned + JsonSchema>(mut self) -> PauseForInput<T> {
        self.0.pause.form = Some(input_form::form::<T>());
        PauseForInput(self.0, PhantomData)
    }
}

impl IntoFuture for PauseCall {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.0.go().await.map(drop) })
    }
}

/// A pause that waits for a `T`.
///
/// # Errors
/// Awaiting it gives the errors of a [`PauseCall`], and one of kind [`Input`](ErrorKind::Input) if the run was resumed
/// without input or with something that cannot be read.
#[must_use = "a pause does nothing until it is awaited"]
pub struct PauseForInput<T>(Asked, PhantomData<fn() -> T>);

impl<T: DeserializeOwned + JsonSchema> PauseForInput<T> {
    pause_options!();

    /// Tells people what they are asked for; Markdown.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        if let Some(form) = &mut self.0.pause.form {
            form.description = Some(text.into());
        }
        self
    }

    /// Fills in some fields, which need not be given then: an object such as `json!({"amount": 3})`.
    pub fn with_initial_data(mut self, data: impl Serialize) -> Self {
        match (serde_json::to_value(data), &mut self.0.pause.form) {
            (Ok(Value::Object(fields)), Some(form)) => input_form::fill(form, fields),
            (other, _) => {
                let what = other.map_or_else(|error| error.to_string(), |value| format!("it is `{value}`"));
                let why = format!("the initial data of an input must be an object of its fields: {what}");
                self.0.refused.get_or_insert(Error::new(ErrorKind::Definition, why));
            }
        }
        self
    }
}

impl<T: DeserializeOwned + JsonSchema + 'static> IntoFuture for PauseForInput<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let form = self.0.pause.form.clone();
            let given = self.0.go().await?.unwrap_or_else(|| Value::Object(Map::new()));
            let given = form.map_or_else(|| given.clone(), |form| form.complete(given.clone()));
            input_form::read(given).map_err(|why| {
                Error::new(ErrorKind::Input, format!("what the flow run was resumed with does not fit: {why}"))
            })
        })
    }
}

impl<T> fmt::Debug for PauseForInput<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PauseForInput").field(&self.0).finish()
    }
}
