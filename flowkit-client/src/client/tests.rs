//! The layers over a scripted transport, on paused time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use reqwest::header::{HeaderName, HeaderValue};
use tokio::time::Instant;

use super::transport::{Call, Fault, FaultKind, Reply, Transport};
use super::*;
use crate::model::FlowCreate;
use crate::request::{Ignored, Method};
use crate::retry::RetryPolicy;

type Answer = Result<Reply, Fault>;
type Log = Arc<Mutex<Vec<Call>>>;

/// Answers what it was told, in turn; the last answer has no successor and is a test's mistake to exceed.
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    calls: Log,
}

impl Transport for Script {
    fn call(&self, call: Call) -> BoxFuture<'_, Answer> {
        self.calls.lock().expect("not poisoned").push(call);
        let answer = self.answers.lock().expect("not poisoned").pop_front().expect("the script is over");
        Box::pin(async { answer })
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a script holds answers and faults")]
fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Answer {
    let headers =
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
    Ok(Reply { status, headers, body: Bytes::from_static(body.as_bytes()) })
}

fn fault(kind: FaultKind) -> Answer {
    Err(Fault { kind, source: "scripted".into() })
}

fn scripted(config: Config, answers: impl IntoIterator<Item = Answer>) -> (Client, Log) {
    let calls = Log::default();
    let script = Script { answers: Mutex::new(answers.into_iter().collect()), calls: Arc::clone(&calls) };
    let tls = crate::tls::config(&crate::config::Trust::Anything).expect("tls");
    (Client::over(config, tls, Box::new(script)).expect("client"), calls)
}

/// Neither version check nor CSRF nor jitter, so that a script is only about retries.
fn plain() -> Config {
    let config = Config::new("http://h/api").expect("valid");
    config.csrf(false).check_version(false).retry(RetryPolicy::default().jitter(0.0))
}

fn get() -> Request<Ignored> {
    Request::new(Method::Get, "/x")
}

fn paths(calls: &Log) -> Vec<String> {
    let calls = calls.lock().expect("not poisoned");
    calls
        .iter()
        .map(|call| call.url.trim_start_matches("http://h/api").split('?').next().unwrap_or("").into())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn five_retries_then_the_last_error() {
    let (client, calls) =
        scripted(plain(), (0..6).map(|_| reply(503, &[], r#"{"exception_message":"Service Unavailable"}"#)));
    let start = Instant::now();
    let error = client.send(get()).await.expect_err("down");
    assert_eq!(error.to_string(), "GET /x: 503 Service Unavailable");
    assert_eq!(calls.lock().expect("not poisoned").len(), 6);
    assert_eq!(start.elapsed().as_secs(), 2 + 4 + 8 + 16 + 32);
}

#[tokio::test(start_paused = true)]
async fn retry_after_replaces_the_back_off() {
    let (client, _) = scripted(plain(), [reply(429, &[("retry-after", "7")], "{}"), reply(200, &[], "null")]);
    let start = Instant::now();
    client.send(get()).await.expect("the second answer");
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn maintenance_does_not_count() {
    let down = || reply(503, &[("prefect-maintenance", "true"), ("retry-after", "1")], "{}");
    let (client, calls) = scripted(plain(), (0..20).map(|_| down()).chain([reply(200, &[], "null")]));
    client.send(get()).await.expect("after maintenance");
    assert_eq!(calls.lock().expect("not poisoned").len(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_plain_500_is_final() {
    let (client, calls) = scripted(plain(), [reply(500, &[], "")]);
    assert_eq!(client.send(get()).await.expect_err("broken").kind(), ErrorKind::Server);
    assert_eq!(calls.lock().expect("not poisoned").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_retried_but_a_wrong_address_is_not() {
    let (client, calls) = scripted(plain(), [fault(FaultKind::Unreachable)]);
    let error = client.send(get()).await.expect_err("unreachable");
    assert!(error.is_connect() && error.to_string().contains("cannot connect to http://h/api"), "{error}");
    assert_eq!(calls.lock().expect("not poisoned").len(), 1);

    let answers = [
        reply(200, &[], "null"),
        fault(FaultKind::Unreachable),
        fault(FaultKind::Broken),
        fault(FaultKind::Slow),
        reply(200, &[], "null"),
    ];
    let (client, calls) = scripted(plain(), answers);
    client.send(get()).await.expect("the first");
    client.send(get()).await.expect("after three faults");
    assert_eq!(calls.lock().expect("not poisoned").len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_waiting_early_with_the_real_reason() {
    let (client, calls) = scripted(plain(), (0..6).map(|_| reply(503, &[], "")));
    let start = Instant::now();
    let error = client.with_deadline(Duration::from_secs(5)).send(get()).await.expect_err("down");
    assert_eq!(error.status(), Some(503));
    assert_eq!((calls.lock().expect("not poisoned").len(), start.elapsed().as_secs()), (2, 2));
}

const TOKEN: &str = r#"{"token":"t1","client":"c","expiration":"2999-01-01T00:00:00Z"}"#;
const TOKEN_2: &str = r#"{"token":"t2","client":"c","expiration":"2999-01-01T00:00:00Z"}"#;

async fn create(client: &Client) -> Result<Ignored, Error> {
    let request: Request<Ignored> = Request::new(Method::Post, "/flows/").json(&FlowCreate::new("f"));
    client.send(request).await
}

fn tokens(calls: &Log) -> Vec<Option<String>> {
    let calls = calls.lock().expect("not poisoned");
    let sent = calls.iter().filter(|call| call.method == Method::Post);
    sent.map(|call| call.headers.get("prefect-csrf-token").map(|t| t.to_str().expect("text").into())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_server_without_csrf_is_never_asked_for_a_token() {
    let (client, calls) = scripted(plain().csrf(true), [reply(201, &[], "{}"), reply(200, &[], "{}")]);
    create(&client).await.expect("first");
    create(&client).await.expect("second");
    assert_eq!(paths(&calls), ["/flows/", "/flows/"]);
    assert_eq!(tokens(&calls), [None, None]);
}

#[tokio::test(start_paused = true)]
async fn a_csrf_token_is_kept_and_replaced_when_refused() {
    let answers = [
        reply(403, &[], r#"{"detail":"Missing CSRF token."}"#),
        reply(200, &[], TOKEN),
        reply(201, &[], "{}"),
        reply(403, &[], r#"{"detail":"Invalid CSRF token or client identifier."}"#),
        reply(200, &[], TOKEN_2),
        reply(201, &[], "{}"),
    ];
    let (client, calls) = scripted(plain().csrf(true), answers);
    create(&client).await.expect("first");
    create(&client).await.expect("second");
    assert_eq!(paths(&calls), ["/flows/", "/csrf-token", "/flows/", "/flows/", "/csrf-token", "/flows/"]);
    assert_eq!(tokens(&calls), [None, Some("t1".into()), Some("t1".into()), Some("t2".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_request_is_not_repeated() {
    let (client, calls) = scripted(plain().csrf(true), [reply(403, &[], r#"{"detail":"no"}"#)]);
    assert_eq!(create(&client).await.expect_err("forbidden").kind(), ErrorKind::Forbidden);
    assert_eq!(calls.lock().expect("not poisoned").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_version_is_checked_once_and_never_on_cloud() {
    let answers = [reply(200, &[], r#""3.0.1""#), reply(200, &[], "null"), reply(200, &[], "null")];
    let (client, calls) = scripted(plain().check_version(true), answers);
    client.send(get()).await.expect("first");
    client.clone().send(get()).await.expect("second");
    assert_eq!(paths(&calls), ["/admin/version", "/x", "/x"]);
    let version = client.server_version().await.expect("known");
    assert!(version.warning().is_some_and(|warning| warning.contains("3.0.1")));

    let (client, calls) = scripted(plain().check_version(true).csrf(true).cloud(true), [reply(200, &[], "{}")]);
    create(&client).await.expect("cloud");
    assert_eq!(paths(&calls), ["/flows/"]);
}

#[tokio::test(start_paused = true)]
async fn another_major_version_and_another_kind_of_server_are_named() {
    let (client, _) = scripted(plain().check_version(true), [reply(200, &[], r#""2.20.0""#)]);
    let error = client.send(get()).await.expect_err("old");
    assert_eq!(error.kind(), ErrorKind::IncompatibleServer);

    for answer in [reply(200, &[], "<html>"), reply(404, &[], r#"{"detail":"Not Found"}"#)] {
        let (client, _) = scripted(plain().check_version(true), [answer]);
        let shown = client.send(get()).await.expect_err("not an api").to_string();
        assert!(shown.contains("http://h/api does not look like a prefect api"), "{shown}");
    }
}

#[test]
fn clients_are_shared_freely() {
    fn check<T: Clone + Send + Sync + 'static>() {}
    check::<Client>();
    fn send<T: Send>(_: T) {}
    let (client, _) = scripted(plain(), []);
    send(client.health());
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_stops_all_requests_for_as_long_as_it_asks() {
    let config = plain().retry(RetryPolicy::none());
    let limited = reply(429, &[("retry-after", "5")], "{}");
    let (client, calls) = scripted(config, [limited, reply(200, &[], "{}")]);
    let sent = || calls.lock().expect("not poisoned").len();
    let begun = Instant::now();
    let error = client.send(get()).await.expect_err("there are too many requests");
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(Duration::from_secs(5))));

    let hasty = client.with_deadline(Duration::from_secs(2)).send(get()).await.expect_err("it would be too late");
    assert!(hasty.kind() == ErrorKind::RateLimited && hasty.to_string().contains("another 5.0s"), "{hasty}");
    assert_eq!((sent(), begun.elapsed()), (1, Duration::ZERO));

    client.clone().send(get()).await.expect("the pause is over");
    assert_eq!((sent(), begun.elapsed()), (2, Duration::from_secs(5)));
}
