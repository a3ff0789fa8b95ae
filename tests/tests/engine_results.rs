//! Results that are stored: where, in what form, and how they are read back.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flowkit::cache::{self, CacheIsolation};
use flowkit::prelude::*;
use flowkit::{ErrorKind, Level, Options, ResultCodec, Runtime, Secret, State, transaction};
use flowkit_tests::lab::{Lab, path};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Page {
    number: u32,
    bytes: Vec<u8>,
}

#[task(persist_result)]
async fn page(number: u32) -> Page {
    Page { number, bytes: vec![0, 255] }
}

#[task(persist_result, result_codec = compact, cache = inputs, cache_expiration = "1h")]
async fn compact(number: u32) -> Result<Page, String> {
    Ok(Page { number, bytes: vec![number as u8] })
}

#[flow(persist_result)]
async fn pages(count: u32) -> flowkit::Result<Vec<Page>> {
    flowkit::map(0..count, page).await
}

#[task]
async fn plain(number: u32) -> u32 {
    number
}

/// A folder that goes when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("flowkit-results-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        Self(folder)
    }

    fn runtime(&self) -> Runtime {
        Runtime::builder().result_store(self.0.to_str().expect("a plain name")).ephemeral()
    }

    /// The names of the records.
    fn records(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.0) else { return Vec::new() };
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn only(folder: &Folder) -> PathBuf {
    let records = folder.records();
    assert_eq!(records.len(), 1, "{records:?}");
    records[0].clone()
}

fn json(record: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(record).expect("a record")).expect("json")
}

#[tokio::test(start_paused = true)]
async fn a_persisted_result_is_read_back_by_another_runtime_from_the_state() {
    let folder = Folder::new("task");
    let finished = folder.runtime().run(async { page(7).return_state().await }).await;
    let state: State = finished.state().clone();
    let value = finished.result().expect("it succeeds");
    assert_eq!(state.name(), "Completed");
    let record = only(&folder);
    assert_eq!(state.data().map(|data| data.storage_key.as_str()), record.to_str());
    assert_eq!(folder.runtime().result_of::<Page>(&state).await.expect("it is there"), value);
    let wrong = folder.runtime().result_of::<u32>(&state).await.expect_err("it is a page");
    assert!(wrong.kind() == ErrorKind::Results && wrong.to_string().contains("it is no `u32`"), "{wrong}");
}

