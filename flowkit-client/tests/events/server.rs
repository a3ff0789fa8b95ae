//! A server that takes events over websocket and HTTP on one port, and misbehaves as told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

/// What one websocket does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Plan {
    /// Takes everything, and drops the connection over an event named `poison`.
    Serve,
    /// Answers the upgrade with a status.
    Refuse(u16),
    /// Drops the connection without a goodbye after so many events.
    DropAfter(usize),
    /// Authenticates and then never reads again, so no pong is sent.
    Freeze,
}

/// What the server saw.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    /// A websocket was asked for, with this `Authorization` and subprotocol.
    Upgrade(Option<String>, Option<String>),
    /// A frame that is not an event.
    Auth(Value),
    /// The name and id of an event over the websocket.
    Socket(String, String),
    /// Events over HTTP, and whether they were taken.
    Posted(Vec<String>, bool),
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) seen: mpsc::UnboundedReceiver<Seen>,
}

/// Starts a server whose websockets follow the plans in turn, the last one for ever.
pub(crate) async fn start(plans: &[Plan]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let (sender, seen) = mpsc::unbounded_channel();
    let plans = Arc::new(Mutex::new(plans.iter().copied().collect::<VecDeque<_>>()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, Arc::clone(&plans), sender.clone()));
        }
    });
    Server { address, seen }
}

impl Server {
    pub(crate) fn url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    pub(crate) async fn next(&mut self) -> Seen {
        self.seen.recv().await.expect("the server lives")
    }

    /// Gives what has been seen so far.
    pub(crate) fn all(&mut self) -> Vec<Seen> {
        std::iter::from_fn(|| self.seen.try_recv().ok()).collect()
    }
}

async fn connection(stream: TcpStream, plans: Arc<Mutex<VecDeque<Plan>>>, seen: mpsc::UnboundedSender<Seen>) {
    let mut start = [0; 18];
    while stream.peek(&mut start).await.is_ok_and(|n| n < start.len() && n > 0) {}
    if !start.starts_with(b"GET /api/events/in") {
        return http(stream, seen).await;
    }
    let plan = {
        let mut plans = plans.lock().expect("not poisoned");
        if plans.len() > 1 { plans.pop_front() } else { plans.front().copied() }.expect("a plan")
    };
    // How a websocket ends is of no interest here.
    let _ = websocket(stream, plan, &seen).await;
}

#[expect(clippy::result_large_err, reason = "the type is the library's")]
async fn websocket(stream: TcpStream, plan: Plan, seen: &mpsc::UnboundedSender<Seen>) -> Option<()> {
    let mut cloud = false;
    let answer = |request: &Request, mut response: Response| {
        let header = |name| request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let protocol = header("sec-websocket-protocol");
        cloud = protocol.is_none();
        let _ = seen.send(Seen::Upgrade(header("authorization"), protocol.clone()));
        if let Plan::Refuse(status) = plan {
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = status.try_into().expect("a status");
            return Err(refusal);
        }
        if let Some(protocol) = protocol {
            response.headers_mut().insert("sec-websocket-protocol", protocol.parse().expect("a header"));
        }
        Ok(response)
    };
    let mut socket = accept_hdr_async(stream, answer).await.ok()?;
    let mut left = if let Plan::DropAfter(events) = plan { events } else { usize::MAX };
    let mut open = cloud;
    while left > 0 {
        let Message::Text(text) = socket.next().await?.ok()? else {
            continue;
        };
        let frame: Value = serde_json::from_str(&text).expect("json");
        if !open {
            let _ = seen.send(Seen::Auth(frame));
            socket.send(Message::text(json!({ "type": "auth_success" }).to_string())).await.ok()?;
            open = true;
            if matches!(plan, Plan::Freeze) {
                std::future::pending::<()>().await;
            }
            continue;
        }
        let name = frame["event"].as_str().expect("a name").to_owned();
        let poison = name == "poison";
        let id = frame["id"].as_str().expect("an id").to_owned();
        let _ = seen.send(Seen::Socket(name, id));
        if poison {
            return None;
        }
        left -= 1;
    }
    None
}

async fn http(mut stream: TcpStream, seen: mpsc::UnboundedSender<Seen>) {
    let mut bytes = Vec::new();
    let body = loop {
        if stream.read_buf(&mut bytes).await.is_ok_and(|n| n == 0) {
            return;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            break body.to_owned();
        }
    };
    let events: Vec<Value> = serde_json::from_str(&body).expect("a list");
    let names: Vec<String> = events.iter().map(|event| event["event"].as_str().expect("a name").into()).collect();
    let taken = !names.iter().any(|name| name == "poison");
    let _ = seen.send(Seen::Posted(names, taken));
    let (status, body) = if taken { ("204 No Content", "") } else { ("422 Refused", r#"{"detail":"bad event"}"#) };
    let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let _ = stream.write_all(answer.as_bytes()).await;
}
