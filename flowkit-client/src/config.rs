//! What a client is told before its first request.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::api_url::ApiUrl;
use crate::auth::Auth;
use crate::error::{Error, ErrorKind};
use crate::retry::RetryPolicy;

/// The `User-Agent` of every request. The server parses it: an unknown agent is treated as an old client.
pub const USER_AGENT: &str = "prefect/3.8.8 (API 0.8.4)";
/// The `X-PREFECT-API-VERSION` of every request.
pub const API_VERSION: &str = "0.8.4";
/// The Prefect version whose API this crate speaks.
pub const PREFECT_VERSION: &str = "3.8.8";

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// Says which TLS certificates are trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Those the system trusts, or those that the environment variable `SSL_CERT_FILE` names.
    #[default]
    System,
    /// Those in a PEM file only (`PREFECT_API_SSL_CERT_FILE`).
    File(PathBuf),
    /// Any certificate (`PREFECT_API_TLS_INSECURE_SKIP_VERIFY`): for test set-ups only.
    Anything,
}

/// Describes which API a [`Client`](crate::Client) talks to, and how.
///
/// ```
/// use std::time::Duration;
/// use flowkit_client::{Auth, Config};
///
/// # fn main() -> Result<(), flowkit_client::Error> {
/// let config = Config::new("http://127.0.0.1:4200/api")?
///     .auth(Auth::Basic("admin:pass".into()))
///     .timeout(Duration::from_secs(20));
/// assert!(!config.is_cloud());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Config {
    pub(crate) api_url: ApiUrl,
    pub(crate) auth: Auth,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) csrf: bool,
    pub(crate) check_version: bool,
    pub(crate) trust: Trust,
    pub(crate) known_good: bool,
    cloud: Option<bool>,
}

impl Config {
    /// Starts from the address of an API (`PREFECT_API_URL`) and the defaults of Prefect's settings.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidUrl`] when the text is not an absolute `http` or `https` URL with a host.
    pub fn new(api_url: &str) -> Result<Self, Error> {
        Ok(Self {
            api_url: api_url.parse()?,
            auth: Auth::None,
            headers: HeaderMap::new(),
            timeout: DEFAULT_TIMEOUT,
            retry: RetryPolicy::default(),
            csrf: true,
            check_version: true,
            trust: Trust::System,
            known_good: false,
            cloud: None,
        })
    }

    /// Sets the credentials. Default: [`Auth::None`].
    #[must_use]
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Adds a header to every HTTP request and websocket upgrade (`PREFECT_CLIENT_CUSTOM_HEADERS`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidHeader`] when the name or the value cannot be a header, or when the name is one of those
    /// the client sets itself (`User-Agent`, `Prefect-Csrf-Token`, `Prefect-Csrf-Client`).
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let (name, value) = header(name, value)?;
        if RESERVED.contains(&name.as_str()) {
            return Err(Error::new(
                ErrorKind::InvalidHeader,
                format!("the header `{name}` is set by the client itself and cannot be replaced"),
            ));
        }
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Sets how long one attempt of a request may take (`PREFECT_API_REQUEST_TIMEOUT`). Default: 60 seconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets which failures are tried again, and how often. Default: five retries, see [`RetryPolicy`].
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Says whether the API is Prefect Cloud, whatever its host. Default: decided by the host.
    #[must_use]
    pub fn cloud(mut self, cloud: bool) -> Self {
        self.cloud = Some(cloud);
        self
    }

    /// Sets whether CSRF tokens are asked for (`PREFECT_CLIENT_CSRF_SUPPORT_ENABLED`). Default: yes; never on Cloud.
    #[must_use]
    pub fn csrf(mut self, enabled: bool) -> Self {
        self.csrf = enabled;
        self
    }

    /// Sets whether the server's version is checked before the first request. Default: yes; never on Cloud.
    #[must_use]
    pub fn check_version(mut self, enabled: bool) -> Self {
        self.check_version = enabled;
        self
    }

    /// Sets which TLS certificates are trusted. Default: those of the system.
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Says that the address is known to be right, since somebody else has reached the server there: connections that
    /// cannot be made are retried from the first request on. Default: only after this client has reached the server.
    #[must_use]
    pub fn known_good(mut self, known: bool) -> Self {
        self.known_good = known;
        self
    }

    /// Tells whether the API is Prefect Cloud: by the host `api.prefect.cloud`, or as said with [`Config::cloud`].
    pub fn is_cloud(&self) -> bool {
        self.cloud.unwrap_or_else(|| self.api_url.is_cloud())
    }

    /// Gives the address of the API.
    pub fn api_url(&self) -> &ApiUrl {
        &self.api_url
    }
}

const RESERVED: [&str; 3] = ["user-agent", "prefect-csrf-token", "prefect-csrf-client"];

/// Checks a header's name and value; the value is never repeated in an error, it may be a secret.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let invalid = |what: String| Error::new(ErrorKind::InvalidHeader, what);
    let parsed =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(format!("`{name}` is not a valid header name")))?;
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| invalid(format!("the value of the header `{name}` has characters a header cannot carry")))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("api_url", &self.api_url)
            .field("auth", &self.auth)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .field("csrf", &self.csrf)
            .field("check_version", &self.check_version)
            .field("trust", &self.trust)
            .field("cloud", &self.is_cloud())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() -> Result<(), Error> {
        let config = Config::new("http://h/api")?.auth(Auth::ApiKey("s3cret".into())).header("X-Token", "s3cret")?;
        let shown = format!("{config:?}");
        assert!(shown.contains("x-token") && !shown.contains("s3cret"), "{shown}");
        Ok(())
    }

    #[test]
    fn bad_headers_are_refused_without_their_value() {
        for (name, value) in [("a b", "s3cret"), ("ok", "s3cret\n"), ("User-Agent", "s3cret")] {
            let error = Config::new("http://h/api").and_then(|c| c.header(name, value)).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::InvalidHeader);
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn cloud_is_a_host_or_a_flag() -> Result<(), Error> {
        assert!(Config::new("https://api.prefect.cloud/api")?.is_cloud());
        assert!(Config::new("http://127.0.0.1:1/api")?.cloud(true).is_cloud());
        assert!(!Config::new("https://api.prefect.cloud/api")?.cloud(false).is_cloud());
        Ok(())
    }
}
