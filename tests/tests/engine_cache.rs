//! When a task's body is left out, since the result of an equal call is there.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use flowkit::cache::{self, CacheIsolation};
use flowkit::prelude::*;
use flowkit::{ErrorKind, Level, Options};
use flowkit_tests::lab::{Lab, path};
use serde::{Deserialize, Serialize, Serializer};
use tokio::time::sleep;

/// Counts how often bodies were started, by name; each test has names of its own.
fn count(name: &str) -> u32 {
    static COUNTS: Mutex<Option<HashMap<String, u32>>> = Mutex::new(None);
    let mut counts = COUNTS.lock().expect("nobody panics while counting");
    let count = counts.get_or_insert_default().entry(name.to_owned()).or_default();
    *count += 1;
    *count
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u32,
    name: String,
}

#[task(cache = inputs)]
async fn row(test: String, id: u32) -> Row {
    sleep(Duration::from_secs(1)).await;
    Row { id, name: format!("{test} {}", count(&test)) }
}

#[task(cache = inputs, cache_expiration = "1h", retries = 1)]
async fn fallible(test: String, fail_first: u32) -> Result<u32, String> {
    let nth = count(&test);
    sleep(Duration::from_secs(1)).await;
    if nth <= fail_first { Err(format!("call {nth}")) } else { Ok(nth) }
}

#[task]
async fn plain(test: String, id: u64) -> u32 {
    let _ = id;
    count(&test)
}

/// What bodies returned, and the paths of their runs, in order.
fn paths(lab: &Lab, task: &str) -> Vec<String> {
    lab.tasks(task).iter().map(|run| path(&run.states())).collect()
}

const RAN: &str = "Pending > Running > Completed";
const CACHED: &str = "Pending > Running > Cached";

