//! From a question to a websocket.

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::listen::Shared;
use super::reply::Reply;
use super::route::Stream;
use super::watch;

/// The name of Prefect's subprotocol.
const PROTOCOL: &str = "prefect";

/// The longest message that is read: a filter.
const LONGEST: usize = 256 * 1024;

/// A websocket of somebody who asked for one.
pub(super) type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// Agrees to a websocket, and lets it tell what happens.
pub(super) fn upgrade(
    mut question: Request<Incoming>,
    stream: Stream,
    shared: &Arc<Shared>,
    place: Arc<OwnedSemaphorePermit>,
) -> Result<Response<Full<Bytes>>, Reply> {
    let headers = question.headers();
    let authorized = shared.guard.shows_token(headers).is_ok();
    let wants = headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let Some(key) = headers.get(SEC_WEBSOCKET_KEY).filter(|_| wants) else {
        let why = "this is a websocket, and not asked for as one";
        return Err(Reply::detail(StatusCode::UPGRADE_REQUIRED, why));
    };
    let accept = derive_accept_key(key.as_bytes());
    let speaks_prefect = speaks_prefect(headers);
    let upgraded = hyper::upgrade::on(&mut question);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let _place = place;
        // Else whoever asked is gone.
        if let Ok(upgraded) = upgraded.await {
            let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
            let io = TokioIo::new(upgraded);
            let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
            watch::watch(socket, stream, authorized, &shared).await;
        }
    });
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if speaks_prefect {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    }
    Ok(response)
}

fn speaks_prefect(headers: &HeaderMap) -> bool {
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).any(|protocol| protocol.trim() == PROTOCOL)
}
