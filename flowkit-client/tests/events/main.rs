//! The events channel against an in-process server that misbehaves.

mod server;

use std::time::Duration;

use flowkit_client::model::{Event, RelatedResource, Resource};
use flowkit_client::{Auth, Client, Config, Error, EventsChannel, EventsOptions, EventsPath, EventsTransport};
use futures::FutureExt;
use server::{Plan, Seen, Server, start};

/// Long enough for anything that happens, short enough for a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn config(url: &str) -> Result<Config, Error> {
    Ok(Config::new(url)?.check_version(false).csrf(false))
}

/// Options that never wait long.
fn quick() -> EventsOptions {
    EventsOptions::default().pauses(Duration::from_millis(1), Duration::from_millis(5)).http_linger(Duration::ZERO)
}

fn open(server: &Server, options: EventsOptions) -> Result<EventsChannel, Error> {
    EventsChannel::open(&Client::new(config(&server.url())?)?, options)
}

fn event(name: &str) -> Event {
    Event::new(name, Resource::new("test.1"))
}

async fn send(channel: &EventsChannel, names: &[&str]) -> Result<(), Error> {
    for name in names {
        channel.send(event(name)).await?;
    }
    Ok(())
}

fn socket(seen: &[Seen]) -> Vec<&str> {
    seen.iter().filter_map(|seen| if let Seen::Socket(name, _) = seen { Some(name.as_str()) } else { None }).collect()
}

fn posted(seen: &[Seen]) -> Vec<&str> {
    let lists = seen.iter().filter_map(|seen| if let Seen::Posted(names, true) = seen { Some(names) } else { None });
    lists.flatten().map(String::as_str).collect()
}

#[tokio::test]
async fn events_arrive_in_order_and_are_confirmed() -> Result<(), Error> {
    let mut server = start(&[Plan::Serve]).await;
    let channel = open(&server, quick())?;
    send(&channel, &["a", "b", "c"]).await?;
    let flushed = channel.flush(PATIENCE).await;
    assert_eq!((flushed.confirmed, flushed.outstanding, flushed.refused), (3, 0, 0));
    assert_eq!(channel.stats().path, EventsPath::WebSocket);
    assert_eq!(server.next().await, Seen::Upgrade(None, Some("prefect".into())));
    assert_eq!(server.next().await, Seen::Auth(serde_json::json!({ "type": "auth", "token": null })));
    assert_eq!(socket(&server.all()), ["a", "b", "c"]);
    let (_, undelivered) = channel.close(PATIENCE).await;
    assert!(undelivered.is_empty());
    Ok(())
}

#[tokio::test]
async fn credentials_are_those_of_the_kind_of_server() -> Result<(), Error> {
    let mut server = start(&[Plan::Serve]).await;
    let basic = config(&server.url())?.auth(Auth::Basic("admin:pass".into()));
    let channel = EventsChannel::open(&Client::new(basic)?, quick())?;
    send(&channel, &["a"]).await?;
    assert_eq!(server.next().await, Seen::Upgrade(Some("Basic YWRtaW46cGFzcw==".into()), Some("prefect".into())));
    assert_eq!(server.next().await, Seen::Auth(serde_json::json!({ "type": "auth", "token": "admin:pass" })));

    let mut server = start(&[Plan::Serve]).await;
    let cloud = config(&server.url())?.auth(Auth::ApiKey("key".into())).cloud(true);
    let channel = EventsChannel::open(&Client::new(cloud)?, quick())?;
    send(&channel, &["a"]).await?;
    assert!(channel.flush(PATIENCE).await.is_complete());
    assert_eq!(server.next().await, Seen::Upgrade(Some("Bearer key".into()), None));
    assert!(matches!(server.next().await, Seen::Socket(name, _) if name == "a"));
    Ok(())
}

#[tokio::test]
async fn a_lost_connection_resends_what_is_unconfirmed() -> Result<(), Error> {
    let mut server = start(&[Plan::DropAfter(3), Plan::Serve]).await;
    let channel = open(&server, quick())?;
    let events = ["a", "b", "c"].map(event);
    for event in &events {
        channel.send(event.clone()).await?;
    }
    let flushed = channel.flush(PATIENCE).await;
    assert_eq!((flushed.confirmed, flushed.outstanding), (3, 0));
    let ids: Vec<_> = server
        .all()
        .into_iter()
        .filter_map(|seen| if let Seen::Socket(_, id) = seen { Some(id) } else { None })
        .collect();
    let sent = events.map(|event| event.id.to_string());
    assert_eq!(ids, [&sent[..], &sent[..]].concat());
    Ok(())
}

