//! What flow runs send each other while they are under way.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, FlowRunId, receive_input, send_input};
use flowkit_tests::lab::{Lab, rounded};
use futures::StreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Instant, sleep};

#[derive(Serialize, Deserialize, JsonSchema, Clone, PartialEq, Debug)]
struct Note {
    text: String,
}

fn note(text: &str) -> Note {
    Note { text: text.to_owned() }
}

#[flow]
async fn reader() -> flowkit::Result<String> {
    Ok(receive_input::<Note>().await?.into_inner().text)
}

async fn started<T>(future: &FlowFuture<T>) -> FlowRunId {
    sleep(Duration::from_secs(1)).await;
    future.run().expect("it has begun").id()
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_is_received_at_once() {
    let (lab, start) = (Lab::default(), Instant::now());
    lab.run(async {
        let future = reader().submit();
        let run = started(&future).await;
        sleep(Duration::from_secs(1799)).await;
        send_input(&note("hello"), run).await.expect("there is such a run");
        assert_eq!(future.await.expect("it has received it"), "hello");
    })
    .await;
    assert_eq!(rounded(start.elapsed()), 1800);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_input_ends_after_an_hour() {
    let (lab, start) = (Lab::default(), Instant::now());
    let error = lab.run(async { reader().await }).await.expect_err("nobody sends anything");
    assert!(error.chain().contains("no input was received within 3600.0 second(s)"), "{error:?}");
    assert_eq!(rounded(start.elapsed()), 3600);
}

#[flow]
async fn collector(timeout: u64) -> flowkit::Result<Vec<String>> {
    let notes = receive_input::<Note>().timeout(timeout).stream();
    notes.map(|note| note.map(|note| note.text.clone())).collect::<Vec<_>>().await.into_iter().collect()
}

#[tokio::test(start_paused = true)]
async fn a_stream_gives_everything_once_in_order_until_nothing_comes_any_more() {
    let lab = Lab::default();
    lab.run(async {
        let future = collector(60).submit();
        let run = started(&future).await;
        for text in ["a", "b", "b", "c"] {
            send_input(&note(text), run).await.expect("there is such a run");
            sleep(Duration::from_secs(30)).await;
        }
        assert_eq!(future.await.expect("it ends"), ["a", "b", "b", "c"]);
    })
    .await;
}

#[flow]
async fn one_after_the_other() -> flowkit::Result<Vec<String>> {
    sleep(Duration::from_secs(60)).await;
    let first = receive_input::<Note>().await?.into_inner().text;
    let second = receive_input::<Note>().await?.into_inner().text;
    Ok(vec![first, second])
}

#[tokio::test(start_paused = true)]
async fn each_value_is_received_once_even_if_it_came_before_it_was_asked_for() {
    let lab = Lab::default();
    lab.run(async {
        let future = one_after_the_other().submit();
        let run = started(&future).await;
        send_input(&note("a"), run).await.expect("there is such a run");
        send_input(&note("b"), run).await.expect("there is such a run");
        assert_eq!(future.await.expect("both are there"), ["a", "b"]);
    })
    .await;
}

#[flow]
async fn sorter() -> flowkit::Result<(u32, String, u32)> {
    let number = receive_input::<u32>().await?.into_inner();
    let text = receive_input::<String>().await?.into_inner();
    let other = receive_input::<u32>().key_prefix("other").await?.into_inner();
    Ok((number, text, other))
}

#[tokio::test(start_paused = true)]
async fn values_are_told_apart_by_their_type_or_by_a_prefix() {
    let lab = Lab::default();
    lab.run(async {
        let future = sorter().submit();
        let run = started(&future).await;
        send_input(&3_u32, run).key_prefix("other").await.expect("there is such a run");
        send_input(&"two", run).await.expect("there is such a run");
        send_input(&1_u32, run).await.expect("there is such a run");
        assert_eq!(future.await.expect("all are there"), (1, "two".to_owned(), 3));
    })
    .await;
}

#[flow]
async fn greeter() -> flowkit::Result<()> {
    let name = receive_input::<String>().await?;
    assert!(name.key().starts_with("str-auto-"), "{}", name.key());
    name.respond(&note(&format!("hello {}", *name))).await
}

#[flow]
async fn guest(host: String) -> anyhow::Result<String> {
    send_input(&"ann", host.parse::<FlowRunId>()?).await?;
    Ok(receive_input::<Note>().await?.text.clone())
}

#[tokio::test(start_paused = true)]
async fn a_received_value_is_responded_to() {
    let lab = Lab::default();
    lab.run(async {
        let host = greeter().submit();
        let run = started(&host).await;
        assert_eq!(guest(run.to_string()).await.expect("it is answered"), "hello ann");
        host.await.expect("it has answered");
        let host = greeter().submit();
        let run = started(&host).await;
        send_input(&"nobody", run).await.expect("there is such a run");
        let error = host.await.expect_err("there is nobody to respond to");
        assert!(error.chain().contains("it was not sent by a flow run"), "{error:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_an_error_that_names_where() {
    let lab = Lab::default();
    lab.run(async {
        let future = reader().submit();
        let run = started(&future).await;
        send_input(&json!({"text": 5}), run).key_prefix("note-auto").await.expect("there is such a run");
        let error = future.await.expect_err("5 is no text");
        let cause = error.downcast_ref::<flowkit::Error>().expect("it comes from the call");
        assert_eq!(cause.kind(), ErrorKind::Input);
        assert!(cause.to_string().contains("does not fit: `text`: invalid type: integer `5`"), "{cause}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn input_needs_a_flow_run_at_both_ends() {
    let lab = Lab::default();
    lab.run(async {
        let error = receive_input::<Note>().await.expect_err("there is no flow");
        assert_eq!(error.kind(), ErrorKind::Refused);
        let error = send_input(&note("a"), FlowRunId::now()).await.expect_err("there is no such run");
        assert_eq!(error.kind(), ErrorKind::Refused);
        reader().submit().cancel();
    })
    .await;
}
