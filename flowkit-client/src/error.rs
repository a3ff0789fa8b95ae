//! What can go wrong between a program and the API.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::request::Method;

type Source = Box<dyn StdError + Send + Sync>;

/// Tells what kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The address of the API is not usable.
    InvalidUrl,
    /// A header's name or value is not usable.
    InvalidHeader,
    /// TLS cannot be set up, for instance because a certificate file cannot be read.
    Tls,
    /// A request body cannot be written as JSON.
    Encode,
    /// No connection could be made, or it broke and retries did not help.
    Connect,
    /// An attempt took longer than the timeout, or all attempts together longer than the deadline.
    Timeout,
    /// The credentials are missing or wrong (401).
    Unauthorized,
    /// The credentials do not allow this (403).
    Forbidden,
    /// There is no such object (404).
    NotFound,
    /// The object exists or is in another state (409).
    Conflict,
    /// The server refused the content of the request (400, 422), or this crate did before sending it.
    Validation,
    /// The server asks to slow down (429) and retries did not help.
    RateLimited,
    /// All slots of a concurrency limit are taken (423).
    Locked,
    /// The server failed (5xx).
    Server,
    /// The server's major version is not the one this crate speaks.
    IncompatibleServer,
    /// The answer is not the JSON it should be.
    Decode,
    /// The server broke the protocol in another way.
    Protocol,
    /// The channel, or the runtime it lives on, is closed.
    Closed,
}

/// Names a field of a request that the server refused, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldError {
    /// The path of the field, such as `state.type`; empty when the server named none.
    pub field: String,
    /// The server's words.
    pub message: String,
}

/// Describes a failed request.
///
/// `Display` gives method, path, status and the server's message in one line; [`Error::source`](StdError::source)
/// the cause below, if there is one. Neither ever contains credentials.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    request: Option<(Method, String)>,
    status: Option<u16>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    source: Option<Source>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            request: None,
            status: None,
            fields: Vec::new(),
            retry_after: None,
            source: None,
        }))
    }

    pub(crate) fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_request(mut self, method: Method, path: &str) -> Self {
        self.0.request = Some((method, path.to_owned()));
        self
    }

    /// Adds what the server's words mean.
    pub(crate) fn meaning(mut self, meant: &str) -> Self {
        let said = self.0.message.split(": ").next().unwrap_or_default().to_lowercase();
        self.0.message = format!("{said}: {meant}");
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.0.fields = fields;
        self
    }

    pub(crate) fn with_retry_after(mut self, delay: Option<Duration>) -> Self {
        self.0.retry_after = delay;
        self
    }

    /// Tells what kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Gives the HTTP status, if the server answered.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Gives the message without method, path and status: the server's words if it answered.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Lists the fields the server refused; empty unless this is a validation failure.
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// Gives the delay the server asked for, as it does with a full concurrency limit (423).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Tells whether no connection could be made or kept.
    pub fn is_connect(&self) -> bool {
        self.kind() == ErrorKind::Connect
    }

    /// Tells whether a timeout or deadline passed.
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Tells whether there is no such object.
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// Tells whether the object exists already or is in another state.
    pub fn is_conflict(&self) -> bool {
        self.kind() == ErrorKind::Conflict
    }

    /// Tells whether the content of the request was refused.
    pub fn is_validation(&self) -> bool {
        self.kind() == ErrorKind::Validation
    }

    /// Tells whether a concurrency limit is full.
    pub fn is_locked(&self) -> bool {
        self.kind() == ErrorKind::Locked
    }

    /// Tells whether the credentials are missing, wrong or not sufficient.
    pub fn is_auth(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unauthorized | ErrorKind::Forbidden)
    }

    /// Tells whether the same request may succeed later: nothing is wrong with it or with the set-up.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::RateLimited | ErrorKind::Locked | ErrorKind::Server
        )
    }
}

/// Gives the innermost cause of an error, which is the one that tells something: `Connection refused`, and not
/// `client error`.
pub(crate) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some((method, path)) = &inner.request {
            write!(f, "{method} {path}: ")?;
        }
        if let Some(status) = inner.status {
            write!(f, "{status} ")?;
        }
        f.write_str(&inner.message)?;
        for (at, FieldError { field, message }) in inner.fields.iter().enumerate() {
            f.write_str(if at == 0 { ": " } else { ", " })?;
            match field.as_str() {
                "" => f.write_str(message)?,
                field => write!(f, "{field}: {message}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.to_string())
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_send_sync_and_small() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn display_reads_as_one_line() {
        let error = Error::new(ErrorKind::Validation, "invalid request received")
            .with_request(Method::Post, "/flows/")
            .with_status(422)
            .with_fields(vec![
                FieldError { field: "name".into(), message: "field required".into() },
                FieldError { field: String::new(), message: "and more".into() },
            ]);
        assert_eq!(error.to_string(), "POST /flows/: 422 invalid request received: name: field required, and more");
    }
}