#[tokio::test]
async fn a_refused_upgrade_falls_back_to_http() -> Result<(), Error> {
    for status in [403, 404, 503] {
        let mut server = start(&[Plan::Refuse(status)]).await;
        let channel = open(&server, quick())?;
        send(&channel, &["a", "b"]).await?;
        assert!(channel.flush(PATIENCE).await.is_complete());
        assert_eq!(channel.stats().path, EventsPath::Http);
        send(&channel, &["c"]).await?;
        assert!(channel.flush(PATIENCE).await.is_complete());
        let seen = server.all();
        assert_eq!(posted(&seen), ["a", "b", "c"]);
        let upgrades = seen.iter().filter(|seen| matches!(seen, Seen::Upgrade(..))).count();
        assert_eq!(upgrades, 1, "a refused websocket is left alone for a while");
    }
    Ok(())
}

#[tokio::test]
async fn a_refused_websocket_is_tried_again_later() -> Result<(), Error> {
    let mut server = start(&[Plan::Refuse(503), Plan::Serve]).await;
    let channel = open(&server, quick().socket_retry(Duration::ZERO))?;
    send(&channel, &["a"]).await?;
    assert!(channel.flush(PATIENCE).await.is_complete());
    assert_eq!(channel.stats().path, EventsPath::WebSocket);
    assert_eq!(socket(&server.all()), ["a"]);
    Ok(())
}

#[tokio::test]
async fn http_only_never_asks_for_a_websocket() -> Result<(), Error> {
    let mut server = start(&[Plan::Serve]).await;
    let channel = open(&server, quick().transport(EventsTransport::HttpOnly).http_batch(2, 1_000_000))?;
    send(&channel, &["a", "b", "c", "d", "e"]).await?;
    assert!(channel.flush(PATIENCE).await.is_complete());
    let seen = server.all();
    assert_eq!(posted(&seen), ["a", "b", "c", "d", "e"]);
    assert!(seen.iter().all(|seen| matches!(seen, Seen::Posted(names, true) if names.len() <= 2)), "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn a_poisonous_event_is_found_refused_and_reported() -> Result<(), Error> {
    let mut server = start(&[Plan::Serve]).await;
    let channel = open(&server, quick())?;
    let poison = event("poison");
    send(&channel, &["a", "b"]).await?;
    channel.send(poison.clone()).await?;
    send(&channel, &["c", "d"]).await?;
    let flushed = channel.flush(PATIENCE).await;
    assert_eq!((flushed.confirmed, flushed.refused, flushed.outstanding), (4, 1, 0));
    let refused = channel.take_refused();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].id, refused[0].event.as_str()), (poison.id, "poison"));
    assert!(refused[0].reason.contains("422 bad event"), "{}", refused[0].reason);
    assert!(channel.take_refused().is_empty());
    assert_eq!(posted(&server.all()), ["a", "b", "c", "d"]);

    send(&channel, &["e"]).await?;
    assert!(channel.flush(PATIENCE).await.is_complete(), "the channel works on");
    Ok(())
}

