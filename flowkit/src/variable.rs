//! Named JSON values that programs share (Prefect's variables): settings that people change without a new release, marks
//! that one run leaves for the next.
//!
//! ```
//! use flowkit::{prelude::*, variable};
//!
//! #[task]
//! async fn load() -> flowkit::Result<u32> {
//!     let size = variable::get_or("batch-size", 100).await?;
//!     variable::set("last-size", &size).overwrite(true).await?;
//!     Ok(size)
//! }
//!
//! # tokio::runtime::Runtime::new().expect("a runtime").block_on(flowkit::Runtime::ephemeral().run(async {
//! variable::set("batch-size", &250).tags(["etl"]).await?;
//! assert_eq!(load().await?, 250);
//! assert_eq!(variable::get::<u32>("last-size").await?, 250);
//! # Ok::<_, flowkit::Error>(())
//! # })).expect("it succeeds");
//! ```
//!
//! With a Prefect server they are the server's, shared with Python and the UI. With a file (`FLOWKIT_DB`) they are in the
//! file, and later processes have them. With neither they are in this process, and end with it.
//!
//! All of it works outside of runs as well. Code that is not `async`, such as the body of a `#[task] fn`, writes
//! `.blocking()` instead of `.await`:
//!
//! ```
//! # use flowkit::{prelude::*, variable};
//! #[task]
//! fn size_of_batches() -> flowkit::Result<u32> {
//!     variable::get("batch-size").blocking()
//! }
//! ```

use std::any::type_name;
use std::fmt;
use std::future::IntoFuture;

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::blocking;
use crate::error::{Error, ErrorKind};
use crate::runtime;
use crate::secret;
use crate::variables::{self, Existing, NewVariable};

pub use crate::variables::Variable;

/// Reads the value of a variable as a `T`.
pub fn get<T>(name: impl Into<String>) -> GetVariable<T> {
    GetVariable { name: name.into(), missing: None }
}

/// Reads the value of a variable as a `T`; gives `default` if there is no such variable. One that holds something else
/// than a `T` is an error all the same.
///
/// `get_or("name", None)` gives an `Option`.
pub fn get_or<T>(name: impl Into<String>, default: T) -> GetVariable<T> {
    GetVariable { name: name.into(), missing: Some(default) }
}

/// Sets a variable that must not be there yet, unless [`overwrite`](SetVariable::overwrite) says otherwise.
pub fn set<T: Serialize + ?Sized>(name: impl Into<String>, value: &T) -> SetVariable {
    let name = name.into();
    let value = variables::check_name(&name).and_then(|()| written(&name, value));
    SetVariable { name, value, tags: Vec::new(), existing: Existing::Refused }
}

/// Removes a variable, if it is there.
pub fn unset(name: impl Into<String>) -> UnsetVariable {
    UnsetVariable { name: name.into() }
}

/// Reads a variable whole: its value as JSON, its tags, when it was set.
pub fn read(name: impl Into<String>) -> ReadVariable {
    ReadVariable { name: name.into() }
}

/// A variable whose value is to be read.
///
/// # Errors
/// Awaiting it gives an error of kind [`NotFound`](ErrorKind::NotFound) if there is no such variable and no default, of
/// kind [`WrongType`](ErrorKind::WrongType) if its value is no `T`, of kind [`Input`](ErrorKind::Input) if no variable can
/// have this name, and of kind [`Backend`](ErrorKind::Backend) if the server does not answer.
#[must_use = "nothing is read until this is awaited"]
pub struct GetVariable<T> {
    name: String,
    missing: Option<T>,
}

impl<T: DeserializeOwned + Send + 'static> GetVariable<T> {
    /// Waits for the value on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<T, Error> {
        blocking::wait(self.into_future())
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for GetVariable<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            match (find(&self.name).await?, self.missing) {
                (Some(variable), _) => value_of(variable),
                (None, Some(default)) => Ok(default),
                (None, None) => Err(missing(&self.name)),
            }
        })
    }
}

