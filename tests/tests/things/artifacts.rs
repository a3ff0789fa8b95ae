//! What artifacts do on every backend. The keys begin with a prefix, so that a server can be shared.

use std::collections::BTreeMap;

use flowkit::artifact::{self, Artifact, ArtifactKind};
use flowkit::prelude::*;
use flowkit::{Error, ErrorKind, Secret, runtime};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Price {
    product: String,
    euros: f64,
    note: Option<Secret>,
}

fn price(product: &str, euros: f64) -> Price {
    Price { product: product.to_owned(), euros, note: None }
}

#[task]
async fn report(key: String) -> flowkit::Result<Artifact> {
    let task = runtime::task_run().expect("a body is in a run").id();
    let made = artifact::markdown("# All *is* well").key(key).description("Read me").await?;
    assert_eq!(made.task_run_id, Some(task));
    Ok(made)
}

#[task]
fn report_of_a_thread(key: String) -> flowkit::Result<Artifact> {
    let made = artifact::link("https://example.com/a").text("A").key(&key).blocking()?;
    assert_eq!(artifact::get(key).blocking()?.id, made.id);
    Ok(made)
}

#[flow]
async fn reports(prefix: String) -> flowkit::Result<Vec<Artifact>> {
    let flow_run = runtime::flow_run().map(|run| run.id());
    let of_task = report(format!("{prefix}-report")).await?;
    let of_thread = report_of_a_thread(format!("{prefix}-link")).await?;
    let of_flow = artifact::image("https://example.com/a.png").await?;
    assert_eq!([&of_task, &of_thread, &of_flow].map(|made| made.flow_run_id), [flow_run; 3]);
    Ok(vec![of_task, of_thread, of_flow])
}

/// Everything at once, in the order in which a reader would try it.
pub(crate) async fn hold(prefix: &str) {
    each_kind_is_what_it_was_made_as(prefix).await;
    a_table_is_read_as_the_rows_it_was_made_of(prefix).await;
    the_last_of_a_key_is_read(prefix).await;
    progress_changes_while_it_goes_on(prefix).await;
    secrets_are_masked(prefix).await;
    what_cannot_be_is_refused(prefix).await;
}

async fn each_kind_is_what_it_was_made_as(prefix: &str) {
    let made = reports(prefix.to_owned()).await.expect("they are made");
    let facts: Vec<_> = made.iter().map(|made| (made.kind.clone(), made.text().expect("a text"))).collect();
    let expected = [
        (ArtifactKind::Markdown, "# All *is* well"),
        (ArtifactKind::Markdown, "[A](https://example.com/a)"),
        (ArtifactKind::Image, "https://example.com/a.png"),
    ];
    assert_eq!(facts, expected);
    assert_eq!((made[0].description.as_deref(), made[2].key.as_deref()), (Some("Read me"), None));
    assert_eq!((made[1].task_run_id.is_some(), made[2].task_run_id), (true, None));
    let read = artifact::get(format!("{prefix}-report")).await.expect("it is there");
    assert_eq!(read, made[0]);

    let plain = artifact::link("https://example.com").await.expect("also outside of runs");
    assert_eq!(plain.text(), Some("[https://example.com](https://example.com)"));
    assert_eq!((plain.flow_run_id, plain.task_run_id), (None, None));
    assert!(plain.created <= plain.updated && plain.created.unix_micros() > 0);
}

async fn a_table_is_read_as_the_rows_it_was_made_of(prefix: &str) {
    let key = format!("{prefix}-prices");
    let prices = [price("tea", 2.5), price("\"Öl\"\n", 8.0)];
    artifact::table(&prices).key(&key).await.expect("it is made");
    let read = artifact::get(&key).await.expect("it is there");
    assert_eq!((read.kind.as_str(), read.text()), ("table", None));
    assert_eq!(read.rows::<Price>().expect("they are prices"), prices);
    let error = read.rows::<Vec<u32>>().expect_err("they are no lists");
    assert_eq!(error.kind(), ErrorKind::WrongType);
    let why = format!(
        "artifact `{key}` has a row 1 that is no `alloc::vec::Vec<u32>`: invalid type: map, expected a sequence"
    );
    assert_eq!(error.to_string(), why);

    let columns = BTreeMap::from([("euros", vec![json!(1.0), json!(2.0)]), ("product", vec![json!("a"), json!("b")])]);
    let made = artifact::table(&columns).await.expect("columns make a table");
    assert_eq!(made.rows::<Price>().expect("they are prices"), [price("a", 1.0), price("b", 2.0)]);
    let cells = artifact::table(&[[1.5, f64::NAN], [2.0, 3.0]]).await.expect("lists of cells make a table");
    let cells = cells.rows::<Vec<Option<f64>>>().expect("they are cells");
    assert_eq!(cells, [[Some(1.5), None], [Some(2.0), Some(3.0)]]);
    let none: [Price; 0] = [];
    assert_eq!(artifact::table(&none).await.expect("a table without rows").rows::<Price>().expect("none"), none);
}

