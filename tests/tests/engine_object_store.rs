//! Results in a store that a URL names: the same behaviours as in a folder.

use std::path::PathBuf;
use std::time::Duration;

use flowkit::cache::CacheIsolation;
use flowkit::prelude::*;
use flowkit::{ErrorKind, Level, Runtime};
use flowkit_tests::lab::{Lab, path};
use tokio::time::{Instant, sleep};

#[task(persist_result, cache = inputs, cache_expiration = "1h")]
async fn page(number: u32) -> Vec<u32> {
    sleep(Duration::from_secs(5)).await;
    vec![number]
}

#[flow(persist_result)]
async fn pages(count: u32) -> flowkit::Result<Vec<Vec<u32>>> {
    flowkit::map(0..count, page).await
}

fn shared_key(_: &u32) -> String {
    "shared".to_owned()
}

#[task(persist_result, cache_key = shared_key)]
async fn text(number: u32) -> String {
    format!("page {number}")
}

#[task(persist_result, cache_key = shared_key)]
async fn number(number: u32) -> u32 {
    number
}

/// A store for one test, by its URL.
struct Place {
    url: String,
    folder: Option<PathBuf>,
}

impl Place {
    /// One in memory and one in a folder, both named by a URL.
    fn all(name: &str) -> [Self; 2] {
        let folder = std::env::temp_dir().join(format!("flowkit-object-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let url = format!("file://{}", folder.display());
        [Self { url: "memory:///results".to_owned(), folder: None }, Self { url, folder: Some(folder) }]
    }

    fn runtime(&self) -> Runtime {
        Runtime::builder().result_store(&self.url).ephemeral()
    }

    /// Whether a result is in this store, by what its state says.
    fn has(&self, key: &str) -> bool {
        let base = self.folder.as_ref().map_or(self.url.clone(), |folder| folder.display().to_string());
        key.strip_prefix(&base).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_is_read_back_by_where_its_state_says_it_is() {
    for place in Place::all("back") {
        let runtime = place.runtime();
        let lab = Lab::of(runtime.clone());
        let value = lab.run(async { pages(2).await }).await.expect("it succeeds");
        let flow = lab.flow("pages");
        let state = flow.state();
        assert!(place.has(&state.data().expect("it is stored").storage_key), "{state:?}");
        assert_eq!(runtime.result_of::<Vec<Vec<u32>>>(&state).await.expect("it is there"), value);
        assert_eq!(runtime.flow_run_result::<Vec<Vec<u32>>>(flow.id()).await.expect("it is there"), value);
        let task = lab.tasks("page")[1].id();
        assert_eq!(runtime.task_run_result::<Vec<u32>>(task).await.expect("it is there"), [1]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_of_another_store_is_refused_and_names_both() {
    let [memory, folder] = Place::all("other");
    let state = folder.runtime().run(async { page(1).return_state().await }).await.state().clone();
    let error = memory.runtime().result_of::<Vec<u32>>(&state).await.expect_err("it is in a folder");
    assert_eq!(error.kind(), ErrorKind::Results);
    let key = &state.data().expect("it is stored").storage_key;
    assert_eq!(error.to_string(), format!("the result `{key}` is not in the result store `memory:///results`"));
}

#[tokio::test(start_paused = true)]
async fn a_stored_result_answers_equal_calls_until_it_expires() {
    for place in Place::all("cache") {
        let lab = Lab::of(place.runtime());
        lab.run(async {
            assert_eq!(page(1).return_state().await.name(), "Completed");
            assert_eq!(page(1).return_state().await.name(), "Cached");
            assert_eq!(page(2).return_state().await.name(), "Completed");
            sleep(Duration::from_secs(3601)).await;
            assert_eq!(page(1).return_state().await.name(), "Completed");
            assert_eq!(page(1).return_state().await.name(), "Cached");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_used_is_a_miss_with_a_warning_that_tells_where_it_is() {
    for place in Place::all("damaged") {
        let lab = Lab::of(place.runtime());
        lab.run(async {
            text(7).await.expect("it succeeds");
            assert_eq!(number(7).await.expect("it runs"), 7);
        })
        .await;
        assert_eq!(path(&lab.task("number").states()), "Pending > Running > Completed");
        let warning = lab.logs().into_iter().find(|line| line.level == Level::Warning).expect("a warning");
        let key = lab.task("number").state().data().expect("it is stored").storage_key.clone();
        assert!(place.has(&key) && warning.message.contains(&key), "{}", warning.message);
    }
}

#[tokio::test(start_paused = true)]
async fn equal_calls_with_serializable_isolation_run_once_and_hand_the_lock_on() {
    for place in Place::all("serializable") {
        let lab = Lab::of(place.runtime());
        let began = Instant::now();
        lab.run(async {
            let call = || page(1).cache_isolation(CacheIsolation::Serializable).submit();
            let calls = [call(), call(), call()];
            for call in calls {
                call.await.expect("it succeeds");
            }
            page(1).cache_isolation(CacheIsolation::Serializable).refresh_cache().await.expect("it succeeds");
        })
        .await;
        let ran = lab.tasks("page").iter().filter(|run| run.state().name() == "Completed").count();
        assert_eq!(ran, 2, "the first, and the one that was told to");
        assert!(began.elapsed() < Duration::from_secs(11), "nobody waited for a lease: {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_url_that_means_no_store_is_an_error_of_build_and_of_what_would_be_stored() {
    let builder = || Runtime::builder().result_store("ftp://host/results");
    let error = builder().build().expect_err("there is no such store");
    assert_eq!(error.kind(), ErrorKind::Settings);
    let why =
        "the result store is `ftp://host/results`: there is no such kind of store; it can be `s3://bucket/prefix`";
    assert!(error.to_string().starts_with(why), "{error}");
    let error = builder().ephemeral().run(async { text(1).await }).await.expect_err("it cannot be stored");
    assert!(error.kind() == ErrorKind::Results && error.chain().contains(why), "{}", error.chain());
}