#[tokio::test]
async fn a_bad_event_is_refused_before_it_is_taken() -> Result<(), Error> {
    let mut server = start(&[Plan::Serve]).await;
    let channel = open(&server, quick())?;
    let related = (0..101).map(|n| RelatedResource::tag(&n.to_string())).collect();
    let error = channel.send(Event { related, ..event("a") }).await.expect_err("too many");
    assert!(error.is_validation(), "{error}");
    assert_eq!(channel.stats().accepted, 0);
    channel.close(PATIENCE).await;
    assert!(server.all().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_flush_ends_at_its_deadline_and_a_close_gives_back_the_rest() -> Result<(), Error> {
    let server = start(&[Plan::Freeze]).await;
    let channel = open(&server, quick())?;
    let sent = event("a");
    channel.send(sent.clone()).await?;
    let flushed = channel.flush(Duration::from_millis(20)).await;
    assert_eq!((flushed.confirmed, flushed.outstanding, flushed.is_complete()), (0, 1, false));
    let (flushed, undelivered) = channel.close(Duration::from_millis(20)).await;
    assert_eq!(flushed.outstanding, 1);
    assert_eq!(undelivered[0].id, sent.id);
    Ok(())
}

#[tokio::test]
async fn without_a_server_nothing_is_lost_and_the_reason_is_told() -> Result<(), Error> {
    let client = Client::new(config("http://127.0.0.1:9/api")?)?;
    let channel = EventsChannel::open(&client, quick())?;
    send(&channel, &["a", "b"]).await?;
    assert_eq!(channel.flush(Duration::from_millis(50)).await.outstanding, 2);
    assert!(channel.stats().last_error.is_some());
    let (_, undelivered) = channel.clone().close(Duration::ZERO).await;
    assert_eq!(undelivered.len(), 2);
    assert!(channel.send(event("c")).await.is_err(), "a closed channel takes nothing");
    Ok(())
}

#[tokio::test]
async fn a_full_channel_makes_the_sender_wait() -> Result<(), Error> {
    let server = start(&[Plan::Freeze]).await;
    let channel = open(&server, quick().capacity(2))?;
    send(&channel, &["a", "b"]).await?;
    let third = channel.send(event("c"));
    assert!(third.now_or_never().is_none());
    assert_eq!(channel.stats().accepted, 2);
    Ok(())
}

#[tokio::test]
async fn a_small_channel_asks_for_confirmation_in_time() -> Result<(), Error> {
    let server = start(&[Plan::Serve]).await;
    let channel = open(&server, quick().capacity(2).confirm_after(PATIENCE))?;
    let sending = send(&channel, &["a", "b", "c", "d", "e", "f", "g"]);
    tokio::time::timeout(PATIENCE / 2, sending).await.expect("nobody has to flush")?;
    Ok(())
}

#[tokio::test]
async fn a_flush_without_anything_to_do_is_done_at_once() -> Result<(), Error> {
    let server = start(&[Plan::Serve]).await;
    let channel = open(&server, quick().confirm_after(PATIENCE * 2))?;
    let flush = || tokio::time::timeout(PATIENCE / 2, channel.flush(PATIENCE));
    assert!(flush().await.expect("nothing was sent").is_complete());
    send(&channel, &["a"]).await?;
    assert!(flush().await.expect("one event").is_complete());
    assert!(flush().await.expect("nothing more").is_complete());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_senders_share_a_small_channel() -> Result<(), Error> {
    let mut server = start(&[Plan::DropAfter(250), Plan::Serve]).await;
    let channel = open(&server, quick().capacity(50).confirm_every(20))?;
    let senders = (0..4).map(|sender| {
        let channel = channel.clone();
        tokio::spawn(async move {
            for n in 0..100 {
                channel.send(event(&format!("{sender}.{n}"))).await?;
            }
            Ok::<_, Error>(())
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.expect("no panic")?;
    }
    let flushed = channel.flush(PATIENCE).await;
    assert_eq!((flushed.confirmed, flushed.outstanding), (400, 0));
    let seen = server.all();
    let mut arrived = [socket(&seen), posted(&seen)].concat();
    arrived.sort_unstable();
    arrived.dedup();
    assert_eq!(arrived.len(), 400);
    Ok(())
}

#[tokio::test]
async fn dropping_the_last_handle_still_delivers() -> Result<(), Error> {
    let mut server = start(&[Plan::Serve]).await;
    let channel = open(&server, quick())?;
    send(&channel, &["a"]).await?;
    drop(channel);
    while !matches!(server.next().await, Seen::Socket(name, _) if name == "a") {}
    Ok(())
}

#[test]
fn a_channel_is_shared_freely() {
    fn check<T: Clone + Send + Sync + 'static>() {}
    check::<EventsChannel>();
}

#[test]
fn a_channel_needs_a_runtime_and_says_so() -> Result<(), Error> {
    let client = Client::new(config("http://127.0.0.1:9/api")?)?;
    let error = EventsChannel::open(&client, quick()).expect_err("no runtime");
    assert!(error.to_string().contains("tokio runtime"), "{error}");
    Ok(())
}
