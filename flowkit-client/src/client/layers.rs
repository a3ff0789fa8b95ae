//! From the outside in: deadline and version check, CSRF, retries, redirects, one exchange.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use chrono::Utc;
use reqwest::header::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout_at};

use super::Client;
use super::csrf::Pass;
use super::redirect::{MAX_REDIRECTS, follow};
use super::transport::{Call, Fault, FaultKind, Reply};
use crate::api::admin;
use crate::error::{Error, ErrorKind, root_cause};
use crate::proxy;
use crate::refusal;
use crate::request::{Method, Request};
use crate::retry::{Outcome, Retry, decide, retry_after};
use crate::tls;
use crate::version::ServerVersion;

/// These answer without credentials and are what one asks to find out about a server, so nothing precedes them.
const OPEN: [&str; 2] = ["/health", "/ready"];

/// Holds a request after its type is no longer needed.
pub(super) struct Outgoing {
    method: Method,
    path: String,
    target: String,
    body: Option<Bytes>,
}

impl Outgoing {
    pub(super) fn new<R: DeserializeOwned>(request: &Request<R>) -> Result<Self, Error> {
        Ok(Self {
            method: request.method(),
            path: request.path().to_owned(),
            target: request.target(),
            body: request.payload()?,
        })
    }
}

impl Client {
    /// Gives the successful reply to a request, within the deadline if there is one.
    pub(super) async fn answer(&self, out: &Outgoing) -> Result<Reply, Error> {
        let until = self.deadline.map(|limit| Instant::now() + limit);
        let work = async {
            if !OPEN.contains(&out.path.as_str()) {
                self.checked_version(until).await?;
            }
            self.protected(out, until).await
        };
        match until {
            None => work.await,
            Some(until) => timeout_at(until, work).await.unwrap_or_else(|_| {
                Err(Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "{} did not answer within the deadline of {:?}",
                        self.api_url(),
                        self.deadline.unwrap_or_default()
                    ),
                )
                .with_request(out.method, &out.path))
            }),
        }
    }

    async fn checked_version(&self, until: Option<Instant>) -> Result<(), Error> {
        if self.shared.config.check_version && !self.shared.config.is_cloud() {
            self.known_version(until).await?;
        }
        Ok(())
    }

    /// Asks for the server's version, once for all clones.
    pub(super) async fn known_version(&self, until: Option<Instant>) -> Result<&ServerVersion, Error> {
        let ask = || async {
            let request = admin::version();
            let reported = match self.retried(&Outgoing::new(&request)?, None, until).await {
                Ok(reply) => request.decode(reply.status, &reply.body),
                Err(error) => Err(error),
            };
            match reported {
                Ok(version) => ServerVersion::check(&version),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Decode) => Err(Error::new(
                    ErrorKind::Protocol,
                    format!(
                        "{} does not look like a prefect api ({error}); PREFECT_API_URL usually ends in /api",
                        self.api_url()
                    ),
                )),
                Err(error) => Err(error),
            }
        };
        self.shared.version.get_or_try_init(ask).await
    }

    /// Adds the CSRF token once the server has asked for one, and a new one when it refuses that.
    async fn protected(&self, out: &Outgoing, until: Option<Instant>) -> Result<Reply, Error> {
        if !out.method.changes() {
            return self.retried(out, None, until).await;
        }
        let fetch = |client| async move {
            let request = admin::csrf_token(client);
            let reply = self.retried(&Outgoing::new(&request)?, None, until).await?;
            request.decode(reply.status, &reply.body)
        };
        let pass = self.shared.csrf.pass(fetch).await?;
        let result = self.retried(out, pass.as_ref(), until).await;
        let about_token = |error: &Error| error.status() == Some(403) && error.message().contains("CSRF token");
        if result.as_ref().err().is_some_and(about_token) && self.shared.csrf.refused(pass.as_ref()).await {
            let pass = self.shared.csrf.pass(fetch).await?;
            return self.retried(out, pass.as_ref(), until).await;
        }
        result
    }

    /// Repeats an exchange as the policy says. Gives up early when the next attempt would be past the deadline.
    async fn retried(&self, out: &Outgoing, pass: Option<&Pass>, until: Option<Instant>) -> Result<Reply, Error> {
        let mut attempt = 1;
        loop {
            self.calm(out, until).await?;
            let (error, outcome) = match self.redirected(self.call(out, pass)).await {
                Ok(reply) if reply.is_success() => return Ok(reply),
                Ok(reply) => self.refused(&reply, &out.path),
                Err(fault) => self.failed(fault),
            };
            let after = decide(&self.retry, attempt, outcome, fastrand::f64());
            match after {
                Retry::After(delay) if until.is_none_or(|until| Instant::now() + delay < until) => {
                    sleep(delay).await;
                }
                Retry::After(_) | Retry::Stop => {
                    return Err(error.with_request(out.method, &out.path));
                }
            }
            attempt += u32::from(!matches!(outcome, Outcome::Status { maintenance: true, .. }));
        }
    }

    /// Waits until a pause is over that the server has asked for; not if that is past the deadline.
    async fn calm(&self, out: &Outgoing, until: Option<Instant>) -> Result<(), Error> {
        let Some(asked) = self.shared.calm.until() else { return Ok(()) };
        if until.is_some_and(|until| asked >= until) {
            let left = asked - Instant::now();
            let what = format!("{} has asked for a pause, which lasts another {left:.1?}", self.api_url());
            let error = Error::new(ErrorKind::RateLimited, what).with_retry_after(Some(left));
            return Err(error.with_request(out.method, &out.path));
        }
        tokio::time::sleep_until(asked).await;
        Ok(())
    }

    async fn redirected(&self, mut call: Call) -> Result<Reply, Fault> {
        for _ in 0..MAX_REDIRECTS {
            let reply = self.shared.transport.call(call.clone()).await?;
            self.shared.reached.store(true, Ordering::Relaxed);
            match follow(&call, &reply) {
                Some(next) => call = next,
                None => return Ok(reply),
            }
        }
        self.shared.transport.call(call).await
    }

    fn call(&self, out: &Outgoing, pass: Option<&Pass>) -> Call {
        let mut headers = self.headers();
        if let Some(Pass { token, client }) = pass {
            for (name, value) in [("prefect-csrf-token", token), ("prefect-csrf-client", client)] {
                // A token that cannot be a header is one the server would not accept either; it answers 403.
                if let Ok(mut value) = HeaderValue::from_str(value) {
                    value.set_sensitive(true);
                    headers.insert(name, value);
                }
            }
        }
        Call {
            method: out.method,
            url: self.api_url().join(&out.target),
            headers,
            body: out.body.clone(),
            timeout: self.shared.config.timeout,
        }
    }

    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = self.shared.headers.clone();
        headers.extend(self.attribution.clone());
        headers
    }

    fn refused(&self, reply: &Reply, path: &str) -> (Error, Outcome) {
        let asked = reply.header("retry-after").and_then(|value| retry_after(value, Utc::now()));
        let maintenance = reply.header("prefect-maintenance").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if let (429, Some(pause)) = (reply.status, asked) {
            self.shared.calm.asked(pause);
        }
        let config = &self.shared.config;
        let mut error = refusal::error(reply.status, &reply.body, &config.auth, asked);
        if let Some(meant) = refusal::of_cloud(reply.status, path).filter(|_| config.is_cloud()) {
            error = error.meaning(meant);
        }
        (error, Outcome::Status { code: reply.status, retry_after: asked, maintenance })
    }

    fn failed(&self, fault: Fault) -> (Error, Outcome) {
        let url = self.api_url();
        let why = root_cause(&*fault.source);
        let through =
            proxy::between(url.as_str()).map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
        let tls = tls::trouble(&*fault.source).and_then(tls::advice);
        let (kind, what, outcome) = match fault.kind {
            FaultKind::Unreachable => {
                let reached_before = self.shared.reached.load(Ordering::Relaxed);
                let advice = tls.unwrap_or("is the server running, and is PREFECT_API_URL right?");
                let what = format!("cannot connect to {url}{through} ({why}); {advice}");
                (ErrorKind::Connect, what, Outcome::Unreachable { reached_before })
            }
            FaultKind::Broken => {
                let advice = if why.contains("invalid HTTP version") {
                    "; it does not answer with HTTP: is it https:// and not http://?"
                } else {
                    ""
                };
                let what = format!("the connection to {url}{through} broke ({why}){advice}");
                (ErrorKind::Connect, what, Outcome::Broken)
            }
            FaultKind::Slow => {
                let what = format!("{url}{through} did not answer within {:?}", self.shared.config.timeout);
                (ErrorKind::Timeout, what, Outcome::Broken)
            }
        };
        // The innermost cause is told; what is between would say the same once more.
        (Error::new(kind, what), outcome)
    }
}
