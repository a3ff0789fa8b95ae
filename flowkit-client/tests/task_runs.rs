//! Background task runs that a server hands out.

use flowkit_client::{Client, Config, TaskRunsSubscription};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

/// Hands out two runs, the second when the first is accepted. Gives what it was told.
#[expect(clippy::result_large_err, reason = "the type is the library's")]
async fn serve(listener: TcpListener) -> Vec<Value> {
    let (stream, _) = listener.accept().await.expect("a connection");
    let accept = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        assert_eq!(request.uri().path(), "/api/task_runs/subscriptions/scheduled");
        let protocol = request.headers()["sec-websocket-protocol"].clone();
        response.headers_mut().insert("sec-websocket-protocol", protocol);
        Ok(response)
    };
    let mut socket = accept_hdr_async(stream, accept).await.expect("a websocket");
    let mut told = Vec::new();
    let run = |id: u128| json!({"id": uuid::Uuid::from_u128(id), "task_key": "load-1", "dynamic_key": "0"});
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        told.push(serde_json::from_str(&text).expect("json"));
        let answer = match told.len() {
            1 => json!({"type": "auth_success"}),
            2 => run(1),
            _ => run(2),
        };
        socket.send(Message::text(answer.to_string())).await.expect("it is read");
    }
    told
}

#[tokio::test]
async fn a_run_is_given_when_the_one_before_is_accepted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/api", listener.local_addr().expect("bound"));
    let client = Client::new(Config::new(&url).expect("a url")).expect("a client");
    let server = tokio::spawn(serve(listener));
    let mut runs = TaskRunsSubscription::open(&client, &["load-1"], "host-7").await.expect("it opens");
    assert_eq!(runs.next().await.expect("a run").id.as_u128(), 1);
    runs.accept().await.expect("it is told");
    assert_eq!(runs.next().await.expect("a run").id.as_u128(), 2);
    runs.close().await;
    let subscribe = json!({"type": "subscribe", "keys": ["load-1"], "client_id": "host-7"});
    let told = server.await.expect("no panic");
    assert_eq!(told, [json!({"type": "auth", "token": null}), subscribe, json!({"type": "ack"})]);
}
