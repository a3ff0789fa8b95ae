//! Variables without a server.

#[path = "things/variables.rs"]
mod variables;

use flowkit::prelude::*;
use flowkit::{ErrorKind, Records, Runtime, variable};
use serde_json::json;

#[task]
async fn count_up(name: String) -> flowkit::Result<u32> {
    let next = variable::get_or(&name, 0).await? + 1;
    variable::set(&name, &next).overwrite(true).await?;
    Ok(next)
}

#[task]
fn count_up_on_a_thread(name: String) -> flowkit::Result<u32> {
    let next = variable::get_or(&name, 0).blocking()? + 1;
    variable::set(&name, &next).overwrite(true).blocking()?;
    Ok(next)
}

#[flow]
async fn counts() -> flowkit::Result<(u32, u32)> {
    Ok((count_up("runs").await?, count_up_on_a_thread("runs").await?))
}

#[tokio::test(start_paused = true)]
async fn variables_in_memory() {
    Runtime::ephemeral().run(variables::hold("memory")).await;
}

#[tokio::test(start_paused = true)]
async fn variables_in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = Runtime::builder().embedded(folder.path().join("runs.db")).build().expect("a file");
    runtime.run(variables::hold("file")).await;
}

#[tokio::test(start_paused = true)]
async fn runs_of_every_kind_share_them_and_other_runtimes_do_not() {
    let runtime = Runtime::ephemeral();
    assert_eq!(runtime.run(async { counts().await }).await.expect("it counts"), (1, 2));
    assert_eq!(runtime.run(variable::get::<u32>("runs").into_future()).await.expect("it is there"), 2);
    let known: Vec<_> = runtime.history().expect("in memory").variables();
    assert_eq!((known.len(), known[0].name.as_str(), &known[0].value), (1, "runs", &json!(2)));
    let other = Runtime::ephemeral().run(variable::get::<u32>("runs").into_future()).await;
    assert!(other.expect_err("it is another runtime").is_not_found());
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_variable_fails_the_run_that_asked_for_it() {
    let runtime = Runtime::ephemeral();
    runtime.run(variable::set("runs", "often").into_future()).await.expect("it is set");
    let error = runtime.run(async { counts().await }).await.expect_err("it is no number");
    let why = "variable `runs` holds text, which is no `u32`: invalid type: string \"often\", expected u32";
    assert!(error.chain().contains(why), "{error:?}");
}

#[test]
fn they_are_there_without_any_async_runtime() {
    assert!(!variable::unset("of-main").blocking().expect("there is none"));
    variable::set("of-main", &7).blocking().expect("it is set");
    assert_eq!(variable::get::<u8>("of-main").blocking().expect("it is there"), 7);
    assert_eq!(variable::read("of-main").blocking().expect("it is there").value, json!(7));
    let error = variable::set("of-main", &8).blocking().expect_err("it is there");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test(start_paused = true)]
async fn what_is_set_in_a_file_is_there_in_the_next_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let open = || Runtime::builder().embedded(&path).build().expect("a file");
    let first = open();
    first
        .run(async {
            variable::set("kept", &json!({"at": 1})).tags(["a", "b"]).await.expect("it is set");
            variable::set("changed", &1).await.expect("it is set");
            variable::set("changed", &2).overwrite(true).await.expect("it is set");
            variable::set("gone", &1).await.expect("it is set");
            assert!(variable::unset("gone").await.expect("it is removed"));
        })
        .await;
    // Each of them is on disk once it is answered, and nothing was flushed.
    let read = || Records::open(&path).and_then(|records| records.variables()).expect("variables");
    let before = read();
    let names: Vec<_> = before.iter().map(|one| (one.name.as_str(), one.value.to_string())).collect();
    assert_eq!(names, [("changed", "2".to_owned()), ("kept", r#"{"at":1}"#.to_owned())]);
    assert_eq!(before[1].tags, ["a", "b"]);
    drop(first);

    let second = open();
    assert_eq!(second.history().expect("in memory too").variables(), before);
    second
        .run(async {
            assert_eq!(variable::get::<u32>("changed").await.expect("it is there"), 2);
            let error = variable::set("kept", &0).await.expect_err("it is there");
            assert_eq!(error.kind(), ErrorKind::AlreadyExists);
            assert!(variable::get::<u32>("gone").await.expect_err("it is gone").is_not_found());
            variable::set("changed", &3).overwrite(true).await.expect("it is set");
        })
        .await;
    let after = read();
    assert_eq!((after[0].created, after[0].value.clone()), (before[0].created, json!(3)));
}

#[tokio::test(start_paused = true)]
async fn a_file_of_before_there_were_variables_gets_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let file = rusqlite::Connection::open(&path).expect("a database");
    file.execute_batch(include_str!("formats/2.sql")).expect("an older file");
    drop(file);
    assert_eq!(Records::open(&path).and_then(|records| records.variables()).expect("there are none"), []);
    let runtime = Runtime::builder().embedded(&path).build().expect("it is brought forward");
    runtime.run(variable::set("new", &1).into_future()).await.expect("there is room for it");
    assert_eq!(Records::open(&path).and_then(|records| records.variables()).expect("variables").len(), 1);
}
