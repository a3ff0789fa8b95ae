//! Who may ask: those who know the token or, without one, those on this machine that are no web page.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::reply::Reply;

/// What those who ask have to know. It is kept as hashes, which are compared in constant time.
#[derive(Clone)]
pub(crate) struct Token {
    plain: [u8; 32],
    basic: [u8; 32],
}

impl Token {
    /// Makes it from its text: an API key, or `user:password`.
    pub(crate) fn new(text: &str) -> Self {
        Self { plain: hash(text), basic: hash(&STANDARD.encode(text)) }
    }

    fn is(&self, given: &str) -> bool {
        self.plain.ct_eq(&hash(given)).into()
    }

    /// Judges the value of an `Authorization` header: `Bearer` with the text, or `Basic` with the text in base64.
    fn authorizes(&self, header: &str) -> bool {
        let Some((scheme, given)) = header.trim().split_once(' ') else { return false };
        let expected = if scheme.eq_ignore_ascii_case("bearer") {
            &self.plain
        } else if scheme.eq_ignore_ascii_case("basic") {
            &self.basic
        } else {
            return false;
        };
        expected.ct_eq(&hash(given.trim())).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(********)")
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Lets questions in, or not.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) token: Option<Token>,
}

impl Guard {
    /// Refuses what a web page in a browser on this machine could have been made to send.
    ///
    /// Browsers tell the page by `Origin` in whatever could change something here; a page whose own host name points to
    /// this machine (DNS rebinding) shows by `Host`. Nothing here is made for pages, so that none of them is let in.
    pub(super) fn is_no_page(&self, headers: &HeaderMap) -> Result<(), Reply> {
        if headers.contains_key(ORIGIN) {
            let why = "Forbidden: web pages cannot use this endpoint";
            return Err(Reply::detail(StatusCode::FORBIDDEN, why));
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if self.token.is_none() && !is_loopback(host) {
            let why = format!("Forbidden: without a token, this endpoint answers to localhost only, not to `{host}`");
            return Err(Reply::detail(StatusCode::FORBIDDEN, why));
        }
        Ok(())
    }

    /// Refuses those who do not show the token.
    pub(super) fn shows_token(&self, headers: &HeaderMap) -> Result<(), Reply> {
        let Some(token) = &self.token else { return Ok(()) };
        let shown = headers.get(AUTHORIZATION).and_then(|shown| shown.to_str().ok());
        match shown {
            Some(shown) if token.authorizes(shown) => Ok(()),
            _ => Err(Reply::exception(StatusCode::UNAUTHORIZED, "Unauthorized")),
        }
    }

    /// Judges the token in the first frame of a websocket.
    pub(super) fn accepts(&self, token: Option<&str>) -> bool {
        self.token.as_ref().is_none_or(|expected| token.is_some_and(|token| expected.is(token)))
    }
}

/// Tells whether the host of a `Host` header, which may have a port, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn the_token_is_shown_as_prefects_clients_show_theirs() {
        let guard = Guard { token: Some(Token::new("admin:pass")) };
        let shows = |value: &str| guard.shows_token(&headers(&[("authorization", value)])).is_ok();
        assert!(shows("Bearer admin:pass"));
        assert!(shows("Basic YWRtaW46cGFzcw=="));
        assert!(shows("basic YWRtaW46cGFzcw=="));
        for wrong in ["Bearer admin", "Bearer ", "Basic admin:pass", "admin:pass", "", "Bearer admin:passs", "Digest x"]
        {
            assert!(!shows(wrong), "{wrong}");
        }
        assert_eq!(guard.shows_token(&HeaderMap::new()).map_err(|reply| reply.status), Err(StatusCode::UNAUTHORIZED));
        assert!(guard.accepts(Some("admin:pass")) && !guard.accepts(None) && !guard.accepts(Some("x")));
        assert_eq!(format!("{guard:?}"), "Guard { token: Some(Token(********)) }");
    }

    #[test]
    fn without_a_token_only_this_machine_may_ask_and_no_page() {
        let open = Guard { token: None };
        for host in ["localhost", "LOCALHOST:4200", "127.0.0.1:4200", "127.9.9.9", "[::1]:4200"] {
            assert!(open.is_no_page(&headers(&[("host", host)])).is_ok(), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:4200", "10.0.0.1", "", "[::2]:1"]
        {
            assert!(open.is_no_page(&headers(&[("host", host)])).is_err(), "{host}");
        }
        assert!(open.is_no_page(&headers(&[("host", "localhost"), ("origin", "null")])).is_err());
        assert!(open.shows_token(&HeaderMap::new()).is_ok());
        let closed = Guard { token: Some(Token::new("t")) };
        assert!(closed.is_no_page(&headers(&[("host", "runs.example")])).is_ok());
    }
}
