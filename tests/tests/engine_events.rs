//! Events without a server.

#[path = "things/events.rs"]
mod things;

use std::time::Duration;

use flowkit::events::{Event, EventFilter, Resource};
use flowkit::prelude::*;
use flowkit::{ErrorKind, Records, Runtime, Secret, Timestamp, emit_event, events, runtime, tags};
use futures::{FutureExt, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use uuid::Uuid;

#[task(tags = ["of-task"])]
async fn place(order: u32) -> flowkit::Result<Event> {
    let seller = Resource::new("shop.user.1").name("Ada").label("country", "ü");
    emit_event("order.placed", format!("shop.order.{order}"))
        .payload(json!({"items": [1, 2]}))
        .related("seller", seller)
        .await
}

#[task]
fn place_on_a_thread(order: u32) -> flowkit::Result<Event> {
    emit_event("order.placed", format!("shop.order.{order}")).blocking()
}

#[flow]
async fn shop() -> flowkit::Result<Vec<Event>> {
    let here = emit_event("shop.opened", "shop").await?;
    let placed = tags(["scoped"]).scope(async { place(1).await }).await?;
    Ok(vec![here, placed, place_on_a_thread(2).await?])
}

fn roles(event: &Event) -> Vec<String> {
    event.related.iter().map(|one| one.role().to_owned()).collect()
}

fn in_a_file(folder: &tempfile::TempDir) -> Runtime {
    Runtime::builder().embedded(folder.path().join("runs.db")).build().expect("a file")
}

#[tokio::test(start_paused = true)]
async fn events_in_memory() {
    Runtime::ephemeral().run(things::hold("memory")).await;
}

#[tokio::test(start_paused = true)]
async fn events_in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    in_a_file(&folder).run(things::hold("file")).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_is_related_to_the_run_that_tells_it() {
    let runtime = Runtime::ephemeral();
    let told = runtime.run(async { shop().await }).await.expect("it is told");
    let history = runtime.history().expect("in memory");
    let flow_run = &history.flow_runs()[0];
    assert_eq!(roles(&told[0]), ["flow-run", "flow"]);
    assert_eq!(told[0].related[0].id(), format!("prefect.flow-run.{}", flow_run.id()));
    assert_eq!(told[0].related[0].get("prefect.resource.name"), Some(flow_run.name()));
    assert_eq!(told[0].related[1].get("prefect.resource.name"), Some("shop"));
    assert_eq!(roles(&told[1]), ["seller", "flow-run", "task-run", "flow", "tag", "tag"]);
    assert_eq!(told[1].related[0].get("country"), Some("ü"));
    assert_eq!(told[1].related[4].id(), "prefect.tag.of-task");
    assert_eq!(told[1].related[5].id(), "prefect.tag.scoped");
    assert_eq!(roles(&told[2]), ["flow-run", "task-run", "flow"]);
    let kept = runtime.run(async { events().name("order.*").past().await }).await.expect("they are kept");
    assert_eq!(kept, told[1..]);
}

#[tokio::test(start_paused = true)]
async fn what_the_event_names_itself_is_not_named_again() {
    #[flow]
    async fn itself() -> flowkit::Result<Event> {
        let run = runtime::flow_run().expect("a body is in a run").id();
        emit_event("run.praised", format!("prefect.flow-run.{run}")).await
    }
    let told = Runtime::ephemeral().run(async { itself().await }).await.expect("it is told");
    assert_eq!(roles(&told), ["flow"]);
}

#[flow]
async fn well() {}

#[flow]
async fn ill() -> Result<(), String> {
    Err("no network".to_owned())
}

#[tokio::test(start_paused = true)]
async fn the_states_of_flow_runs_are_events_with_the_names_and_resources_of_prefect() {
    let runtime = Runtime::ephemeral();
    let heard = runtime
        .run(async {
            let heard = events().name("prefect.flow-run.*");
            tags(["nightly"]).scope(async { well().await }).await.expect("it is well");
            let _ = ill().await;
            heard.take(6).try_collect::<Vec<_>>().await
        })
        .await
        .expect("they are heard");
    let names: Vec<_> =
        heard.iter().map(|event| event.event.strip_prefix("prefect.flow-run.").expect("of a run")).collect();
    assert_eq!(names, ["Pending", "Running", "Completed", "Pending", "Running", "Failed"]);
    let run = &runtime.history().expect("in memory").flow_runs()[0];
    let completed = serde_json::to_value(&heard[2]).expect("JSON");
    assert_eq!(completed["follows"], json!(heard[1].id));
    assert_eq!(completed["occurred"], json!(run.state().timestamp()));
    assert_eq!(completed["resource"]["prefect.resource.id"], json!(format!("prefect.flow-run.{}", run.id())));
    assert_eq!(completed["resource"]["prefect.resource.name"], json!(run.name()));
    assert_eq!(completed["resource"]["prefect.run-count"], "1");
    assert_eq!(completed["resource"]["prefect.state-type"], "COMPLETED");
    assert_eq!(completed["related"][0]["prefect.resource.role"], "flow");
    assert_eq!(completed["related"][1]["prefect.resource.id"], "prefect.tag.nightly");
    assert_eq!(completed["payload"]["intended"], json!({"from": "RUNNING", "to": "COMPLETED"}));
    assert!(heard[5].resource.get("prefect.state-message").is_some_and(|why| why.contains("no network")), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_listens_is_woken_at_once_and_hears_each_event_once() {
    Runtime::ephemeral()
        .run(async {
            let mut heard = events().filter(EventFilter::new().name("count.*"));
            assert!(heard.next().now_or_never().is_none(), "nothing has happened");
            let counting = async {
                for number in 0..500_u32 {
                    emit_event("count.up", format!("counter.{number}")).await.expect("it is told");
                    if number % 7 == 0 {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                }
            };
            let (_, heard) = tokio::join!(counting, (&mut heard).take(500).try_collect::<Vec<Event>>());
            let ids: Vec<_> = heard.expect("they are heard").iter().map(|one| one.resource.id().to_owned()).collect();
            assert_eq!(ids, (0..500).map(|number| format!("counter.{number}")).collect::<Vec<_>>());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_at_the_moment_that_was_said() {
    Runtime::ephemeral()
        .run(async {
            let told = emit_event("a", "r").await.expect("it is told");
            let heard = events().since(told.occurred).until(told.occurred.after(Duration::from_secs(3600)));
            assert_eq!(heard.try_collect::<Vec<_>>().await.expect("they are heard"), [told]);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn secrets_are_masked() {
    let event = Runtime::ephemeral()
        .run(async {
            let token = Secret::<String>::new("a-very-secret-token");
            let resource = Resource::new("a").label("with", token.expose());
            emit_event("used", resource).payload(json!({"token": token.expose(), "of": token})).await
        })
        .await
        .expect("it is told");
    assert_eq!(event.resource.get("with"), Some("**********"));
    assert_eq!(Value::Object(event.payload), json!({"token": "**********", "of": "**********"}));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_an_event_is_refused_and_not_told() {
    Runtime::ephemeral()
        .run(async {
            for (told, why) in [
                (emit_event("", "r"), "an event has no name"),
                (emit_event("a", ""), "event `a` has a resource without an id"),
                (emit_event("a", "r").payload(7), "the payload of event `a` must be a JSON object"),
                (emit_event("a", "r").related("", "b"), "event `a` has a related resource `b` without a role"),
                (emit_event("a", "r").id(Uuid::nil()), "event `a` has the nil UUID as its id"),
            ] {
                let error = told.await.expect_err(why);
                assert_eq!(error.kind(), ErrorKind::Input);
                assert!(error.to_string().starts_with(why), "{error}");
            }
            assert_eq!(events().past().await.expect("they are read"), []);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_told_is_in_the_file_for_the_next_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = in_a_file(&folder);
    let told = first.run(async { shop().await }).await.expect("it is told");
    drop(first);
    let second = in_a_file(&folder);
    second
        .run(async {
            let past = events().name("order.*").name("shop.*").past().await.expect("they are kept");
            assert_eq!(past, told);
            let mut heard = events().name("order.*").since(told[0].occurred);
            let more = place(3).await.expect("it is told");
            for expected in [&told[1], &told[2], &more] {
                assert_eq!(heard.next().await.expect("it goes on").expect("an event"), *expected);
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn events_in_a_file_go_when_they_are_too_old() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let open = || {
        let keep = Runtime::builder().embedded(&path).keep_for(Duration::from_secs(3600));
        keep.build().expect("a file")
    };
    let first = open();
    let now = first
        .run(async {
            let now = emit_event("new", "r").await.expect("it is told").occurred;
            let old = Timestamp::from_unix_micros(now.unix_micros() - 2 * 3_600_000_000);
            emit_event("old", "r").occurred(old).await.expect("it is told");
            now
        })
        .await;
    drop(first);
    let names = || {
        let file = rusqlite::Connection::open(&path).expect("a database");
        let mut query = file.prepare("SELECT json_extract(event, '$.event') FROM event").expect("a table");
        let names = query.query_map([], |row| row.get::<_, String>(0)).expect("rows");
        names.collect::<Result<Vec<_>, _>>().expect("texts")
    };
    let second = open();
    second.run(async { emit_event("newer", "r").occurred(now).await }).await.expect("it is told");
    let mut left = second.flush(Duration::from_secs(10)).await;
    for _ in 0..200 {
        if names().iter().all(|name| name != "old") {
            break;
        }
        // The writer's own clock is the system's.
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(20))).await.expect("a thread");
        left = second.flush(Duration::from_secs(10)).await;
    }
    assert!(left.is_empty(), "{left:?}");
    let mut names = names();
    names.sort_unstable();
    assert_eq!(names, ["new", "newer"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_of_before_there_were_events_gets_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let file = rusqlite::Connection::open(&path).expect("a database");
    file.execute_batch(include_str!("formats/2.sql")).expect("an older file");
    drop(file);
    Records::open(&path).and_then(|records| records.variables()).expect("it can be read");
    let runtime = in_a_file(&folder);
    let past = runtime.run(async {
        emit_event("new", "r").await.expect("there is room for it");
        events().name("new").past().await
    });
    assert_eq!(past.await.expect("they are read").len(), 1);
}