/// A variable that is to be set.
///
/// # Errors
/// Awaiting it gives an error of kind [`AlreadyExists`](ErrorKind::AlreadyExists) if there is such a variable and it is not
/// to be overwritten, of kind [`Input`](ErrorKind::Input) for a name with other characters than `a-z0-9-_` or more than
/// 255 of them, for a value of more than 5000 bytes of JSON, and for one that holds a [`Secret`](crate::Secret), and of
/// kind [`Backend`](ErrorKind::Backend) if the server does not answer.
#[must_use = "nothing is set until this is awaited"]
pub struct SetVariable {
    name: String,
    value: Result<Value, Error>,
    tags: Vec<String>,
    existing: Existing,
}

impl SetVariable {
    /// Says whether a variable of that name is replaced, with its tags. Default: no.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.existing = if overwrite { Existing::Replaced } else { Existing::Refused };
        self
    }

    /// Adds tags.
    pub fn tags<S: Into<String>>(mut self, tags: impl IntoIterator<Item = S>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Waits until it is set on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<(), Error> {
        blocking::wait(self.into_future())
    }
}

impl IntoFuture for SetVariable {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { name, value, tags, existing } = self;
            let new = NewVariable { name, value: value?, tags, existing };
            runtime::ports()?.backend.variables().set_variable(new).await
        })
    }
}

/// A variable that is to be removed. Awaiting it tells whether there was one.
///
/// # Errors
/// Awaiting it gives an error of kind [`Input`](ErrorKind::Input) if no variable can have this name, and of kind
/// [`Backend`](ErrorKind::Backend) if the server does not answer.
#[derive(Debug)]
#[must_use = "nothing is removed until this is awaited"]
pub struct UnsetVariable {
    name: String,
}

impl UnsetVariable {
    /// Waits until it is gone on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<bool, Error> {
        blocking::wait(self.into_future())
    }
}

impl IntoFuture for UnsetVariable {
    type Output = Result<bool, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            variables::check_name(&self.name)?;
            runtime::ports()?.backend.variables().unset_variable(self.name).await
        })
    }
}

/// A variable that is to be read whole.
///
/// # Errors
/// Those of [`GetVariable`] but for the type of the value.
#[derive(Debug)]
#[must_use = "nothing is read until this is awaited"]
pub struct ReadVariable {
    name: String,
}

impl ReadVariable {
    /// Waits for it on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<Variable, Error> {
        blocking::wait(self.into_future())
    }
}

impl IntoFuture for ReadVariable {
    type Output = Result<Variable, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { find(&self.name).await?.ok_or_else(|| missing(&self.name)) })
    }
}

impl<T> fmt::Debug for GetVariable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetVariable").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for SetVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetVariable").field("name", &self.name).field("tags", &self.tags).finish_non_exhaustive()
    }
}

async fn find(name: &str) -> Result<Option<Variable>, Error> {
    variables::check_name(name)?;
    runtime::ports()?.backend.variables().variable(name.to_owned()).await
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no variable `{name}`"))
}

/// Writes a value as it is kept.
fn written<T: Serialize + ?Sized>(name: &str, value: &T) -> Result<Value, Error> {
    let refuse = |why: &str| Error::new(ErrorKind::Input, format!("the value of variable `{name}` {why}"));
    let value = secret::none_in(|| serde_json::to_value(value))
        .map_err(|_| refuse("holds a Secret, of which only the mask could be read back"))?
        .map_err(|error| refuse("cannot be written as JSON").with_source(error))?;
    variables::check_value(name, &value)?;
    Ok(value)
}

/// Reads what is kept as what was asked for.
fn value_of<T: DeserializeOwned>(variable: Variable) -> Result<T, Error> {
    let Variable { name, value, .. } = variable;
    let what = match &value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    serde_path_to_error::deserialize(value).map_err(|error| {
        let why = format!("variable `{name}` holds {what}, which is no `{}`: {error}", type_name::<T>());
        Error::new(ErrorKind::WrongType, why)
    })
}