async fn the_last_of_a_key_is_read(prefix: &str) {
    let key = format!("{prefix}-versions");
    let error = artifact::get(&key).await.expect_err("there is none");
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), format!("there is no artifact with the key `{key}`"));
    for version in 1..=3 {
        artifact::markdown(format!("version {version}")).key(&key).await.expect("it is made");
    }
    assert_eq!(artifact::get(&key).await.expect("it is there").text(), Some("version 3"));
    let error = artifact::get(&key).await.expect("it is there").rows::<Value>().expect_err("it is no table");
    assert_eq!(error.to_string(), format!("artifact `{key}` is markdown, and no table"));
}

#[task]
async fn step(item: u32, progress: artifact::Progress) -> flowkit::Result<u32> {
    progress.advance().await?;
    Ok(item)
}

async fn progress_changes_while_it_goes_on(prefix: &str) {
    let key = format!("{prefix}-progress");
    let shown = || async { artifact::get(&key).await.expect("it is there").percent().expect("a number") };
    let progress = artifact::progress().key(&key).description("Items").steps(30).await.expect("it is shown");
    assert_eq!((progress.artifact().kind.clone(), progress.percent()), (ArtifactKind::Progress, 0.0));
    assert_eq!(shown().await, 0.0);
    progress.set(12.25).await.expect("it is shown");
    assert_eq!((shown().await, progress.percent()), (12.25, 12.25));
    progress.set(0).await.expect("it may go back");
    flowkit::map(1..=15, |n| step(n, progress.clone())).limit(5).await.expect("all are done");
    assert_eq!((shown().await, progress.percent()), (50.0, 50.0));
    flowkit::map(1..=20, |n| step(n, progress.clone())).limit(5).await.expect("more than there are steps");
    assert_eq!((shown().await, progress.percent()), (100.0, 100.0));
    for (percent, told) in [(101.0, "101"), (-0.5, "-0.5"), (f64::NAN, "NaN")] {
        let error = progress.set(percent).await.expect_err("it is no percentage");
        assert_eq!(error.kind(), ErrorKind::Input);
        assert_eq!(error.to_string(), format!("a progress of {told} % cannot be: 0 to 100 are accepted"));
    }
    assert_eq!(shown().await, 100.0);
}

async fn secrets_are_masked(prefix: &str) {
    let key = format!("{prefix}-secrets");
    let secret = Secret::<String>::new("\"open\\sesame\"");
    let text = format!("the word is {}", secret.expose());
    let made = artifact::markdown(&text).key(&key).description(&text).await.expect("it is made");
    assert_eq!((made.text(), made.description.as_deref()), (Some("the word is **********"), made.text()));
    assert_eq!(artifact::get(&key).await.expect("it is there"), made);
    let row = json!({"a": secret.expose(), "b": [text], "c": secret});
    let made = artifact::table(&[row]).await.expect("it is made");
    let rows = made.rows::<Value>().expect("rows");
    assert_eq!(rows, [json!({"a": "**********", "b": ["the word is **********"], "c": "**********"})]);
    let made = artifact::link(secret.expose()).text(secret.expose()).await.expect("it is made");
    assert_eq!(made.text(), Some("[**********](**********)"));
    let of_key = Secret::<String>::new("a-secret-key");
    let error = artifact::markdown("").key(of_key.expose()).await.expect_err("a key is seen");
    assert_eq!(error.to_string(), "the key of an artifact holds a secret");
}

async fn what_cannot_be_is_refused(prefix: &str) {
    let refused = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Input, "{error}");
        error.to_string()
    };
    let key = format!("{prefix}_report");
    let accepted = "lowercase letters, digits and dashes are accepted";
    let odd = format!("`{key}` cannot be the key of an artifact because of '_': {accepted}");
    assert_eq!(refused(artifact::markdown("").key(&key).await.expect_err("no key")), odd);
    assert_eq!(refused(artifact::link("").key(&key).await.expect_err("no key")), odd);
    assert_eq!(refused(artifact::progress().key(&key).await.expect_err("no key")), odd);
    assert_eq!(refused(artifact::get(&key).await.expect_err("no key")), odd);
    let empty = refused(artifact::image("").key("").await.expect_err("no key"));
    assert_eq!(empty, format!("the key of an artifact is empty: {accepted}"));
    let accepted = "a table is a list of rows (structs, maps or lists of cells) or a map of columns (lists)";
    assert_eq!(refused(artifact::table("rows").await.expect_err("text")), format!("{accepted}: this is neither"));
    assert_eq!(refused(artifact::table(&[1]).await.expect_err("numbers")), format!("{accepted}: row 1 is neither"));
    let odd = BTreeMap::from([((1, 2), 3)]);
    let error = refused(artifact::table(&odd).await.expect_err("no JSON"));
    assert_eq!(error, "the table cannot be written as JSON");
}
