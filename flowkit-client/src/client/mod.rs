//! The client: credentials, CSRF, version check and retries around one HTTP exchange.

mod attribution;
mod blocks;
mod calm;
mod csrf;
mod layers;
mod limits;
mod methods;
mod redirect;
mod transport;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

pub use attribution::Attribution;
use calm::Calm;
use csrf::Csrf;
use layers::Outgoing;
use transport::{Http, Transport};

use crate::api_url::ApiUrl;
use crate::config::{API_VERSION, Config, USER_AGENT, header};
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::retry::RetryPolicy;
use crate::tls;
use crate::version::ServerVersion;

/// Sends requests to a Prefect API.
///
/// Clones are cheap and share connections, the CSRF token and what is known about the server. Sending needs a tokio
/// runtime with I/O and time enabled; any flavour will do.
///
/// ```no_run
/// use flowkit_client::{Client, Config, model::FlowCreate};
///
/// # async fn example() -> Result<(), flowkit_client::Error> {
/// let client = Client::new(Config::new("http://127.0.0.1:4200/api")?)?;
/// let flow = client.create_flow(&FlowCreate::new("etl")).await?;
/// println!("{} is {}", flow.name, flow.id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    attribution: HeaderMap,
    deadline: Option<Duration>,
    retry: RetryPolicy,
}

struct Shared {
    config: Config,
    /// The headers of every request, and the part of them that proves who we are.
    headers: HeaderMap,
    tls: Arc<rustls::ClientConfig>,
    transport: Box<dyn Transport>,
    csrf: Csrf,
    version: OnceCell<ServerVersion>,
    reached: AtomicBool,
    calm: Calm,
}

impl Client {
    /// Prepares a client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidHeader`] when the credentials cannot be sent in a header, [`ErrorKind::Tls`] when TLS cannot
    /// be set up.
    pub fn new(config: Config) -> Result<Self, Error> {
        let tls = tls::config(&config.trust)?;
        let transport = Box::new(Http::new(tls.clone())?);
        Self::over(config, tls, transport)
    }

    fn over(config: Config, tls: rustls::ClientConfig, transport: Box<dyn Transport>) -> Result<Self, Error> {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", HeaderValue::from_static(USER_AGENT));
        headers.insert("x-prefect-api-version", HeaderValue::from_static(API_VERSION));
        if let Some(value) = config.auth.header() {
            headers.insert(AUTHORIZATION, header("authorization", &value)?.1);
        }
        headers.extend(config.headers.clone());
        let retry = config.retry.clone();
        let csrf = Csrf::new(config.csrf && !config.is_cloud());
        let reached = AtomicBool::new(config.known_good);
        let tls = Arc::new(tls);
        let shared =
            Shared { config, headers, tls, transport, csrf, version: OnceCell::new(), reached, calm: Calm::default() };
        Ok(Self { shared: Arc::new(shared), attribution: HeaderMap::new(), deadline: None, retry })
    }

    /// Bounds every request sent through the returned clone, retries and waiting included. A caller that is about to
    /// exit uses this. Default: no bound but the number of retries.
    #[must_use]
    pub fn with_deadline(&self, limit: Duration) -> Self {
        Self { deadline: Some(limit), ..self.clone() }
    }

    /// Replaces the retry policy for requests sent through the returned clone. Default: the one of the [`Config`].
    #[must_use]
    pub fn with_retry(&self, retry: RetryPolicy) -> Self {
        Self { retry, ..self.clone() }
    }

    /// Names on whose behalf requests are sent through the returned clone.
    #[must_use]
    pub fn with_attribution(&self, attribution: &Attribution) -> Self {
        Self { attribution: attribution.headers(), ..self.clone() }
    }

    /// Sends a request and reads the answer.
    ///
    /// Before the first request, the server's version is checked (not on Cloud).
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`]. Failures that may pass have been retried as [`RetryPolicy`](crate::RetryPolicy) says.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the server may or may not have done what was asked.
    pub async fn send<R: DeserializeOwned>(&self, request: Request<R>) -> Result<R, Error> {
        let outgoing = Outgoing::new(&request)?;
        let reply = self.answer(&outgoing).await?;
        request.decode(reply.status, &reply.body)
    }

    /// Sends a request and reads the answer; an object that does not exist (404) is `None`.
    ///
    /// # Errors
    ///
    /// As [`Client::send`], but for [`ErrorKind::NotFound`].
    pub async fn send_opt<R: DeserializeOwned>(&self, request: Request<R>) -> Result<Option<R>, Error> {
        match self.send(request).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives the address of the API.
    pub fn api_url(&self) -> &ApiUrl {
        self.shared.config.api_url()
    }

    /// Gives what the client was told.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    pub(crate) fn tls(&self) -> Arc<rustls::ClientConfig> {
        Arc::clone(&self.shared.tls)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("config", &self.shared.config)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
