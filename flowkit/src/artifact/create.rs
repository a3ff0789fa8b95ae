//! Artifacts that are made at once and stay as they are.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::Value;

use crate::artifacts::{Artifact, ArtifactKind, NewArtifact, check_key};
use crate::blocking;
use crate::engine::context::{self, Ports};
use crate::error::{Error, ErrorKind};
use crate::redact::{redact, redact_json};
use crate::runtime;

/// An artifact that is to be made. Awaiting it gives the [`Artifact`].
///
/// # Errors
/// Awaiting it gives an error of kind [`Input`](ErrorKind::Input) for a key with other characters than `a-z0-9-`, and for a
/// table that is none, and of kind [`Backend`](ErrorKind::Backend) if the server does not answer.
#[must_use = "nothing is made until this is awaited"]
pub struct CreateArtifact {
    kind: ArtifactKind,
    data: Result<Value, Error>,
    key: Option<String>,
    description: Option<String>,
}

impl CreateArtifact {
    pub(super) fn new(kind: ArtifactKind, data: Result<Value, Error>) -> Self {
        Self { kind, data, key: None, description: None }
    }

    pub(super) fn hold(&mut self, data: Result<Value, Error>) {
        self.data = data;
    }

    /// Sets the key that it shares with later versions of the same thing: lowercase letters, digits and dashes.
    /// Default: none.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets what people are told about it, Markdown. Default: nothing.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Waits until it is made on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<Artifact, Error> {
        blocking::wait(self.into_future())
    }

    /// Makes it, as the run at hand.
    pub(super) async fn make(self) -> Result<(Artifact, Arc<Ports>), Error> {
        let mut data = self.data?;
        redact_json(&mut data);
        if let Some(key) = &self.key {
            if redact(key.clone()) != *key {
                return Err(Error::new(ErrorKind::Input, "the key of an artifact holds a secret"));
            }
            check_key(key)?;
        }
        let ports = runtime::ports()?;
        let (flow_run, task_run) =
            context::with(|context| (context.flow_run().map(|run| run.id), context.task.as_ref().map(|run| run.id)))
                .unwrap_or_default();
        let description = self.description.map(redact);
        let new = NewArtifact { key: self.key, kind: self.kind, description, data, flow_run, task_run };
        Ok((ports.backend.artifacts().create_artifact(new).await?, ports))
    }
}

impl IntoFuture for CreateArtifact {
    type Output = Result<Artifact, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.make().await?.0) })
    }
}

impl fmt::Debug for CreateArtifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateArtifact").field("kind", &self.kind).field("key", &self.key).finish_non_exhaustive()
    }
}

/// A link that is to be shown. Awaiting it gives the [`Artifact`].
///
/// # Errors
/// Those of [`CreateArtifact`].
#[derive(Debug)]
#[must_use = "nothing is made until this is awaited"]
pub struct LinkArtifact {
    url: String,
    text: Option<String>,
    create: CreateArtifact,
}

impl LinkArtifact {
    pub(super) fn new(url: String) -> Self {
        Self { url, text: None, create: CreateArtifact::new(ArtifactKind::Markdown, Ok(Value::Null)) }
    }

    /// Sets what the link reads as. Default: the address.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Sets the key that it shares with later versions of the same thing: lowercase letters, digits and dashes.
    /// Default: none.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.create = self.create.key(key);
        self
    }

    /// Sets what people are told about it, Markdown. Default: nothing.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.create = self.create.description(text);
        self
    }

    /// Waits until it is made on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<Artifact, Error> {
        blocking::wait(self.into_future())
    }
}

impl IntoFuture for LinkArtifact {
    type Output = Result<Artifact, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(mut self) -> Self::IntoFuture {
        let text = self.text.as_ref().unwrap_or(&self.url);
        self.create.hold(Ok(Value::String(format!("[{text}]({})", self.url))));
        self.create.into_future()
    }
}
