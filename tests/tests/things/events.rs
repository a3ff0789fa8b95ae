//! What holds for events on every backend.

use std::time::Duration;

use flowkit::events::{Event, EventFilter, Resource};
use flowkit::{Timestamp, emit_event, events};
use futures::StreamExt;
use serde_json::json;
use uuid::Uuid;

/// Tells events and hears them again. `own` is part of every name.
pub(crate) async fn hold(own: &str) {
    let id = format!("events.{own}.1");
    let mut heard = events().name(format!("{own}.*"));
    let mut of_two = events().filter(EventFilter::new().about("prefect.resource.id", format!("events.{own}.2")));
    let mut of_ada = events().filter(
        EventFilter::new()
            .name(format!("{own}.*"))
            .related("prefect.resource.id", "user.ada")
            .related("prefect.resource.role", "owner"),
    );

    let resource = Resource::new(&*id).name("first").label("size", "7");
    let first = emit_event(format!("{own}.made"), resource)
        .payload(json!({"n": 1.5, "of": ["ü", null]}))
        .related("owner", "user.ada")
        .await
        .expect("it is told");
    let chosen = Uuid::now_v7();
    let second = emit_event(format!("{own}.changed"), format!("events.{own}.2"))
        .id(chosen)
        .related("reader", "user.ada")
        .follows(&first)
        .await
        .expect("it is told");
    emit_event(format!("{own}-other"), "events.other").await.expect("it is told");
    assert_eq!((second.id, second.follows), (chosen, Some(first.id)));

    assert_eq!(next(&mut heard).await, first);
    assert_eq!(next(&mut heard).await, second);
    assert_eq!(next(&mut of_two).await, second);
    assert_eq!(next(&mut of_ada).await, first);

    let third = emit_event(format!("{own}.changed"), &*id).await.expect("it is told");
    assert_eq!(next(&mut heard).await, third);

    // Those of before are there for somebody who comes later.
    let mut late = events().name(format!("{own}.*")).since(first.occurred);
    for expected in [&first, &second, &third] {
        assert_eq!(next(&mut late).await, *expected);
    }
    let past = || events().name(format!("{own}.*"));
    // A server stores them a little later than it pushes them.
    let all = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let all = past().past().await.expect("they are read");
            if all.len() == 3 {
                return all;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    assert_eq!(all.await.expect("they are stored in time"), [first.clone(), second.clone(), third.clone()]);
    let between = past().since(second.occurred).until(second.occurred).past().await.expect("they are read");
    assert!(between.contains(&second) && !between.contains(&third) || third.occurred == second.occurred, "{between:?}");
    assert_eq!(past().about("size", "7").past().await.expect("they are read"), std::slice::from_ref(&first));

    let long_ago = Timestamp::from_unix_micros(first.occurred.unix_micros() - 600_000_000);
    let early = emit_event(format!("{own}.early"), &*id).occurred(long_ago).follows(&first).await.expect("it is told");
    assert_eq!((early.occurred, early.follows), (long_ago, None), "they are too far apart");
}

async fn next(events: &mut flowkit::events::Events) -> Event {
    let heard = tokio::time::timeout(Duration::from_secs(60), events.next()).await.expect("it is heard in time");
    heard.expect("it goes on").expect("nothing is lost")
}
