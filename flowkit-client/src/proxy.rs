//! Connections for websockets, through a proxy if the environment names one.
//!
//! HTTP finds its proxies by the same rules, in `reqwest`: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::Url;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::error::{Error, ErrorKind, root_cause};

fn proxy(url: &str) -> Option<Intercept> {
    Matcher::from_system().intercept(&url.parse().ok()?)
}

/// Tells which proxy stands between, without its credentials.
pub(crate) fn between(url: &str) -> Option<String> {
    proxy(url).map(|proxy| proxy.uri().to_string().trim_end_matches('/').to_owned())
}

/// Connects to where an `http` or `https` URL points.
pub(crate) async fn connect(url: &str) -> Result<TcpStream, Error> {
    let unusable = || Error::new(ErrorKind::InvalidUrl, format!("`{url}` has no host to connect to"));
    let parsed = Url::parse(url).map_err(|_| unusable())?;
    let (Some(host), Some(port)) = (parsed.host_str(), parsed.port_or_known_default()) else {
        return Err(unusable());
    };
    let to = format!("{host}:{port}");
    let stream = match proxy(url) {
        None => {
            let failed = |error| Error::new(ErrorKind::Connect, format!("cannot connect to {to} ({error})"));
            TcpStream::connect(&to).await.map_err(failed)?
        }
        Some(proxy) => {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), HttpConnector::new());
            if let Some(credentials) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(credentials.clone());
            }
            let target = format!("{}://{to}", parsed.scheme()).parse().map_err(|_| unusable())?;
            let failed = |error: &(dyn std::error::Error + 'static)| {
                let why = root_cause(error);
                let what = format!("cannot connect to {to} through the proxy {} ({why})", proxy.uri());
                Error::new(ErrorKind::Connect, what)
            };
            tunnel.call(target).await.map_err(|error| failed(&error))?.into_inner()
        }
    };
    // It is as good as without.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}
