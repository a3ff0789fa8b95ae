//! Telling over a websocket what happens: the states of flow runs, or log records (Prefect's `events/out`, `logs/out`).

mod events;
mod logs;

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::listen::Shared;
use super::program::Program;
use super::route::Stream;
use super::socket::Socket;
use crate::clock;

/// How often it is looked what is new while somebody listens.
const LOOK: Duration = Duration::from_millis(100);

/// How long somebody may take to say who they are, what they want, and to take what they are told.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why nobody listens any more: what is to be said at the end.
type Ending = Option<(CloseCode, &'static str)>;

/// What somebody listens to.
enum Told {
    Events(events::Events),
    Logs(logs::Logs),
}

impl Told {
    /// What is new since it was last asked.
    fn news(&mut self, program: &dyn Program) -> Vec<Value> {
        match self {
            Self::Events(events) => events.news(program),
            Self::Logs(logs) => logs.news(program),
        }
    }
}

/// Tells until whoever listens has gone, or the endpoint is closed.
pub(super) async fn watch(mut socket: Socket, stream: Stream, authorized: bool, shared: &Shared) {
    let ending = tokio::select! {
        ending = tell(&mut socket, stream, authorized, shared) => ending,
        () = shared.stop.cancelled() => Some((CloseCode::Away, "the program ends")),
    };
    if let Some((code, reason)) = ending {
        let frame = CloseFrame { code, reason: reason.into() };
        // They may be gone.
        let _ = clock::within(Duration::from_secs(1), socket.close(Some(frame))).await;
    }
}

async fn tell(socket: &mut Socket, stream: Stream, authorized: bool, shared: &Shared) -> Ending {
    let hello = next(socket).await?;
    let token = hello["token"].as_str();
    if hello["type"] != "auth" {
        return Some((CloseCode::Policy, "Expected 'auth' message"));
    }
    if !authorized && !shared.guard.accepts(token) {
        return Some((CloseCode::Policy, "Invalid token"));
    }
    send(socket, &json!({ "type": "auth_success" })).await?;
    let wish = next(socket).await?;
    if wish["type"] != "filter" {
        return Some((CloseCode::Protocol, "Expected 'filter' message"));
    }
    let told = match stream {
        Stream::Events => events::Events::read(&wish["filter"]).map(Told::Events),
        Stream::Logs => logs::Logs::read(&wish["filter"]).map(Told::Logs),
    };
    let Ok(mut told) = told else { return Some((CloseCode::Protocol, "Invalid filter")) };
    loop {
        for news in told.news(&*shared.program) {
            send(socket, &news).await?;
        }
        tokio::select! {
            () = clock::sleep(LOOK) => {}
            message = socket.next() => match message {
                // Pings are answered below us, by the next message that is read or sent.
                Some(Ok(message)) if !message.is_close() => socket.flush().await.ok()?,
                _ => return None,
            },
        }
    }
}

/// Reads the next message that is JSON; `None` if there is none.
async fn next(socket: &mut Socket) -> Option<Value> {
    let read = async {
        loop {
            match socket.next().await?.ok()? {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap_or(Value::Null)),
                Message::Close(_) => return None,
                _ => socket.flush().await.ok()?,
            }
        }
    };
    clock::within(PATIENCE, read).await.flatten()
}

async fn send(socket: &mut Socket, message: &Value) -> Option<()> {
    clock::within(PATIENCE, socket.send(Message::text(message.to_string()))).await?.ok()
}
