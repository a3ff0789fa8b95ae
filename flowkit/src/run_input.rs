//! Messages between flow runs that are under way (Prefect's `send_input` and `receive_input`).

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::ops::Deref;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, try_unfold};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::duration::IntoDuration;
use crate::engine::context;
use crate::engine::receive::{Receive, receive};
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::input_form;
use crate::interact::{Given, sender, sending_run};
use crate::runtime;

/// How long to wait for input: an hour, as in Prefect.
const TIMEOUT: Duration = Duration::from_secs(3600);

/// How long to wait before asking the server again: ten seconds, as in Prefect.
const INTERVAL: Duration = Duration::from_secs(10);

/// Sends something to a flow run that [receives](receive_input) values of its type.
///
/// Structs travel as they are, so that a flow in Python can receive them as a `RunInput` of the same name and fields;
/// what is not an object travels as Prefect's simple types do.
pub fn send_input<T: Serialize + JsonSchema>(value: &T, run: impl Into<FlowRunId>) -> SendInput {
    SendInput { value: input_form::write(value), prefix: input_form::key_prefix::<T>(), run: run.into() }
}

/// Something to be sent to a flow run.
///
/// # Errors
/// Awaiting it gives an error of kind [`Refused`](ErrorKind::Refused) if there is no such run, and of kind
/// [`Input`](ErrorKind::Input) if the value cannot be written as JSON.
#[must_use = "nothing is sent until this is awaited"]
pub struct SendInput {
    value: Result<Map<String, Value>, Error>,
    prefix: String,
    run: FlowRunId,
}

impl SendInput {
    /// Sets what its key begins with; the receiver must say the same. Default: made of the name of the type.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }
}

impl IntoFuture for SendInput {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (value, ports) = (Value::Object(self.value?), runtime::ports()?);
            let from = context::with(|context| context.flow_run().map(|run| sender(run.id))).flatten();
            let given = Given { key: format!("{}-{}", self.prefix, Uuid::new_v4()), value, sender: from };
            ports.backend.interact().give(self.run, given).await
        })
    }
}

impl fmt::Debug for SendInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendInput").field("run", &self.run).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Waits for something that is [sent](send_input) to the present flow run.
///
/// `.await` gives the next value; [`stream`](ReceiveInput::stream) gives one after the other. Each is received once by
/// the present attempt of the run, oldest first; what was sent before the run asked is not lost.
///
/// ```
/// use flowkit::{Runtime, prelude::*};
///
/// #[flow]
/// async fn doubler() -> flowkit::Result<u32> {
///     let number = flowkit::receive_input::<u32>().timeout("1m").await?;
///     Ok(*number * 2)
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(Runtime::ephemeral().run(async {
/// let doubling = doubler().submit();
/// # while doubling.state().is_none_or(|state| state.name() != "Running") { tokio::task::yield_now().await; }
/// let run = doubling.run().expect("it has begun").id();
/// flowkit::send_input(&21_u32, run).await?;
/// assert_eq!(doubling.await?, 42);
/// # Ok::<_, flowkit::Error>(())
/// # })).expect("it succeeds");
/// ```
pub fn receive_input<T: DeserializeOwned + JsonSchema>() -> ReceiveInput<T> {
    let what = Receive { prefix: input_form::key_prefix::<T>(), timeout: TIMEOUT, interval: INTERVAL };
    ReceiveInput { what, refused: None, of: PhantomData }
}

/// Something to be waited for by a flow run.
///
/// # Errors
/// Awaiting it gives an error of kind [`TimedOut`](ErrorKind::TimedOut) if nothing came in time, of kind
/// [`Input`](ErrorKind::Input) if what came is no `T`, and of kind [`Refused`](ErrorKind::Refused) outside of any flow.
///
/// # Cancel safety
/// Dropping the future of the `.await` loses nothing.
#[must_use = "nothing is received until this is awaited"]
pub struct ReceiveInput<T> {
    what: Receive,
    /// The first option that could not be read.
    refused: Option<Error>,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + JsonSchema> ReceiveInput<T> {
    /// Sets how long to wait for each value: `"2h"`, a `Duration`, or seconds. Default: an hour.
    pub fn timeout(mut self, timeout: impl IntoDuration) -> Self {
        match timeout.into_duration() {
            Ok(timeout) => self.what.timeout = timeout,
            Err(error) => drop(self.refused.get_or_insert(error)),
        }
        self
    }

    /// Sets how long to wait before asking the server again. Default: ten seconds.
    ///
    /// Without a server nobody need be asked.
    pub fn poll_interval(mut self, interval: impl IntoDuration) -> Self {
        match interval.into_duration() {
            // To ask without a break would harm the server.
            Ok(interval) => self.what.interval = interval.max(Duration::from_millis(100)),
            Err(error) => drop(self.refused.get_or_insert(error)),
        }
        self
    }

    /// Sets what the keys begin with; the sender must say the same. Default: made of the name of the type.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.what.prefix = prefix.into();
        self
    }

    async fn next(&self) -> Result<Option<Received<T>>, Error> {
        if let Some(error) = &self.refused {
            return Err(error.clone());
        }
        let Some(Given { key, value, sender }) = receive(context::current().as_ref(), &self.what).await? else {
            return Ok(None);
        };
        let value = input_form::read(value)
            .map_err(|why| Error::new(ErrorKind::Input, format!("what was received as `{key}` does not fit: {why}")))?;
        Ok(Some(Received { value, key, sender }))
    }
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> ReceiveInput<T> {
    /// Gives one value after the other, until none came within the timeout or one could not be read.
    pub fn stream(self) -> BoxStream<'static, Result<Received<T>, Error>> {
        try_unfold(self, |this| async move { Ok(this.next().await?.map(|received| (received, this))) }).boxed()
    }
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> IntoFuture for ReceiveInput<T> {
    type Output = Result<Received<T>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let none = || {
                let limit = self.what.timeout.as_secs_f64();
                Error::new(ErrorKind::TimedOut, format!("no input was received within {limit:?} second(s)"))
            };
            self.next().await?.ok_or_else(none)
        })
    }
}

impl<T> fmt::Debug for ReceiveInput<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveInput").field("what", &self.what).finish_non_exhaustive()
    }
}

/// What a flow run has received: the value, to which it dereferences, and who sent it.
#[derive(Clone, PartialEq, Debug)]
pub struct Received<T> {
    value: T,
    key: String,
    sender: Option<String>,
}

impl<T> Received<T> {
    /// Returns the value.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Returns the key under which it was sent.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns who sent it, in Prefect's words `prefect.flow-run.<id>`; `None` if it was not a flow run.
    #[must_use]
    pub fn sender(&self) -> Option<&str> {
        self.sender.as_deref()
    }

    /// Returns the flow run that sent it.
    #[must_use]
    pub fn sending_run(&self) -> Option<FlowRunId> {
        sending_run(self.sender()?)
    }

    /// Sends something back to the flow run that sent this.
    ///
    /// # Errors
    /// An error of kind [`Refused`](ErrorKind::Refused) if it was not sent by a flow run; else those of [`SendInput`].
    pub async fn respond<R: Serialize + JsonSchema>(&self, value: &R) -> Result<(), Error> {
        let sending = send_input(
            value,
            self.sending_run().ok_or_else(|| {
                let why = format!("`{}` cannot be responded to: it was not sent by a flow run", self.key);
                Error::new(ErrorKind::Refused, why)
            })?,
        );
        sending.await
    }
}

impl<T> Deref for Received<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
