//! Events that a server pushes.

use flowkit_client::model::EventFilter;
use flowkit_client::{Auth, Client, Config, EventsSubscription};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

/// Serves one websocket: answers the authentication, sends `frames`, and hangs up. Gives what it was told.
#[expect(clippy::result_large_err, reason = "the type is the library's")]
async fn serve(listener: TcpListener, frames: Vec<Value>) -> Vec<Value> {
    let (stream, _) = listener.accept().await.expect("a connection");
    let accept = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        assert_eq!(request.uri().path(), "/api/events/out");
        let protocol = request.headers()["sec-websocket-protocol"].clone();
        response.headers_mut().insert("sec-websocket-protocol", protocol);
        Ok(response)
    };
    let mut socket = accept_hdr_async(stream, accept).await.expect("a websocket");
    let mut told = Vec::new();
    while told.len() < 2 {
        let Message::Text(text) = socket.next().await.expect("a frame").expect("a frame") else { continue };
        told.push(serde_json::from_str(&text).expect("json"));
        if told.len() == 1 {
            socket.send(Message::text(json!({"type": "auth_success"}).to_string())).await.expect("it is read");
        }
    }
    for frame in frames {
        socket.send(Message::text(frame.to_string())).await.expect("it is read");
    }
    told
}

async fn client() -> (TcpListener, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/api", listener.local_addr().expect("bound"));
    let config = Config::new(&url).expect("a url").auth(Auth::Basic("flow:kit".into()));
    (listener, Client::new(config).expect("a client"))
}

#[tokio::test]
async fn events_that_match_come_as_the_server_sends_them() {
    let (listener, client) = client().await;
    let event = json!({"type": "event", "event": {
        "occurred": "2026-11-21T01:00:00Z", "event": "prefect.flow-run.Cancelling", "id": uuid::Uuid::nil(),
        "resource": {"prefect.resource.id": "prefect.flow-run.1"}, "received": "2026-11-21T01:00:01Z",
    }});
    let server = tokio::spawn(serve(listener, vec![json!({"type": "something new"}), event]));
    let filter = EventFilter::default().names(["prefect.flow-run.Cancelling"]);
    let mut events = EventsSubscription::open(&client, &filter).await.expect("it opens");
    let heard = events.next().await.expect("an event");
    assert_eq!(heard.event.resource.id(), "prefect.flow-run.1");
    assert!(heard.received.is_some());
    assert!(events.next().await.is_err(), "the server has hung up");
    let filter =
        json!({"type": "filter", "filter": {"event": {"name": ["prefect.flow-run.Cancelling"]}}, "backfill": true});
    assert_eq!(server.await.expect("no panic"), [json!({"type": "auth", "token": "flow:kit"}), filter]);
}

#[tokio::test]
async fn a_server_without_websockets_is_an_error() {
    let (listener, client) = client().await;
    drop(listener);
    assert!(EventsSubscription::open(&client, &EventFilter::default()).await.is_err());
}
