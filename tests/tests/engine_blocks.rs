//! Blocks without a server.

#[path = "things/blocks.rs"]
mod blocks;
#[path = "things/hidden.rs"]
mod hidden;

use std::path::Path;

use flowkit::prelude::*;
use flowkit::{ErrorKind, Runtime, Secret, block};

/// 32 bytes in base64.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[tokio::test(start_paused = true)]
async fn blocks_in_memory() {
    Runtime::ephemeral().run(blocks::hold("memory")).await;
}

#[tokio::test(start_paused = true)]
async fn blocks_in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = Runtime::builder().embedded(folder.path().join("runs.db")).block_key(KEY).build().expect("a file");
    runtime.run(blocks::hold("file")).await;
}

#[test]
fn they_are_there_without_any_async_runtime() {
    block::save("of-main", &blocks::text("secret-of-main")).blocking().expect("it is saved");
    assert_eq!(block::secret("of-main").blocking().expect("it is there").expose(), "secret-of-main");
    assert!(block::delete::<Secret>("of-main").blocking().expect("it is deleted"));
    assert!(block::nested::<blocks::Credentials>("of-main").blocking().expect_err("there is none").is_not_found());
}

#[tokio::test(start_paused = true)]
async fn what_is_saved_in_a_file_is_there_in_the_next_process_that_has_the_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let open = |key: Option<&str>| {
        let builder = Runtime::builder().embedded(&path);
        key.map_or_else(|| Runtime::builder().embedded(&path), |key| builder.block_key(key)).build().expect("a file")
    };
    let first = open(Some(KEY));
    first
        .run(async {
            block::save("inner", &blocks::credentials("kept-password")).await.expect("it is saved");
            let credentials = block::nested("inner").await.expect("it is there");
            let (host, ports) = ("h".to_owned(), vec![]);
            let outer = blocks::Warehouse { host, ports, options: None, credentials, spare: None };
            block::save("outer", &outer).await.expect("it is saved");
            block::save("plain", &block::Json(serde_json::json!([1]))).await.expect("it is saved");
            block::save("gone", &blocks::text("gone-secret")).await.expect("it is saved");
            assert!(block::delete::<Secret>("gone").await.expect("it is deleted"));
        })
        .await;
    drop(first);

    let second = open(Some(KEY));
    second
        .run(async {
            let outer = block::load::<blocks::Warehouse>("outer").await.expect("it is kept");
            assert_eq!(
                (outer.credentials.name(), outer.credentials.password.expose().as_str()),
                (Some("inner"), "kept-password")
            );
            assert!(block::secret("gone").await.expect_err("it is gone").is_not_found());
        })
        .await;
    drop(second);

    let other = block::new_key().expect("a key");
    for (key, why) in [
        (
            Some(other.as_str()),
            "block `fk-credentials/inner` was saved with another key than that of FLOWKIT_BLOCK_KEY, or its row is damaged",
        ),
        (None, "block `fk-credentials/inner` is encrypted: set FLOWKIT_BLOCK_KEY to the key with which it was saved"),
    ] {
        let runtime = open(key);
        let error = runtime.run(block::load::<blocks::Credentials>("inner").into_future()).await.expect_err("no key");
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Settings, why));
        let plain = runtime.run(block::load::<block::Json>("plain").into_future()).await.expect("it needs no key");
        assert_eq!(plain.0, serde_json::json!([1]));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_key_nothing_secret_gets_into_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = Runtime::builder().embedded(folder.path().join("runs.db")).build().expect("a file");
    let save = block::save("db-password", &blocks::text("never-stored"));
    let error = runtime.run(save.into_future()).await.expect_err("there is no key");
    assert_eq!(error.kind(), ErrorKind::Settings);
    let why = "block `secret/db-password` has secrets, which are kept encrypted in a file: set FLOWKIT_BLOCK_KEY (or \
               `Runtime::builder().block_key(..)`) to a key; `openssl rand -base64 32` or `flowkit::block::new_key()` makes one";
    assert_eq!(error.to_string(), why);
    assert!(runtime.run(block::secret("db-password").into_future()).await.expect_err("it is not there").is_not_found());
    let error = Runtime::builder().embedded(folder.path().join("b.db")).block_key("short").build().expect_err("no key");
    assert!(error.to_string().starts_with("the setting FLOWKIT_BLOCK_KEY must be 32 bytes in base64"), "{error}");
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Tells whether any file in the folder has the text: the database, its log, and what lies beside it.
fn any_file_has(folder: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(folder).expect("a folder").flatten();
    files.map(|file| std::fs::read(file.path()).expect("a file")).any(|bytes| contains(&bytes, text))
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_in_no_log_line_state_event_or_page_of_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let runtime = Runtime::builder().embedded(&path).block_key(KEY).build().expect("a file");
    runtime.run(hidden::everything("hidden")).await;
    // What lies beside the database until it is in there.
    assert!(!any_file_has(folder.path(), hidden::HIDDEN));
    assert!(runtime.flush(std::time::Duration::from_secs(30)).await.is_empty());
    assert!(any_file_has(folder.path(), hidden::SEEN) && !any_file_has(folder.path(), hidden::HIDDEN));
    let history = runtime.history().expect("in memory too");
    let runs: Vec<_> = history
        .flow_runs()
        .iter()
        .map(|run| format!("{} {:?} {:?}", run.name(), run.parameters(), run.states()))
        .collect();
    let tasks: Vec<_> = history.task_runs().iter().map(|run| format!("{} {:?}", run.name(), run.states())).collect();
    let logs: Vec<_> = history.logs().iter().map(|line| line.message.clone()).collect();
    let artifacts = history.artifacts();
    for told in [format!("{tasks:?}"), format!("{logs:?}"), format!("{artifacts:?}")] {
        assert!(told.contains(hidden::SEEN) && !told.contains(hidden::HIDDEN), "{told}");
    }
    let told = format!("{runs:?} {runtime:?}");
    assert!(runs.len() == 2 && !told.contains(hidden::HIDDEN), "{told}");
    drop(runtime);
    assert!(any_file_has(folder.path(), hidden::SEEN) && !any_file_has(folder.path(), hidden::HIDDEN));
    // It is there all the same.
    let runtime = Runtime::builder().embedded(&path).block_key(KEY).build().expect("a file");
    let secret = runtime.run(block::secret("hidden").into_future()).await.expect("it is kept");
    assert_eq!(secret.expose(), hidden::HIDDEN);
}