#[tokio::test(start_paused = true)]
async fn a_record_tells_what_prefects_do_and_holds_no_code() {
    let folder = Folder::new("record");
    folder.runtime().run(async { page(7).await }).await.expect("it succeeds");
    let record = only(&folder);
    let whole = json(&record);
    let metadata = &whole["metadata"];
    assert_eq!(metadata["storage_key"].as_str(), record.to_str());
    assert_eq!(metadata["serializer"], serde_json::json!({"type": "json"}));
    assert!(metadata["expiration"].is_null() && metadata["storage_block_id"].is_null());
    assert!(metadata["flowkit_version"].is_string());
    assert_eq!(whole["result"], r#"{"number":7,"bytes":[0,255]}"#);
}

#[tokio::test(start_paused = true)]
async fn the_compact_form_expires_and_is_made_anew() {
    let folder = Folder::new("compact");
    let runtime = folder.runtime();
    let lab = Lab::of(runtime.clone());
    lab.run(async {
        let first = compact(3).return_state().await;
        assert_eq!(json(&only(&folder))["metadata"]["serializer"]["type"], "msgpack");
        assert_eq!(runtime.result_of::<Page>(first.state()).await.ok(), Some(Page { number: 3, bytes: vec![3] }));
        assert_eq!(compact(3).return_state().await.name(), "Cached");
        sleep(Duration::from_secs(3601)).await;
        let gone = runtime.result_of::<Page>(first.state()).await.expect_err("it has expired");
        assert!(gone.to_string().contains("has expired"), "{gone}");
        assert_eq!(compact(3).return_state().await.name(), "Completed");
        assert_eq!(compact(3).return_state().await.name(), "Cached");
    })
    .await;
    assert_eq!(folder.records().len(), 1, "the new record took the place of the old one");
    let states: Vec<_> = lab.tasks("compact").iter().map(|run| run.state().data().is_some()).collect();
    assert_eq!(states, [true; 4], "a hit refers to the record as well");
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_serves_another_runtime_of_the_same_store() {
    let folder = Folder::new("shared");
    for expected in ["Completed", "Cached"] {
        let state = folder.runtime().run(async { compact(5).return_state().await }).await;
        assert_eq!(state.name(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_record_is_a_miss_with_a_warning_that_names_the_file() {
    let folder = Folder::new("damaged");
    for (nth, damage) in ["", "{", "{\"metadata\":{}}", "\0\0"].into_iter().enumerate() {
        let lab = Lab::of(folder.runtime());
        lab.run(async { compact(5).await }).await.expect("it succeeds");
        if nth > 0 {
            let warning = lab.logs().into_iter().find(|line| line.level == Level::Warning).expect("a warning");
            assert!(warning.message.contains(only(&folder).to_str().expect("plain")), "{}", warning.message);
            assert_eq!(path(&lab.task("compact").states()), "Pending > Running > Completed");
        }
        fs::write(only(&folder), damage).expect("it can be written");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flow_persists_its_result_and_can_be_asked_for_it_by_its_id() {
    let folder = Folder::new("flow");
    let runtime = folder.runtime();
    let lab = Lab::of(runtime.clone());
    let value = lab.run(async { pages(2).await }).await.expect("it succeeds");
    assert_eq!(folder.records().len(), 3);
    let id = lab.flow("pages").id();
    assert_eq!(runtime.flow_run_result::<Vec<Page>>(id).await.expect("it is there"), value);
    let task = lab.tasks("page")[1].id();
    assert_eq!(runtime.task_run_result::<Page>(task).await.expect("it is there").number, 1);
    let nobody = runtime.task_run_result::<Page>(flowkit::TaskRunId::now()).await.expect_err("there is no such run");
    assert_eq!(nobody.kind(), ErrorKind::Backend);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_persisted_says_how_to_do_it() {
    let folder = Folder::new("without");
    let runtime = folder.runtime();
    runtime
        .run(async {
            let state = plain(1).return_state().await;
            let error = runtime.result_of::<u32>(state.state()).await.expect_err("nothing is stored");
            assert!(error.kind() == ErrorKind::NoValue && error.to_string().contains("`persist_result`"), "{error}");
            let failed = State::failed();
            let error = runtime.result_of::<u32>(&failed).await.expect_err("it failed");
            assert!(error.to_string().contains("Failed() has no result"), "{error}");
        })
        .await;
    assert!(!folder.0.exists(), "nothing was made");
}

#[tokio::test(start_paused = true)]
async fn a_call_and_a_value_ask_for_persistence_and_against_it() {
    const KEPT: Options = Options::new().persist_result(true).result_codec(ResultCodec::Compact);
    let folder = Folder::new("options");
    folder
        .runtime()
        .run(async {
            assert!(plain(1).with(KEPT).return_state().await.data().is_some());
            assert!(plain(1).with(KEPT).persist_result(false).return_state().await.data().is_none());
            assert!(plain(1).persist_result(true).return_state().await.data().is_some());
            assert!(page(1).persist_result(false).return_state().await.data().is_none());
            assert!(pages(0).persist_result(false).return_state().await.expect("it began").data().is_none());
            // Cached, but only in this process.
            assert!(compact(1).persist_result(false).return_state().await.data().is_none());
            assert_eq!(compact(1).persist_result(false).return_state().await.name(), "Cached");
        })
        .await;
    assert_eq!(folder.records().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_persisted_result_that_cannot_be_stored_fails_the_run_and_a_cached_one_does_not() {
    let folder = Folder::new("blocked");
    fs::write(&folder.0, "a file where the folder should be").expect("it can be written");
    let lab = Lab::of(folder.runtime());
    lab.run(async {
        let error = page(1).await.expect_err("it cannot be stored");
        assert_eq!(error.kind(), ErrorKind::Results);
        let error = pages(0).await.expect_err("it cannot be stored");
        assert_eq!(error.kind(), ErrorKind::Results);
    })
    .await;
    let state = lab.task("page").state();
    assert!(state.is_failed() && state.message().is_some_and(|text| text.contains("could not store its result")));
    assert!(lab.flow("pages").state().is_failed());
    let wrong = format!(
        "the folder of results `{}`, which `Runtime::builder().result_store(..)` names, is a file",
        folder.0.display()
    );
    assert!(state.message().is_some_and(|text| text.contains(&wrong)), "{state:?}");
    assert!(lab.flow("pages").state().message().is_some_and(|text| text.contains(&wrong)));
    let alone = plain(3).cache(cache::inputs()).cache_isolation(CacheIsolation::Serializable).persist_result(true);
    let error = lab.run(async { alone.await }).await.expect_err("there is no lock");
    assert!(error.to_string().contains("cannot lock the result") && error.to_string().contains(&wrong), "{error}");
    let state = lab.task("plain").state();
    let message = state.message().expect("it says why");
    assert!(message.contains(&wrong) && message.contains("(os error"), "{message}");
    assert_eq!(lab.logs().iter().filter(|line| line.message.contains(message)).count(), 1, "the log says so too");
    fs::remove_file(&folder.0).expect("it can be removed");
}

#[derive(Clone, Serialize, Deserialize)]
struct Login {
    name: String,
    password: Secret,
}

#[task]
async fn login(name: String) -> Login {
    Login { name, password: Secret::new("sesame-in-a-result") }
}

#[flow(persist_result)]
async fn logged_in() -> Login {
    Login { name: "flow".into(), password: Secret::new("sesame-in-a-flow") }
}

#[tokio::test(start_paused = true)]
async fn a_result_that_holds_a_secret_is_not_stored() {
    let folder = Folder::new("secret");
    let lab = Lab::of(folder.runtime());
    let refused = "a result that holds a Secret is not stored";
    for codec in [ResultCodec::Json, ResultCodec::Compact] {
        let cached = || login("cached").cache_key("login").result_codec(codec);
        lab.run(async {
            for _ in 0..2 {
                let value = cached().await.expect("it has its value");
                assert_eq!((value.password.expose().as_str(), &*value.name), ("sesame-in-a-result", "cached"));
            }
            let inside = transaction(codec.as_str()).run(async |_| cached().await).await.expect("it has its value");
            assert_eq!(inside.password.expose(), "sesame-in-a-result");
            let error = cached().persist_result(true).await.map(|_| ()).expect_err("it cannot be stored");
            assert_eq!(error.kind(), ErrorKind::Results);
            assert!(error.chain().contains(refused), "{error:?}");
        })
        .await;
    }
    let ends: Vec<String> = lab.tasks("login").iter().map(|run| run.state().name().to_owned()).collect();
    assert_eq!(ends, ["Completed", "Completed", "Completed", "Failed"].repeat(2), "none was found in the cache");
    let warnings =
        lab.logs().iter().filter(|line| line.message.contains(refused) && line.level == Level::Warning).count();
    assert_eq!(warnings, 6);
    let error = lab.run(async { logged_in().await.map(|_| ()) }).await.expect_err("it cannot be stored");
    assert!(error.chain().contains(refused), "{error:?}");
    assert!(folder.records().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_float_that_json_does_not_have_is_stored_in_the_compact_form_only() {
    #[task(persist_result, cache = inputs)]
    async fn ratio(of: f64) -> Vec<f64> {
        vec![1.0, of / 0.0]
    }
    let folder = Folder::new("nan");
    let lab = Lab::of(folder.runtime());
    lab.run(async {
        let error = ratio(0.0).await.expect_err("it cannot be stored");
        assert!(
            error.chain().contains("NaN or infinite") && error.chain().contains("`result_codec = compact`"),
            "{error:?}"
        );
        assert!(ratio(0.0).result_codec(ResultCodec::Compact).await.is_ok_and(|all| all[1].is_nan()));
        assert!(
            ratio(0.0).result_codec(ResultCodec::Compact).await.is_ok_and(|all| all[1].is_nan()),
            "as it was stored"
        );
    })
    .await;
    assert_eq!(lab.tasks("ratio").last().map(|run| run.state().name().to_owned()).as_deref(), Some("Cached"));
}

#[test]
fn without_tokio_a_result_that_is_to_be_stored_is_refused_before_the_run() {
    let folder = Folder::new("no-tokio");
    let lab = Lab::of(folder.runtime());
    let ended = lab.run(async {
        let error = page(1).await.expect_err("there is no tokio");
        assert_eq!(error.kind(), ErrorKind::Definition);
        let wanted = "the result of task `page` is to be stored, and there is no tokio runtime here";
        assert!(error.to_string().starts_with(wanted), "{error}");
        let error = pages(1).await.expect_err("there is no tokio");
        assert!(error.to_string().contains("the result of flow `pages` is to be stored"), "{error}");
        let alone = plain(1).cache(cache::inputs()).cache_isolation(CacheIsolation::Serializable);
        let error = alone.persist_result(true).await.expect_err("there are no timers");
        assert!(
            error.to_string().starts_with("task `plain` has serializable isolation, and there are no timers"),
            "{error}"
        );
        assert_eq!(plain(2).cache(cache::inputs()).await.ok(), Some(2), "memory needs no tokio");
    });
    ended.now_or_never().expect("nothing is waited for");
    assert_eq!(path(&lab.task("page").states()), "Pending > Failed");
}

#[tokio::test(start_paused = true)]
async fn a_type_that_cannot_be_stored_is_refused_before_it_runs() {
    #[task]
    async fn odd() -> std::sync::Arc<std::sync::Mutex<std::time::Instant>> {
        unreachable!("it is refused")
    }
    let folder = Folder::new("odd");
    let lab = Lab::of(folder.runtime());
    let error = lab.run(async { odd().persist_result(true).await }).await.expect_err("it cannot be stored");
    assert_eq!(error.kind(), ErrorKind::Definition);
    assert!(error.to_string().contains("task `odd`") && error.to_string().contains("is not Serialize"), "{error}");
    assert_eq!(path(&lab.task("odd").states()), "Pending > Failed");
}

#[tokio::test(start_paused = true)]
async fn two_runtimes_of_one_store_run_a_serializable_key_once() {
    #[task(persist_result, cache = inputs, cache_isolation = serializable)]
    async fn once(n: u32) -> u64 {
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        sleep(Duration::from_secs(5)).await;
        COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + u64::from(n)
    }
    let folder = Folder::new("serializable");
    let (one, other) = (folder.runtime(), folder.runtime());
    let (one, other) = tokio::join!(
        one.run(async { once(1).return_state().await }),
        other.run(async {
            once(1).cache(cache::inputs()).cache_isolation(CacheIsolation::Serializable).return_state().await
        })
    );
    let mut names = [one.name().to_owned(), other.name().to_owned()];
    names.sort();
    assert_eq!(names, ["Cached", "Completed"]);
}
