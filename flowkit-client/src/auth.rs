//! How a request proves who sends it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Names the credentials of a client. The default is none.
///
/// Prefect gives the basic-auth string precedence when both it and an API key are set; [`Auth::from_settings`]
/// does the same. Credentials never appear in `Debug` output.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Auth {
    /// Sends no credentials: a self-hosted server without `PREFECT_SERVER_API_AUTH_STRING`.
    #[default]
    None,
    /// Sends `Authorization: Bearer <key>`: Prefect Cloud (`PREFECT_API_KEY`).
    ApiKey(String),
    /// Sends `Authorization: Basic <base64 of the string>`: a self-hosted server (`PREFECT_API_AUTH_STRING`,
    /// usually `user:password`).
    Basic(String),
}

impl Auth {
    /// Chooses between the two settings as Prefect does: a basic-auth string wins over an API key, and an empty
    /// value counts as not set.
    pub fn from_settings(api_key: Option<&str>, auth_string: Option<&str>) -> Self {
        match (filled(auth_string), filled(api_key)) {
            (Some(auth), _) => Self::Basic(auth.to_owned()),
            (None, Some(key)) => Self::ApiKey(key.to_owned()),
            (None, None) => Self::None,
        }
    }

    /// Gives the value of the `Authorization` header, if there is one.
    pub(crate) fn header(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::ApiKey(key) => Some(format!("Bearer {key}")),
            Self::Basic(auth) => Some(format!("Basic {}", STANDARD.encode(auth))),
        }
    }

    /// Gives the token of the authentication frame that opens a `prefect` websocket.
    pub(crate) fn token(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::ApiKey(secret) | Self::Basic(secret) => Some(secret),
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::ApiKey(_) => f.write_str("ApiKey(********)"),
            Self::Basic(_) => f.write_str("Basic(********)"),
        }
    }
}

fn filled(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_wins_and_empty_counts_as_unset() {
        for (key, auth, expect) in [
            (None, None, Auth::None),
            (Some("k"), None, Auth::ApiKey("k".into())),
            (Some("k"), Some("u:p"), Auth::Basic("u:p".into())),
            (Some("k"), Some("  "), Auth::ApiKey("k".into())),
            (Some(""), None, Auth::None),
        ] {
            assert_eq!(Auth::from_settings(key, auth), expect);
        }
    }

    #[test]
    fn headers_are_what_the_server_expects() {
        assert_eq!(Auth::ApiKey("k".into()).header().as_deref(), Some("Bearer k"));
        assert_eq!(Auth::Basic("admin:pass".into()).header().as_deref(), Some("Basic YWRtaW46cGFzcw=="));
    }

    #[test]
    fn debug_hides_the_secret() {
        let shown = format!("{:?} {:?}", Auth::ApiKey("s3cret".into()), Auth::Basic("s3cret".into()));
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
