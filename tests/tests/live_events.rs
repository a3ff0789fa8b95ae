//! Events at a real server, shared with Python.

#[path = "things/events.rs"]
mod things;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flowkit::events::{Event, Events, Resource};
use flowkit::prelude::*;
use flowkit::{Runtime, emit_event, events, tags};
use flowkit_tests::live::{self, LiveServer, at};
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

#[test]
fn events_at_the_server() {
    let Some(server) = live::server() else { return };
    at(&server.api_url(), things::hold("events-rust"));
}

#[task(tags = ["of-task"])]
async fn praises() -> flowkit::Result<Event> {
    let resource = Resource::new("rs.order.7").name("seventh");
    let payload = json!({"n": 1.5, "of": ["ü", null]});
    emit_event("rs-to-py.praised", resource).payload(payload).related("user", "user.ada").await
}

#[flow]
async fn praising() -> flowkit::Result<Vec<Event>> {
    let first = emit_event("rs-to-py.begun", "rs.order.7").await?;
    let praised = praises().await?;
    let last = emit_event("rs-to-py.over", "rs.order.7").follows(&praised).await?;
    Ok(vec![first, praised, last])
}

/// Asks Python for what has happened under some names.
const SEEN_BY_PYTHON: &str = "import asyncio, datetime, json\n\
    from prefect.events import get_events_subscriber\n\
    from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter\n\
    now = datetime.datetime.now(datetime.timezone.utc)\n\
    day = datetime.timedelta(days=1)\n\
    async def main():\n    \
        filter = EventFilter(event=EventNameFilter(prefix=['rs-to-py.']),\n                         \
            occurred=EventOccurredFilter(since=now - day, until=now + day))\n    \
        found = []\n    \
        async with get_events_subscriber(filter=filter) as subscriber:\n        \
            async for event in subscriber:\n            \
                found.append(event.model_dump(mode='json'))\n            \
                if len(found) == 3:\n                \
                    break\n    \
        print(json.dumps(found))\n\
    asyncio.run(main())\n";

#[test]
fn python_hears_what_rust_has_told() {
    let Some(server) = live::server() else { return };
    let told = at(&server.api_url(), async { tags(["rs-praise"]).scope(async { praising().await }).await });
    let told = told.expect("it is told");
    let seen = server.python_json(SEEN_BY_PYTHON);
    for (seen, told) in seen.as_array().expect("three events").iter().zip(&told) {
        for key in ["id", "event", "resource", "payload", "follows"] {
            assert_eq!(seen[key], serde_json::to_value(told).expect("JSON")[key], "{key} of {seen}");
        }
    }
    let related = |event: &Value| -> Vec<(String, String)> {
        let text = |one: &Value, label: &str| one[label].as_str().unwrap_or_default().to_owned();
        let all = event["related"].as_array().expect("a list").iter();
        all.map(|one| (text(one, "prefect.resource.role"), text(one, "prefect.resource.name"))).collect()
    };
    let run = server.flow_run("praising", "COMPLETED");
    let name = run["name"].as_str().expect("a name").to_owned();
    let of_task = &told[1].related[2];
    let pair = |role: &str, name: &str| (role.to_owned(), name.to_owned());
    let expected = [
        pair("user", ""),
        pair("flow-run", &name),
        pair("task-run", of_task.get("prefect.resource.name").expect("a name")),
        pair("flow", "praising"),
        pair("tag", ""),
        pair("tag", ""),
    ];
    assert_eq!(related(&seen[1]), expected);
    assert_eq!(
        seen[1]["related"][1]["prefect.resource.id"],
        format!("prefect.flow-run.{}", run["id"].as_str().expect("an id"))
    );
    assert_eq!(seen[1]["related"][4]["prefect.resource.id"], "prefect.tag.of-task");
}

#[test]
fn rust_hears_what_python_tells_with_the_same_relations_as_its_own() {
    let Some(server) = live::server() else { return };
    at(&server.api_url(), async {
        let mut heard = events().name("py-to-rs.*");
        let mut runs = events().name("prefect.flow-run.Completed").related("prefect.resource.name", "py-to-rs-flow");
        // Both listen before there is anything.
        let scripted = tokio::task::spawn_blocking(move || {
            server.python(
                "from prefect import flow, task, tags\n\
                 from prefect.events import emit_event\n\
                 @task(name='py-task', tags=['of-task'])\n\
                 def tells():\n    \
                     emit_event('py-to-rs.told', {'prefect.resource.id': 'py.order.7', 'size': '7'},\n               \
                         payload={'n': 1.5, 'of': ['ü', None]})\n\
                 @flow(name='py-to-rs-flow')\n\
                 def telling():\n    \
                     tells()\n\
                 with tags('py-praise'):\n    \
                     telling()\n",
            )
        });
        let told = next(&mut heard).await;
        assert_eq!((told.event.as_str(), told.resource.id()), ("py-to-rs.told", "py.order.7"));
        assert_eq!(told.resource.get("size"), Some("7"));
        assert_eq!(Value::Object(told.payload.clone()), json!({"n": 1.5, "of": ["ü", null]}));
        let roles: Vec<_> = told.related.iter().map(Resource::role).collect();
        assert_eq!(roles, ["flow-run", "task-run", "flow", "tag", "tag"], "as ours in the other test");
        let ended = next(&mut runs).await;
        assert_eq!(ended.resource.id(), told.related[0].id());
        scripted.await.expect("the script succeeds");
    });
}

