//! The server itself.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use crate::request::{Ignored, Method, Request};

/// Asks for the server's version, such as `3.8.8`.
pub fn version() -> Request<String> {
    Request::new(Method::Get, "/admin/version")
}

/// Asks whether the server is up. Needs no credentials.
pub fn health() -> Request<Ignored> {
    Request::new(Method::Get, "/health")
}

/// Asks for a CSRF token for a client, an id that the client makes up.
pub fn csrf_token(client: Uuid) -> Request<CsrfToken> {
    Request::new(Method::Get, "/csrf-token").query("client", client.to_string())
}

/// Holds a token to be sent with requests that change something.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct CsrfToken {
    /// The token.
    pub token: String,
    /// When it stops to be valid.
    pub expiration: DateTime<Utc>,
}

impl std::fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CsrfToken").field("expiration", &self.expiration).finish_non_exhaustive()
    }
}
