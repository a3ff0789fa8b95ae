//! The address of a Prefect API, checked once so that later steps cannot fail on it.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::error::{Error, ErrorKind};

const ACCEPTED: &str = "expected something like http://127.0.0.1:4200/api or \
     https://api.prefect.cloud/api/accounts/<account>/workspaces/<workspace>";
const CLOUD_HOST: &str = "api.prefect.cloud";

/// Holds the base address of a Prefect API (`PREFECT_API_URL`): an `http` or `https` URL with a host.
///
/// Trailing slashes are dropped. A path without `/api` is left as it is, since a reverse proxy may add it. A user
/// name or password inside the URL, a query and a fragment are refused.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiUrl(Url);

impl ApiUrl {
    /// Tells whether the host is `api.prefect.cloud`.
    pub fn is_cloud(&self) -> bool {
        self.0.host_str() == Some(CLOUD_HOST)
    }

    /// Gives the address without a trailing slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// Appends an API path such as `/flows/`.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.as_str())
    }

    /// Gives the address of a websocket at an API path: `ws` for `http`, `wss` for `https`.
    pub(crate) fn socket(&self, path: &str) -> String {
        // The scheme is http or https by construction, so only the first four letters change.
        format!("ws{}", &self.join(path)["http".len()..])
    }
}

impl FromStr for ApiUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let invalid = |what: String| Error::new(ErrorKind::InvalidUrl, format!("invalid API URL: {what}; {ACCEPTED}"));
        if text.is_empty() {
            return Err(invalid("it is empty".into()));
        }
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => invalid(format!("`{text}` has no scheme")),
            url::ParseError::EmptyHost => invalid(format!("`{text}` has no host")),
            other => invalid(format!("`{text}` cannot be parsed ({other})")),
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid(format!(
                "`{text}` has the scheme `{}`, only http and https are supported",
                url.scheme()
            )));
        }
        // The rest is not echoed: it may contain the password.
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("it contains a user name or password; set PREFECT_API_AUTH_STRING instead".into()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid(format!("`{text}` has a query or a fragment")));
        }
        let authority = text.split_once("//").map_or("", |(_, rest)| rest);
        if authority.is_empty() || authority.starts_with(['/', ':']) {
            return Err(invalid(format!("`{text}` has no host")));
        }
        Ok(Self(url))
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_and_joins() {
        for (text, base, flows, socket) in [
            (
                "http://127.0.0.1:4200/api/",
                "http://127.0.0.1:4200/api",
                "http://127.0.0.1:4200/api/flows/",
                "ws://127.0.0.1:4200/api/events/in",
            ),
            (" https://h.example/ ", "https://h.example", "https://h.example/flows/", "wss://h.example/events/in"),
            (
                "http://localhost:4200/prefect//",
                "http://localhost:4200/prefect",
                "http://localhost:4200/prefect/flows/",
                "ws://localhost:4200/prefect/events/in",
            ),
        ] {
            let url: ApiUrl = text.parse().expect("valid");
            assert_eq!(url.as_str(), base);
            assert_eq!(url.join("/flows/"), flows);
            assert_eq!(url.socket("/events/in"), socket);
        }
    }

    #[test]
    fn says_what_is_wrong_and_what_is_accepted() {
        for (text, what) in [
            ("", "is empty"),
            ("127.0.0.1/api", "has no scheme"),
            ("localhost:4200/api", "has the scheme `localhost`"),
            ("ftp://h/api", "has the scheme `ftp`"),
            ("http://", "has no host"),
            ("http:///api", "has no host"),
            ("http://:4200/api", "has no host"),
            ("http://h:99999/api", "cannot be parsed"),
            ("not a url", "has no scheme"),
            ("http://u:p4ss@h/api", "PREFECT_API_AUTH_STRING"),
            ("http://h/api?x=1", "query"),
        ] {
            let error = text.parse::<ApiUrl>().expect_err(text);
            let shown = error.to_string();
            assert_eq!(error.kind(), ErrorKind::InvalidUrl);
            assert!(shown.contains(what) && shown.contains("expected something like"), "{text}: {shown}");
            assert!(!shown.contains("p4ss"), "{shown}");
        }
    }

    #[test]
    fn knows_cloud() {
        let cloud: ApiUrl = "https://api.prefect.cloud/api/accounts/a/workspaces/w".parse().expect("valid");
        assert!(cloud.is_cloud());
        assert!(!"https://api.prefect.cloud.evil/api".parse::<ApiUrl>().expect("valid").is_cloud());
    }
}