async fn next(events: &mut Events) -> Event {
    let heard = tokio::time::timeout(Duration::from_secs(60), events.next()).await.expect("it is heard in time");
    heard.expect("it goes on").expect("nothing is lost")
}

/// Stands before a server. Its connections can be cut, and websockets for events refused.
#[derive(Clone)]
struct Gate {
    url: String,
    open: Arc<Mutex<Vec<TcpStream>>>,
    away: Arc<AtomicBool>,
    turned_away: Arc<AtomicUsize>,
}

impl Gate {
    fn before(server: &LiveServer, refuses_websockets: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/api", listener.local_addr().expect("an address"));
        let behind = server.api_url().trim_start_matches("http://").trim_end_matches("/api").to_owned();
        let gate = Self { url, open: Arc::default(), away: Arc::default(), turned_away: Arc::default() };
        let Self { open, away, turned_away, .. } = gate.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { continue };
                if away.load(Ordering::SeqCst) {
                    turned_away.fetch_add(1, Ordering::SeqCst);
                    continue;
                }
                let Ok(server) = TcpStream::connect(&behind) else { continue };
                open.lock().unwrap_or_else(PoisonError::into_inner).extend(client.try_clone());
                pass(client, server, refuses_websockets);
            }
        });
        gate
    }

    /// Has the server be away, or be there again.
    fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
        if away {
            self.cut();
        }
    }

    /// Waits until somebody has come while the server is away, and counts them.
    fn turned_away(&self) -> usize {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.turned_away.load(Ordering::SeqCst) == 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.turned_away.load(Ordering::SeqCst)
    }

    /// Ends every connection, in the middle of whatever goes over it.
    fn cut(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Some have ended already.
        open.drain(..).for_each(|connection| drop(connection.shutdown(Shutdown::Both)));
    }
}

/// Passes bytes on, both ways.
fn pass(mut client: TcpStream, mut server: TcpStream, refuses_websockets: bool) {
    let (Ok(mut back), Ok(mut there)) = (client.try_clone(), server.try_clone()) else { return };
    std::thread::spawn(move || {
        // One side has ended.
        let _ = std::io::copy(&mut there, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    std::thread::spawn(move || -> std::io::Result<()> {
        let mut bytes = [0; 16 * 1024];
        loop {
            let read = client.read(&mut bytes)?;
            if read == 0 {
                return server.shutdown(Shutdown::Write);
            }
            if refuses_websockets && bytes.starts_with(b"GET /api/events/out") {
                client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
                return client.shutdown(Shutdown::Both);
            }
            server.write_all(&bytes[..read])?;
        }
    });
}

/// Tells of numbers through another connection, and hears them through the gate.
fn each_number_is_heard_once(server: &LiveServer, gate: &Gate, name: &str, cuts: bool) {
    const MOST: u32 = 300;
    let telling = Runtime::builder().server(server.api_url()).build().expect("the address is sound");
    let hearing = Runtime::builder().server(&gate.url).build().expect("the address is sound");
    let threads = tokio::runtime::Runtime::new().expect("a runtime starts");
    let mut heard = threads.block_on(async {
        let heard = hearing.run(async { events().name(name) }).await;
        let tell = telling.run(async {
            for number in 0..MOST {
                emit_event(name, format!("number.{number}")).await.expect("it is told");
                if cuts && number % 100 == 50 {
                    // Whoever listens may be about to connect.
                    tokio::time::sleep(Duration::from_millis(700)).await;
                    gate.cut();
                }
            }
        });
        let heard = async {
            let mut found = Vec::new();
            let mut heard = heard;
            while found.len() < MOST as usize {
                found.push(next(&mut heard).await);
            }
            // What comes twice would come now.
            let more = tokio::time::timeout(Duration::from_secs(2), heard.try_next()).await;
            assert!(more.is_err(), "{more:?}");
            found
        };
        tokio::join!(tell, heard).1
    });
    heard.sort_by_key(|event| event.id);
    let numbers: Vec<_> = heard.iter().map(|event| event.resource.id().to_owned()).collect();
    assert_eq!(numbers, (0..MOST).map(|number| format!("number.{number}")).collect::<Vec<_>>());
}

#[test]
fn lost_connections_lose_no_event_and_repeat_none() {
    let Some(server) = live::server() else { return };
    each_number_is_heard_once(server, &Gate::before(server, false), "rs-cut.counted", true);
}

#[test]
fn events_are_heard_where_no_websocket_is_possible() {
    let Some(server) = live::server() else { return };
    each_number_is_heard_once(server, &Gate::before(server, true), "rs-plain.counted", false);
}

#[test]
fn what_is_told_while_the_server_is_away_is_delivered() {
    let Some(server) = live::server() else { return };
    let gate = Gate::before(server, false);
    at(&gate.url, async {
        let mut heard = events().name("rs-away.*");
        emit_event("rs-away.before", "r").await.expect("it is told");
        // So that there is a connection to be lost.
        assert_eq!(next(&mut heard).await.event, "rs-away.before");
        gate.set_away(true);
        for number in 0..20 {
            emit_event("rs-away.meanwhile", format!("number.{number}")).await.expect("nothing waits for the server");
        }
        assert!(gate.turned_away() > 0, "somebody has tried");
        gate.set_away(false);
        let mut numbers = Vec::new();
        while numbers.len() < 20 {
            numbers.push(next(&mut heard).await.resource.id().to_owned());
        }
        numbers.sort_unstable();
        let mut expected: Vec<_> = (0..20).map(|number| format!("number.{number}")).collect();
        expected.sort_unstable();
        assert_eq!(numbers, expected);
    });
}
