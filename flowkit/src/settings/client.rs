//! Settings of requests to a server.

use std::time::Duration;

use super::read::Source;
use crate::error::Error;

/// How requests are made.
#[derive(Clone, Debug)]
pub(crate) struct ClientSettings {
    /// The addresses that begin so are Prefect Cloud.
    pub(crate) cloud_url: String,
    /// How long one attempt may take.
    pub(crate) timeout: Duration,
    pub(crate) csrf: bool,
    pub(crate) check_version: bool,
    pub(crate) headers: Vec<(String, String)>,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            cloud_url: "https://api.prefect.cloud/api".to_owned(),
            timeout: Duration::from_secs(60),
            csrf: true,
            check_version: true,
            headers: Vec::new(),
        }
    }
}

impl ClientSettings {
    pub(super) fn read(source: &Source<'_>) -> Result<Self, Error> {
        let default = Self::default();
        Ok(Self {
            cloud_url: source.text("PREFECT_CLOUD_API_URL").unwrap_or(default.cloud_url),
            timeout: source.limit("PREFECT_API_REQUEST_TIMEOUT")?.unwrap_or(default.timeout),
            csrf: source.flag("PREFECT_CLIENT_CSRF_SUPPORT_ENABLED")?.unwrap_or(default.csrf),
            check_version: source.flag("PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED")?.unwrap_or(default.check_version),
            headers: source.headers("PREFECT_CLIENT_CUSTOM_HEADERS")?,
        })
    }
}