#[tokio::test(start_paused = true)]
async fn an_equal_call_has_the_result_of_the_first_and_says_so() {
    let lab = Lab::default();
    let (first, second, other) = lab
        .run(async {
            Ok::<_, flowkit::Error>((row("equal", 1).await?, row("equal", 1).await?, row("equal", 2).await?))
        })
        .await
        .expect("they succeed");
    assert_eq!(first, second);
    assert_eq!((first.name.as_str(), other.name.as_str()), ("equal 1", "equal 2"));
    assert_eq!(paths(&lab, "row"), [RAN, CACHED, RAN]);
    let found: Vec<_> = lab.logs().into_iter().filter(|line| line.message.starts_with("Found the result")).collect();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].level, found[0].task_run_id), (Level::Info, Some(lab.tasks("row")[1].id())));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_shared_by_runtimes_and_nothing_is_written_where_nothing_is_set() {
    for _ in 0..2 {
        let lab = Lab::default();
        lab.run(async { row("apart", 1).await }).await.expect("it succeeds");
        assert_eq!(paths(&lab, "row"), [RAN]);
        assert_eq!(lab.tasks("row")[0].state().data(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn equal_calls_in_flight_run_once() {
    let lab = Lab::default();
    let rows = lab.run(async { flowkit::map(0..5_u32, |_| row("flight", 7)).await }).await.expect("they succeed");
    assert!(rows.iter().all(|row| row.name == "flight 1"), "{rows:?}");
    let mut all = paths(&lab, "row");
    all.sort();
    assert_eq!(all, [CACHED, CACHED, CACHED, CACHED, RAN]);
}

#[tokio::test(start_paused = true)]
async fn when_the_first_fails_the_next_one_runs() {
    let lab = Lab::default();
    lab.run(async {
        let first = fallible("first fails", 2).submit();
        let second = fallible("first fails", 2).submit();
        let third = fallible("first fails", 2).submit();
        assert!(first.await.is_err());
        assert_eq!((second.await.ok(), third.await.ok()), (Some(3), Some(3)));
    })
    .await;
    let runs = paths(&lab, "fallible");
    assert_eq!(runs, ["Pending > Running > Retrying > Failed", RAN, CACHED]);
}

#[tokio::test(start_paused = true)]
async fn cancelling_the_first_does_not_cancel_the_others() {
    let lab = Lab::default();
    lab.run(async {
        let first = row("cancel", 1).submit();
        let second = row("cancel", 1).submit();
        let third = row("cancel", 1).submit();
        sleep(Duration::from_millis(500)).await;
        first.cancel();
        third.cancel();
        assert!(first.await.is_err_and(|error| error.is_cancelled()));
        assert!(third.await.is_err_and(|error| error.is_cancelled()));
        assert_eq!(second.await.expect("it runs").name, "cancel 1", "the first one did not come that far");
    })
    .await;
    assert_eq!(paths(&lab, "row"), ["Pending > Running > Cancelled", RAN, "Pending > Cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_inside_of_one_with_the_same_key_does_not_wait_for_it() {
    #[task]
    async fn inner() -> u32 {
        7
    }
    #[task]
    async fn outer() -> flowkit::Result<u32> {
        inner().cache_key("one for both").await
    }
    let lab = Lab::default();
    let call = lab.run(async { outer().cache_key("one for both").await });
    let value = tokio::time::timeout(Duration::from_secs(60), call).await.expect("they do not wait for each other");
    assert_eq!(value.expect("it succeeds"), 7);
}

#[tokio::test(start_paused = true)]
async fn a_result_that_has_expired_is_made_anew() {
    let lab = Lab::default();
    lab.run(async {
        assert_eq!(fallible("expires", 0).await.expect("it succeeds"), 1);
        sleep(Duration::from_secs(3590)).await;
        assert_eq!(fallible("expires", 0).await.expect("it succeeds"), 1);
        sleep(Duration::from_secs(20)).await;
        assert_eq!(fallible("expires", 0).await.expect("it succeeds"), 2);
        assert_eq!(fallible("expires", 0).await.expect("it succeeds"), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn refreshing_runs_the_body_and_replaces_the_result() {
    let lab = Lab::default();
    lab.run(async {
        assert_eq!(plain("refresh", 1).cache(cache::inputs()).await.expect("it succeeds"), 1);
        assert_eq!(plain("refresh", 1).cache(cache::inputs()).refresh_cache().await.expect("it succeeds"), 2);
        assert_eq!(plain("refresh", 1).cache(cache::inputs()).await.expect("it succeeds"), 2);
    })
    .await;
    assert_eq!(paths(&lab, "plain"), [RAN, RAN, CACHED]);
}

#[tokio::test(start_paused = true)]
async fn a_call_and_a_value_can_ask_for_caching_and_turn_it_off() {
    const CACHED_BY_VALUE: Options = Options::new().cache(cache::inputs().and(cache::source()));
    let lab = Lab::default();
    lab.run(async {
        assert_eq!(plain("call", 1).with(CACHED_BY_VALUE).await.ok(), Some(1));
        assert_eq!(plain("call", 1).cache(cache::source() + cache::inputs()).await.ok(), Some(1));
        assert_eq!(plain("call", 1).with(CACHED_BY_VALUE).cache(cache::none()).await.ok(), Some(2));
        assert_eq!(plain("call", 1).await.ok(), Some(3));
        assert_eq!(
            row("call off", 1).cache(cache::none()).await.map(|row| row.name).ok().as_deref(),
            Some("call off 1")
        );
        assert_eq!(
            row("call off", 1).cache(cache::none()).await.map(|row| row.name).ok().as_deref(),
            Some("call off 2")
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_argument_can_be_left_out() {
    #[task(cache = inputs - attempt - cell)]
    async fn without(test: String, attempt: u32, cell: std::sync::Arc<AtomicU32>) -> u32 {
        cell.fetch_add(attempt, Ordering::Relaxed);
        count(&test)
    }
    let lab = Lab::default();
    lab.run(async {
        let cell = std::sync::Arc::new(AtomicU32::new(0));
        assert_eq!(without("left out", 1, cell.clone()).await.ok(), Some(1));
        assert_eq!(without("left out", 2, cell.clone()).await.ok(), Some(1));
        assert_eq!(cell.load(Ordering::Relaxed), 1);
        assert_eq!(plain("left out too", 1).cache(cache::inputs().without(&["id"])).await.ok(), Some(1));
        assert_eq!(plain("left out too", 2).cache(cache::inputs().without(&["id"])).await.ok(), Some(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_tasks_never_share_a_result_unless_they_are_given_one_key() {
    mod other {
        use flowkit::prelude::*;
        #[task(name = "plain", cache = inputs)]
        pub(super) async fn plain(test: String, id: u64) -> u32 {
            let _ = (test, id);
            77
        }
    }
    let lab = Lab::default();
    lab.run(async {
        assert_eq!(plain("share", 1).cache(cache::inputs()).await.ok(), Some(1));
        assert_eq!(other::plain("share", 1).await.ok(), Some(77), "it is another task of the same name");
        assert_eq!(plain("share", 1).cache_key("shared").await.ok(), Some(2));
        assert_eq!(other::plain("share", 9).cache_key("shared").await.ok(), Some(2));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_function_of_the_arguments_makes_the_key() {
    fn by_name(row: &Row, day: &str) -> Option<String> {
        (row.id > 0).then(|| format!("{}-{day}", row.name))
    }
    #[task(cache_key = by_name)]
    async fn report(row: Row, day: String) -> String {
        format!("{} {day} {}", row.id, count(&row.name))
    }
    let named = |id| Row { id, name: "by function".into() };
    let lab = Lab::default();
    lab.run(async {
        assert_eq!(report(named(1), "monday").await.ok().as_deref(), Some("1 monday 1"));
        assert_eq!(report(named(2), "monday").await.ok().as_deref(), Some("1 monday 1"));
        assert_eq!(report(named(1), "tuesday").await.ok().as_deref(), Some("1 tuesday 2"));
        assert_eq!(report(named(0), "monday").await.ok().as_deref(), Some("0 monday 3"));
        assert_eq!(report(named(0), "monday").await.ok().as_deref(), Some("0 monday 4"), "no key means no caching");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn run_id_shares_within_a_flow_run_and_flow_parameters_with_equal_ones() {
    #[flow]
    async fn twice(by_run: bool, n: u32) -> flowkit::Result<Vec<u32>> {
        tracing::debug!(n);
        let policy = if by_run { cache::run_id() } else { cache::flow_parameters() };
        let test = format!("twice {by_run}");
        Ok(vec![plain(test.clone(), 1).cache(policy).await?, plain(test, 2).cache(policy).await?])
    }
    let lab = Lab::default();
    lab.run(async {
        assert_eq!(twice(true, 1).await.ok(), Some(vec![1, 1]));
        assert_eq!(twice(true, 1).await.ok(), Some(vec![2, 2]));
        assert_eq!(twice(false, 1).await.ok(), Some(vec![1, 1]));
        assert_eq!(twice(false, 1).await.ok(), Some(vec![1, 1]));
        assert_eq!(twice(false, 2).await.ok(), Some(vec![2, 2]));
        assert_eq!(plain("outside", 1).cache(cache::run_id()).await.ok(), Some(1));
        assert_eq!(plain("outside", 1).cache(cache::run_id()).await.ok(), Some(2));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_made_is_an_error_that_names_the_argument() {
    #[derive(Clone)]
    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not today"))
        }
    }
    #[task(cache = inputs)]
    async fn refused(id: u32, secret: Refuses) -> u32 {
        let _ = secret;
        id
    }
    let lab = Lab::default();
    let error = lab.run(async { refused(1, Refuses).await }).await.expect_err("there is no key");
    assert_eq!(error.kind(), ErrorKind::Results);
    assert!(error.to_string().contains("`secret`") && error.to_string().contains("not today"), "{error}");
    assert_eq!(path(&lab.task("refused").states()), "Pending > Failed");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_asks_for_what_its_types_cannot_do_is_told_so() {
    struct Pool;
    #[task]
    async fn query(pool: std::sync::Arc<Pool>, id: u32) -> u32 {
        let _ = pool;
        id
    }
    #[task]
    async fn open() -> std::sync::Arc<AtomicU32> {
        std::sync::Arc::default()
    }
    #[task]
    async fn client() -> std::num::ParseIntError {
        "x".parse::<u8>().expect_err("it is no number")
    }
    let lab = Lab::default();
    lab.run(async {
        let pool = std::sync::Arc::new(Pool);
        let error = query(pool.clone(), 1).cache(cache::inputs()).await.expect_err("a pool is no key");
        assert_eq!(error.kind(), ErrorKind::Definition);
        assert!(error.to_string().contains("`pool` is not Serialize"), "{error}");
        assert!(query(pool.clone(), 1).cache(cache::inputs().without(&["pool"])).await.is_ok());
        let error = query(pool, 1).cache(cache::inputs().without(&["cool"])).await.expect_err("there is no `cool`");
        assert!(error.to_string().contains("`cool`; its arguments: pool, id"), "{error}");
        let error = client().cache(cache::source()).await.expect_err("it cannot be stored");
        assert!(error.kind() == ErrorKind::Definition && error.to_string().contains("`client`"), "{error}");
        let error = client().cache_key(" ").await.expect_err("it cannot be stored");
        assert_eq!(error.kind(), ErrorKind::Definition);
        let error = plain("empty", 1).cache_key(" ").await.expect_err("an empty key is none");
        assert!(error.to_string().contains("is empty"), "{error}");
        assert!(open().await.is_ok());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_serializable_run_has_the_key_for_itself() {
    let lab = Lab::default();
    let call = || plain("serializable", 1).cache(cache::inputs()).cache_isolation(CacheIsolation::Serializable);
    let all = lab.run(async { flowkit::map(0..3, |_| call()).await }).await.expect("they succeed");
    assert_eq!(all, [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_cached_task_takes_futures_and_gives_its_result_to_others() {
    let lab = Lab::default();
    lab.run(async {
        let number = plain("future", 1).submit();
        let double = |n| fallible("future cached", n);
        assert_eq!(double(0).submit().await.ok(), Some(1));
        let again = fallible("future cached", 0).wait_for(&number).submit();
        assert_eq!(again.await.ok(), Some(1));
        let text = plain("after", 1).wait_for(fallible("future cached", 0).submit()).await;
        assert_eq!(text.ok(), Some(1));
    })
    .await;
    assert_eq!(paths(&lab, "fallible"), [RAN, CACHED, CACHED]);
}

#[tokio::test(start_paused = true)]
async fn blocking_tasks_are_cached_as_well() {
    #[task(cache = inputs)]
    fn blocking(test: String) -> u32 {
        count(&test)
    }
    let lab = Lab::default();
    lab.run(async {
        assert_eq!(blocking("blocking").await.ok(), Some(1));
        assert_eq!(blocking("blocking").await.ok(), Some(1));
    })
    .await;
    assert_eq!(paths(&lab, "blocking"), [RAN, CACHED]);
}
