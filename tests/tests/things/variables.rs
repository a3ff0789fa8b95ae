//! What variables do on every backend. The names begin with a prefix, so that a server can be shared.

use flowkit::{Error, ErrorKind, Secret, variable};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Window {
    from: String,
    days: Vec<u8>,
    note: Option<String>,
}

/// Everything at once, in the order in which a reader would try it.
pub(crate) async fn hold(prefix: &str) {
    what_is_set_is_read_as_what_it_was(prefix).await;
    a_missing_one_and_one_of_another_type_are_different_errors(prefix).await;
    one_that_is_there_is_replaced_only_if_asked_for(prefix).await;
    what_is_unset_is_gone(prefix).await;
    what_cannot_be_is_refused(prefix).await;
}

async fn what_is_set_is_read_as_what_it_was(prefix: &str) {
    let name = |of: &str| format!("{prefix}-{of}");
    let window = Window { from: "22:00 Ü".to_owned(), days: vec![1, 7], note: None };
    variable::set(name("window"), &window).await.expect("it is set");
    assert_eq!(variable::get::<Window>(name("window")).await.expect("it is there"), window);
    variable::set(name("text"), "two\nlines").await.expect("it is set");
    assert_eq!(variable::get::<String>(name("text")).await.expect("it is there"), "two\nlines");
    variable::set(name("number"), &0.25).await.expect("it is set");
    assert_eq!(variable::get::<f64>(name("number")).await.expect("it is there"), 0.25);
    variable::set(name("big"), &i64::MAX).await.expect("it is set");
    assert_eq!(variable::get_or(name("big"), 0_i64).await.expect("it is there"), i64::MAX);
    variable::set(name("nothing"), &None::<u32>).await.expect("it is set");
    assert_eq!(variable::get::<Option<u32>>(name("nothing")).await.expect("it is there"), None);
    assert_eq!(variable::get_or(name("nothing"), Some(7)).await.expect("it is there"), None);

    variable::set(name("tagged"), &[1, 2]).tags(["etl"]).tags(["night", "eu"]).await.expect("it is set");
    let read = variable::read(name("tagged")).await.expect("it is there");
    assert_eq!((read.name, read.value), (name("tagged"), json!([1, 2])));
    assert_eq!(read.tags, ["etl", "night", "eu"]);
    assert!(read.created <= read.updated && read.created.unix_micros() > 0, "{} {}", read.created, read.updated);
}

async fn a_missing_one_and_one_of_another_type_are_different_errors(prefix: &str) {
    let name = format!("{prefix}-many");
    let error = variable::get::<u32>(&name).await.expect_err("it is not there");
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), format!("there is no variable `{name}`"));
    assert!(variable::read(&name).await.expect_err("it is not there").is_not_found());
    assert_eq!(variable::get_or(&name, 5).await.expect("there is a default"), 5);
    assert_eq!(variable::get_or::<Option<u32>>(&name, None).await.expect("there is a default"), None);

    variable::set(&name, "many").await.expect("it is set");
    for error in [variable::get::<u32>(&name).await, variable::get_or(&name, 5).await].map(Result::unwrap_err) {
        assert_eq!(error.kind(), ErrorKind::WrongType);
        let why = "holds text, which is no `u32`: invalid type: string \"many\", expected u32";
        assert_eq!(error.to_string(), format!("variable `{name}` {why}"));
    }
    variable::set(&name, &json!({"from": "now", "days": [1, 700]})).overwrite(true).await.expect("it is set");
    let error = variable::get::<Window>(&name).await.expect_err("it is another type").to_string();
    assert!(error.contains("holds an object") && error.contains("days[1]: invalid value: integer `700`"), "{error}");
}

async fn one_that_is_there_is_replaced_only_if_asked_for(prefix: &str) {
    let name = format!("{prefix}-limit");
    variable::set(&name, &1).tags(["first"]).await.expect("it is set");
    for refused in [variable::set(&name, &2).await, variable::set(&name, &2).overwrite(false).await] {
        let error = refused.expect_err("it is there");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(error.to_string(), format!("variable `{name}` exists already: `.overwrite(true)` replaces it"));
    }
    assert_eq!(variable::get::<u32>(&name).await.expect("it is there"), 1);
    variable::set(&name, &json!({"now": "an object"})).overwrite(true).await.expect("it is replaced");
    let read = variable::read(&name).await.expect("it is there");
    assert_eq!((read.value, read.tags), (json!({"now": "an object"}), vec![]));
    let new = format!("{prefix}-new");
    variable::set(&new, &true).overwrite(true).await.expect("there is nothing to be replaced");
    assert!(variable::get::<bool>(&new).await.expect("it is there"));
}

async fn what_is_unset_is_gone(prefix: &str) {
    let name = format!("{prefix}-short");
    assert!(!variable::unset(&name).await.expect("there is nothing to be removed"));
    variable::set(&name, "here").await.expect("it is set");
    assert!(variable::unset(&name).await.expect("it is removed"));
    assert!(!variable::unset(&name).await.expect("it is gone"));
    assert!(variable::get::<Value>(&name).await.expect_err("it is gone").is_not_found());
    variable::set(&name, "again").await.expect("the name is free");
}

async fn what_cannot_be_is_refused(prefix: &str) {
    let refused = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Input, "{error}");
        error.to_string()
    };
    let accepted = "lowercase letters, digits, dashes and underscores are accepted, at most 255";
    let odd = format!("`Batch size` cannot be the name of a variable because of 'B': {accepted}");
    assert_eq!(refused(variable::set("Batch size", &1).await.expect_err("no name")), odd);
    assert_eq!(refused(variable::get::<u32>("Batch size").await.expect_err("no name")), odd);
    assert_eq!(refused(variable::get_or("Batch size", 1).await.expect_err("no name")), odd);
    assert_eq!(refused(variable::unset("Batch size").await.expect_err("no name")), odd);
    let long = "x".repeat(256);
    let why = format!("the name of a variable is 256 characters long: {accepted}");
    assert_eq!(refused(variable::read(long).await.expect_err("too long")), why);

    let name = format!("{prefix}-{}", "x".repeat(255 - prefix.len() - 1));
    variable::set(&name, &"x".repeat(4998)).await.expect("it is as long as can be");
    assert_eq!(variable::get::<String>(&name).await.expect("it is there").len(), 4998);
    let name = format!("{prefix}-long");
    let why = format!("the value of variable `{name}` is 5001 bytes of JSON, and may be at most 5000");
    assert_eq!(refused(variable::set(&name, &"x".repeat(4999)).await.expect_err("too long")), why);
    let why = format!("the value of variable `{name}` holds a Secret, of which only the mask could be read back");
    let secret = Secret::<String>::new("a-secret-of-variables");
    assert_eq!(refused(variable::set(&name, &vec![secret]).await.expect_err("a secret")), why);
    let odd = std::collections::BTreeMap::from([((1, 2), 3)]);
    let why = format!("the value of variable `{name}` cannot be written as JSON");
    assert_eq!(refused(variable::set(&name, &odd).await.expect_err("no JSON")), why);
    assert!(variable::get::<Value>(&name).await.expect_err("nothing was set").is_not_found());
}
