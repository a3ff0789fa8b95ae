//! A request as plain data: nothing here touches the network.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny};

use crate::error::{Error, ErrorKind};

/// Names an HTTP method the API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, filters, or proposes.
    Post,
    /// Replaces.
    Put,
    /// Changes some fields.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// Tells whether the method may change something, which is what CSRF tokens protect.
    pub(crate) fn changes(self) -> bool {
        self != Self::Get
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        })
    }
}

/// Describes a request whose answer is an `R`; [`Client::send`](crate::Client::send) sends it.
///
/// The functions in [`api`](crate::api) build the ones this crate knows. For any other, say what the API's schema
/// says:
///
/// ```
/// use flowkit_client::{Method, Request};
///
/// let variable: Request<serde_json::Value> = Request::new(Method::Get, "/variables/name/answer");
/// ```
pub struct Request<R> {
    method: Method,
    path: String,
    query: Vec<(Cow<'static, str>, String)>,
    body: Body,
    answer: PhantomData<fn() -> R>,
}

#[derive(Clone)]
enum Body {
    Empty,
    Json(Bytes),
    Invalid(String),
}

impl<R: DeserializeOwned> Request<R> {
    /// Starts a request. The path begins with a slash and is relative to the API's address; trailing slashes matter
    /// to the server.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), body: Body::Empty, answer: PhantomData }
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Sets the JSON body. A value that cannot be written as JSON makes sending fail with [`ErrorKind::Encode`].
    #[must_use]
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        self.body = match serde_json::to_vec(body) {
            Ok(bytes) => Body::Json(bytes.into()),
            Err(error) => Body::Invalid(error.to_string()),
        };
        self
    }

    /// Sets a body that is JSON already.
    pub(crate) fn raw_json(mut self, body: Bytes) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// Gives the method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Gives the path, without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Gives the JSON body, if there is one.
    pub fn body(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Json(bytes) => Some(bytes),
            Body::Empty | Body::Invalid(_) => None,
        }
    }

    pub(crate) fn payload(&self) -> Result<Option<Bytes>, Error> {
        match &self.body {
            Body::Empty => Ok(None),
            Body::Json(bytes) => Ok(Some(bytes.clone())),
            Body::Invalid(why) => Err(Error::new(ErrorKind::Encode, format!("the body is not valid JSON: {why}"))
                .with_request(self.method, &self.path)),
        }
    }

    /// Gives path and query as they follow the API's address.
    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.query.iter().map(|(name, value)| (name.as_ref(), value)))
            .finish();
        format!("{}?{query}", self.path)
    }

    /// Reads an answer. An empty body stands for `null`.
    pub(crate) fn decode(&self, status: u16, body: &[u8]) -> Result<R, Error> {
        let body: &[u8] = if body.is_empty() { b"null" } else { body };
        serde_json::from_slice(body).map_err(|error| {
            Error::new(ErrorKind::Decode, format!("the answer could not be understood: {error}"))
                .with_request(self.method, &self.path)
                .with_status(status)
                .with_source(error)
        })
    }
}

impl<R> Clone for Request<R> {
    fn clone(&self) -> Self {
        Self {
            method: self.method,
            path: self.path.clone(),
            query: self.query.clone(),
            body: self.body.clone(),
            answer: PhantomData,
        }
    }
}

impl<R> fmt::Debug for Request<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body is left out: it may carry parameters with secrets.
        write!(f, "Request({} {})", self.method, self.path)
    }
}

/// Stands for an answer whose content does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// Writes one segment of a path, so that a name with a slash, a space or a `%` stays one segment.
pub(crate) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(HEX[usize::from(byte >> 4)].into());
                out.push(HEX[usize::from(byte & 15)].into());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_encoded() {
        let request: Request<Ignored> = Request::new(Method::Get, "/csrf-token").query("client", "a b&c");
        assert_eq!(request.target(), "/csrf-token?client=a+b%26c");
        assert_eq!(segment("my flow/ü"), "my%20flow%2F%C3%BC");
    }

    #[test]
    fn an_empty_answer_is_null() {
        let request: Request<Option<u8>> = Request::new(Method::Get, "/x");
        assert_eq!(request.decode(204, b"").ok(), Some(None));
        let ignored: Request<Ignored> = Request::new(Method::Get, "/x");
        assert!(ignored.decode(201, br#"{"any":[1]}"#).is_ok());
    }

    #[test]
    fn a_wrong_answer_names_the_request() {
        let request: Request<u8> = Request::new(Method::Post, "/x/count");
        let error = request.decode(200, b"<html>").expect_err("not json");
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.to_string().starts_with("POST /x/count: 200 the answer could not"), "{error}");
    }
}
