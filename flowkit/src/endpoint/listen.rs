//! The port, and the connections to it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::answer::answer;
use super::guard::{Guard, Token};
use super::program::Program;
use super::reply::{Outcome, Reply};
use super::route::{Route, route};
use super::socket;
use crate::clock;
use crate::error::{Error, ErrorKind};

/// How many connections there are at most; more have to wait.
const CONNECTIONS: usize = 512;

/// The longest body that is read.
const LONGEST: usize = 4 * 1024 * 1024;

/// How long somebody may take to ask, and to think of the next question: a place is held meanwhile, and nobody has shown
/// a token yet.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where an endpoint is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// Reads `host:port`; port 0 is any that is free. `named_by` is who says so.
    pub(crate) fn parse(text: &str, named_by: &str) -> Result<Self, Error> {
        let parts = text.trim().rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let host = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_owned();
        match parts {
            Some((name, port)) if !name.is_empty() => Ok(Self { host: host(name), port }),
            _ => {
                let why = format!(
                    "the endpoint that {named_by} names is `{text}`, and must be an address with a port, such as 127.0.0.1:4200"
                );
                Err(Error::new(ErrorKind::Settings, why))
            }
        }
    }
}

/// An endpoint with a port of its own.
pub(crate) struct Endpoint {
    listener: TcpListener,
    at: SocketAddr,
    shared: Arc<Shared>,
}

/// What all connections know.
pub(super) struct Shared {
    pub(super) guard: Guard,
    pub(super) program: Arc<dyn Program>,
    /// Ends websockets.
    pub(super) stop: CancellationToken,
}

impl Endpoint {
    /// Opens the port.
    ///
    /// # Errors
    /// It cannot be opened, or others than this machine could reach it without a token.
    pub(crate) async fn open(
        address: &Address,
        token: Option<Token>,
        program: Arc<dyn Program>,
    ) -> Result<Self, Error> {
        let Address { host, port } = address;
        let failed = |error: std::io::Error| {
            let why = format!("cannot open the endpoint at {host}:{port}");
            Error::new(ErrorKind::Settings, why).with_source(error)
        };
        let addresses: Vec<SocketAddr> = lookup_host((host.as_str(), *port)).await.map_err(failed)?.collect();
        if token.is_none() && !addresses.iter().all(|address| address.ip().is_loopback()) {
            let why = format!(
                "the endpoint at {host}:{port} could be reached from other machines by anybody: set a token, by \
                 `.endpoint_token(..)`, FLOWKIT_ENDPOINT_TOKEN or PREFECT_SERVER_API_AUTH_STRING, or bind it to 127.0.0.1"
            );
            return Err(Error::new(ErrorKind::Settings, why));
        }
        let listener = TcpListener::bind(&addresses[..]).await.map_err(failed)?;
        let at = listener.local_addr().map_err(failed)?;
        let shared = Shared { guard: Guard { token }, program, stop: CancellationToken::new() };
        Ok(Self { listener, at, shared: Arc::new(shared) })
    }

    /// What `PREFECT_API_URL` is to be for those who ask.
    pub(crate) fn api_url(&self) -> String {
        format!("http://{}/api", self.at)
    }

    /// Answers until it is dropped.
    pub(crate) async fn answer(self) {
        let _stop = self.shared.stop.clone().drop_guard();
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        // Nobody closes the places.
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&self.shared), Arc::new(place)));
                }
                // As when there are too many open files.
                Err(_) => clock::sleep(Duration::from_millis(100)).await,
            }
            while connections.try_join_next().is_some() {}
        }
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>, place: Arc<OwnedSemaphorePermit>) {
    let service = service_fn(move |question| {
        let (shared, place) = (Arc::clone(&shared), Arc::clone(&place));
        async move { Ok::<_, Infallible>(exchange(question, &shared, place).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // Whoever hangs up or talks nonsense is not heard any more, and nobody else need know.
    let _ = connection.await;
}

async fn exchange(
    question: Request<Incoming>,
    shared: &Arc<Shared>,
    place: Arc<OwnedSemaphorePermit>,
) -> Response<Full<Bytes>> {
    let outcome = match let_in(&question, &shared.guard) {
        Err(refused) => Err(refused),
        Ok(Route::Listen(stream)) => match socket::upgrade(question, stream, shared, place) {
            Ok(response) => return response,
            Err(refused) => Err(refused),
        },
        Ok(route) => respond(question, route, shared).await,
    };
    let (Ok(reply) | Err(reply)) = outcome;
    response(reply)
}

/// Tells what is asked, if whoever asks may.
fn let_in(question: &Request<Incoming>, guard: &Guard) -> Result<Route, Reply> {
    guard.is_no_page(question.headers())?;
    let route = route(question.method(), question.uri().path());
    match &route {
        Ok(route) if route.is_open() => {}
        // They show it in a header or in their first frame.
        Ok(Route::Listen(_)) => {}
        _ => guard.shows_token(question.headers())?,
    }
    route
}

async fn respond(question: Request<Incoming>, route: Route, shared: &Shared) -> Outcome {
    let query = question.uri().query().map(ToOwned::to_owned);
    let too_long =
        || Reply::exception(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {LONGEST} bytes"));
    if question.body().size_hint().lower() > LONGEST as u64 {
        return Err(too_long());
    }
    let body = Limited::new(question.into_body(), LONGEST).collect();
    let body = match clock::within(PATIENCE, body).await {
        Some(Ok(body)) => body.to_bytes(),
        Some(Err(error)) if error.is::<LengthLimitError>() => return Err(too_long()),
        Some(Err(_)) => return Err(Reply::exception(StatusCode::BAD_REQUEST, "the body ends early")),
        None => return Err(Reply::exception(StatusCode::REQUEST_TIMEOUT, "the body takes too long")),
    };
    answer(&*shared.program, route, query.as_deref(), &body).await
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let bytes = reply.body.as_ref().and_then(|body| serde_json::to_vec(body).ok()).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(bytes)));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    if reply.body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(method) = reply.allow {
        headers.insert(ALLOW, HeaderValue::from_static(method));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        let parse = |text: &str| Address::parse(text, "FLOWKIT_ENDPOINT");
        let is = |host: &str, port| Ok::<_, String>(Address { host: host.to_owned(), port });
        assert_eq!(parse("127.0.0.1:4200").map_err(|error| error.to_string()), is("127.0.0.1", 4200));
        assert_eq!(parse(" localhost:0 ").map_err(|error| error.to_string()), is("localhost", 0));
        assert_eq!(parse("[::1]:80").map_err(|error| error.to_string()), is("::1", 80));
        for wrong in ["", "4200", ":4200", "127.0.0.1", "host:port", "127.0.0.1:70000"] {
            let error = parse(wrong).expect_err(wrong).to_string();
            assert!(error.contains("FLOWKIT_ENDPOINT") && error.contains("such as 127.0.0.1:4200"), "{error}");
        }
    }
}
