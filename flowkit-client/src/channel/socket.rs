//! The websocket: how it is opened, and what may be sent and come in.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error as WsError, Message, Utf8Bytes};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use crate::client::Client;
use crate::error::{Error, ErrorKind, root_cause};
use crate::proxy;
use crate::tls;

/// What a websocket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    EventsIn,
    EventsOut,
    ScheduledTaskRuns,
}

impl Endpoint {
    fn path(self) -> &'static str {
        match self {
            Self::EventsIn => "/events/in",
            Self::EventsOut => "/events/out",
            Self::ScheduledTaskRuns => "/task_runs/subscriptions/scheduled",
        }
    }

    /// Whether a frame with the token is asked for. Cloud takes events without it.
    fn authenticates(self, client: &Client) -> bool {
        self != Self::EventsIn || !client.config().is_cloud()
    }
}

/// Holds an open and authenticated websocket.
pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    write_limit: Duration,
    /// When something came in last.
    heard: Instant,
}

/// Says what came in.
pub(super) enum Incoming {
    /// The answer to the ping that covered everything up to this number.
    Confirmed(u64),
    /// Something without a meaning for us.
    Other,
}

impl Socket {
    /// Connects and authenticates. A self-hosted server speaks the `prefect` subprotocol: a ping is answered, then a
    /// frame with the token. Cloud wants only the header where it takes events.
    pub(super) async fn open(
        client: &Client,
        endpoint: Endpoint,
        limit: Duration,
        write_limit: Duration,
    ) -> Result<Self, Error> {
        let opened = async {
            let mut socket = Self { stream: connect(client, endpoint).await?, write_limit, heard: Instant::now() };
            if endpoint.authenticates(client) {
                socket.authenticate(client).await?;
            }
            Ok(socket)
        };
        timeout(limit, opened).await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Timeout, format!("the websocket was not open after {limit:?}")))
        })
    }

    async fn authenticate(&mut self, client: &Client) -> Result<(), Error> {
        self.ping(0).await?;
        while !matches!(self.incoming().await?, Incoming::Confirmed(0)) {}
        let frame = json!({ "type": "auth", "token": client.config().auth.token() });
        self.stream.send(Message::text(frame.to_string())).await.map_err(lost)?;
        loop {
            if let Message::Text(text) = self.message().await? {
                let kind = serde_json::from_str::<Value>(&text).ok();
                return match kind.as_ref().and_then(|frame| frame["type"].as_str()) {
                    Some("auth_success") => Ok(()),
                    _ => Err(Error::new(
                        ErrorKind::Unauthorized,
                        "the server did not accept the websocket's credentials",
                    )),
                };
            }
        }
    }

    /// Sends frames. Not cancel safe.
    pub(super) async fn write(&mut self, frames: Vec<Utf8Bytes>) -> Result<(), Error> {
        let stream = &mut self.stream;
        bounded(self.write_limit, async {
            for frame in frames {
                stream.feed(Message::Text(frame)).await?;
            }
            stream.flush().await
        })
        .await
    }

    /// Asks for a confirmation of everything up to a number. Not cancel safe.
    pub(super) async fn ping(&mut self, through: u64) -> Result<(), Error> {
        let message = Message::Ping(Bytes::copy_from_slice(&through.to_be_bytes()));
        bounded(self.write_limit, self.stream.send(message)).await
    }

    /// Waits for the server. Cancel safe.
    pub(super) async fn incoming(&mut self) -> Result<Incoming, Error> {
        Ok(match self.message().await? {
            Message::Pong(payload) => match <[u8; 8]>::try_from(payload.as_ref()) {
                Ok(through) => Incoming::Confirmed(u64::from_be_bytes(through)),
                Err(_) => Incoming::Other,
            },
            _ => Incoming::Other,
        })
    }

    /// Waits for the next frame with text. Cancel safe.
    pub(super) async fn text(&mut self) -> Result<Utf8Bytes, Error> {
        loop {
            if let Message::Text(text) = self.message().await? {
                return Ok(text);
            }
        }
    }

    /// Tells for how long nothing has come in, not even a sign of life.
    pub(super) fn silence(&self) -> Duration {
        self.heard.elapsed()
    }

    /// Says goodbye. The server's answer is not waited for: everything is confirmed by then.
    pub(super) async fn close(mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
        // The connection ends either way.
        let _ = timeout(Duration::from_secs(1), self.stream.close(Some(frame))).await;
    }

    async fn message(&mut self) -> Result<Message, Error> {
        match self.stream.next().await {
            Some(Ok(Message::Close(frame))) => Err(closed(frame)),
            Some(Ok(message)) => {
                self.heard = Instant::now();
                Ok(message)
            }
            Some(Err(error)) => Err(lost(error)),
            None => Err(closed(None)),
        }
    }
}

/// A server that stops reading without closing must not hold us for ever.
async fn bounded(limit: Duration, writing: impl Future<Output = Result<(), WsError>>) -> Result<(), Error> {
    match timeout(limit, writing).await {
        Ok(written) => written.map_err(lost),
        Err(_) => Err(Error::new(ErrorKind::Timeout, format!("the websocket took nothing for {limit:?}"))),
    }
}

async fn connect(client: &Client, endpoint: Endpoint) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Error> {
    let url = client.api_url().socket(endpoint.path());
    let mut request = url.as_str().into_client_request().map_err(refused)?;
    request.headers_mut().extend(client.headers());
    if endpoint.authenticates(client) {
        if client.config().is_cloud() {
            request.headers_mut().remove(AUTHORIZATION);
        }
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("prefect"));
    }
    let stream = proxy::connect(client.api_url().as_str()).await?;
    let connector = Connector::Rustls(client.tls());
    let (socket, _) = client_async_tls_with_config(request, stream, None, Some(connector)).await.map_err(refused)?;
    Ok(socket)
}

fn closed(frame: Option<CloseFrame>) -> Error {
    match frame {
        Some(CloseFrame { code: CloseCode::Policy, reason }) => {
            Error::new(ErrorKind::Unauthorized, format!("the server closed the websocket: {reason} (1008)"))
        }
        Some(CloseFrame { code, reason }) => {
            Error::new(ErrorKind::Connect, format!("the server closed the websocket: {reason} ({code})"))
        }
        None => Error::new(ErrorKind::Connect, "the websocket ended without a goodbye (1006)"),
    }
}

fn lost(error: WsError) -> Error {
    Error::new(ErrorKind::Connect, format!("the websocket broke ({})", root_cause(&error)))
}

fn refused(error: WsError) -> Error {
    let advice = tls::trouble(&error).and_then(tls::advice).map(|advice| format!("; {advice}")).unwrap_or_default();
    let what = format!("the websocket could not be opened ({}){advice}", root_cause(&error));
    match &error {
        WsError::Http(response) => {
            let status = response.status().as_u16();
            Error::new(ErrorKind::Protocol, "the server refused to open a websocket").with_status(status)
        }
        WsError::Io(_) | WsError::Tls(_) => Error::new(ErrorKind::Connect, what),
        _ => Error::new(ErrorKind::Protocol, what),
    }
}
