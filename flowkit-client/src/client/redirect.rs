//! Where a redirect leads. Pure.

use reqwest::header::{AUTHORIZATION, HeaderMap};
use url::Url;

use super::transport::{Call, Reply};
use crate::request::Method;

/// How many redirects are followed.
pub(crate) const MAX_REDIRECTS: usize = 5;

/// Gives the call that follows a redirect, or nothing if the reply is not one.
///
/// Method and body are kept (but for 303, which asks for a GET): a server redirects a path without its trailing
/// slash, and a proxy from http to https. Headers that prove who we are stay with the origin they were meant for.
pub(crate) fn follow(call: &Call, reply: &Reply) -> Option<Call> {
    if !matches!(reply.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let from = Url::parse(&call.url).ok()?;
    let to = from.join(reply.header("location")?).ok()?;
    let mut next = Call { url: to.to_string(), ..call.clone() };
    if reply.status == 303 {
        next.method = Method::Get;
        next.body = None;
    }
    if !keeps_secrets(&from, &to) {
        next.headers = harmless(&call.headers);
    }
    Some(next)
}

fn keeps_secrets(from: &Url, to: &Url) -> bool {
    let upgrade = from.scheme() == "http"
        && to.scheme() == "https"
        && from.host() == to.host()
        && (from.port().is_none() && to.port().is_none());
    from.origin() == to.origin() || upgrade
}

/// Keeps the headers without a secret: values that came from settings and tokens are marked as sensitive.
fn harmless(headers: &HeaderMap) -> HeaderMap {
    let plain = headers.iter().filter(|(name, value)| *name != AUTHORIZATION && !value.is_sensitive());
    plain.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use reqwest::header::HeaderValue;
    use std::time::Duration;

    fn redirected(status: u16, from: &str, to: &'static str) -> Option<Call> {
        let mut secret = HeaderValue::from_static("s3cret");
        secret.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, secret),
            (reqwest::header::USER_AGENT, HeaderValue::from_static("us")),
        ]);
        let call = Call {
            method: Method::Post,
            url: from.into(),
            headers,
            body: Some(Bytes::from_static(b"{}")),
            timeout: Duration::ZERO,
        };
        let headers = HeaderMap::from_iter([(reqwest::header::LOCATION, HeaderValue::from_static(to))]);
        follow(&call, &Reply { status, headers, body: Bytes::new() })
    }

    #[test]
    fn keeps_method_and_body_and_guards_secrets() {
        for (status, from, to, url, secret) in [
            (307, "http://h/api/flows", "http://h/api/flows/", "http://h/api/flows/", true),
            (308, "http://h/api/flows", "/api/flows/", "http://h/api/flows/", true),
            (301, "http://h/api/flows/", "https://h/api/flows/", "https://h/api/flows/", true),
            (302, "http://h/api/flows/", "http://evil/api/flows/", "http://evil/api/flows/", false),
            (307, "https://h/a", "http://h/a", "http://h/a", false),
            (307, "http://h:4200/a", "http://h:4201/a", "http://h:4201/a", false),
        ] {
            let next = redirected(status, from, to).expect("a redirect");
            assert_eq!((next.method, next.url.as_str()), (Method::Post, url));
            assert!(next.body.is_some());
            assert_eq!(next.headers.contains_key(AUTHORIZATION), secret, "{to}");
            assert!(next.headers.contains_key("user-agent"));
        }
        let see_other = redirected(303, "http://h/a", "/b").expect("a redirect");
        assert_eq!((see_other.method, see_other.body), (Method::Get, None));
        assert!(redirected(200, "http://h/a", "/b").is_none());
        assert!(redirected(304, "http://h/a", "/b").is_none());
    }
}
