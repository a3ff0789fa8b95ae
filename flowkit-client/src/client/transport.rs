//! One HTTP exchange. The layers above know only this trait, so they are tested without a network.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use reqwest::header::HeaderMap;

use crate::error::{Error, ErrorKind};
use crate::request::Method;

/// Holds everything about one exchange.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) timeout: Duration,
}

/// Holds what came back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Tells why nothing came back.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) source: Box<dyn StdError + Send + Sync>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// No connection was made.
    Unreachable,
    /// The connection was made and lost.
    Broken,
    /// The answer took too long.
    Slow,
}

pub(crate) trait Transport: Send + Sync {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Fault>>;
}

/// Talks HTTP through a pool of connections.
pub(crate) struct Http(reqwest::Client);

impl Http {
    pub(crate) fn new(tls: rustls::ClientConfig) -> Result<Self, Error> {
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            // Redirects are followed one layer up, where they keep method and body.
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(8)
            .pool_idle_timeout(Duration::from_secs(25))
            .build()
            .map(Self)
            .map_err(|error| Error::new(ErrorKind::Tls, "the http client cannot be set up").with_source(error))
    }
}

impl Transport for Http {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Fault>> {
        Box::pin(async move {
            let mut request =
                self.0.request(method(call.method), &call.url).headers(call.headers).timeout(call.timeout);
            if let Some(body) = call.body {
                request = request.header("content-type", "application/json").body(body);
            }
            let response = request.send().await.map_err(fault)?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = response.bytes().await.map_err(fault)?;
            Ok(Reply { status, headers, body })
        })
    }
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn fault(error: reqwest::Error) -> Fault {
    // A timeout while connecting is both; that no connection was made is the more useful fact.
    let kind = if error.is_connect() {
        FaultKind::Unreachable
    } else if error.is_timeout() {
        FaultKind::Slow
    } else {
        FaultKind::Broken
    };
    Fault { kind, source: Box::new(error.without_url()) }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}