#[tokio::test(start_paused = true)]
async fn a_file_of_before_there_were_blocks_gets_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let file = rusqlite::Connection::open(&path).expect("a database");
    file.execute_batch(include_str!("formats/2.sql")).expect("an older file");
    drop(file);
    let open = || Runtime::builder().embedded(&path).block_key(KEY).build().expect("it is brought forward");
    let save = block::save("new", &blocks::text("new-secret"));
    open().run(save.into_future()).await.expect("there is room for it");
    let loaded = open().run(block::secret("new").into_future()).await.expect("it is kept");
    assert_eq!(loaded.expose(), "new-secret");
}

#[task]
async fn uses() -> anyhow::Result<String> {
    let password = block::secret("db-password").await?;
    tracing::info!("using {}", password.expose());
    anyhow::bail!("{} was not accepted", password.expose())
}

#[tokio::test(start_paused = true)]
async fn what_is_loaded_is_masked_in_logs_and_errors_of_runs() {
    let runtime = Runtime::ephemeral();
    let error = runtime
        .run(async {
            block::save("db-password", &blocks::text("masked-password")).await.expect("it is saved");
            uses().await.expect_err("it fails")
        })
        .await;
    assert_eq!(error.kind(), ErrorKind::Failed);
    let history = runtime.history().expect("in memory");
    let state = history.task_runs()[0].state();
    assert_eq!(state.message(), Some("Task run encountered an exception: ********** was not accepted"));
    assert!(history.logs().iter().any(|line| line.message == "using **********"));
}
