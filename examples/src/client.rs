//! The HTTP client of the examples.
//!
//! A program of your own is as well served by `reqwest::Client::new()`. This one exists so that the
//! examples need neither cmake (for reqwest's default crypto provider) nor certificates on the
//! machine (for plain HTTP on the loopback interface), nor mind a proxy in the environment there.

use std::sync::Arc;

use reqwest::{Client, Url};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// Makes a client for the API at `base`.
///
/// # Errors
///
/// When TLS cannot be set up.
pub fn client(base: &str) -> anyhow::Result<Client> {
    let mut roots = RootCertStore::empty();
    if base.starts_with("https:") {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = Client::builder().tls_backend_preconfigured(tls);
    let builder = if is_loopback(base) { builder.no_proxy() } else { builder };
    Ok(builder.build()?)
}

fn is_loopback(base: &str) -> bool {
    let host = Url::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| host == "localhost" || host == "[::1]" || host.starts_with("127."))
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_this_machine_is_loopback() {
        for base in ["http://127.0.0.1:8080", "http://localhost/api", "http://[::1]:80"] {
            assert!(is_loopback(base), "{base}");
        }
        for base in ["http://192.0.2.1", "https://localhost.example", "nonsense"] {
            assert!(!is_loopback(base), "{base}");
        }
    }
}
