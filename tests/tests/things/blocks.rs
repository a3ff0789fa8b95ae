//! What blocks do on every backend. The names begin with a prefix, so that a server can be shared.

use std::collections::BTreeMap;

use flowkit::block::{self, CustomWebhook, DateTime, Json, Nested, SlackWebhook, Webhook};
use flowkit::{Block, Error, ErrorKind, Secret, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Who may use the warehouse.
#[derive(Block, Clone, Serialize, Deserialize, JsonSchema, PartialEq, Debug)]
#[block(name = "FK Credentials", slug = "fk-credentials", code_example = "none")]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: Secret,
}

/// Where the warehouse is.
#[derive(Block, Serialize, Deserialize, JsonSchema, PartialEq, Debug)]
#[block(name = "FK Warehouse", slug = "fk-warehouse", logo_url = "https://example.com/logo.png")]
pub(crate) struct Warehouse {
    /// The host.
    pub(crate) host: String,
    pub(crate) ports: Vec<i64>,
    pub(crate) options: Option<Secret<BTreeMap<String, String>>>,
    pub(crate) credentials: Nested<Credentials>,
    pub(crate) spare: Option<Nested<Credentials>>,
}

/// Has another type where `Credentials` has text.
#[derive(Block, Serialize, Deserialize, JsonSchema, Debug)]
#[block(name = "FK Credentials", slug = "fk-credentials", description = "Who may use the warehouse.")]
struct OddCredentials {
    user: String,
    password: u32,
}

pub(crate) fn text(text: impl Into<String>) -> Secret {
    Secret::new(text)
}

/// Everything at once, in the order in which a reader would try it.
pub(crate) async fn hold(prefix: &str) {
    secrets_come_back_as_they_were(prefix).await;
    one_that_is_there_is_replaced_only_if_asked_for(prefix).await;
    other_blocks_of_prefect_have_their_types(prefix).await;
    structs_are_blocks(prefix).await;
    blocks_are_in_blocks(prefix).await;
    what_is_not_there_or_another_thing_is_told_apart(prefix).await;
    what_cannot_be_is_refused(prefix).await;
}

async fn secrets_come_back_as_they_were(prefix: &str) {
    let name = |of: &str| format!("{prefix}-{of}");
    block::save(name("text"), &text("hunter two Ü\n\"")).await.expect("it is saved");
    assert_eq!(block::secret(name("text")).await.expect("it is there").expose(), "hunter two Ü\n\"");
    let value = json!({"user": "me", "keys": ["one-key", {"deep": [1, null, true]}]});
    block::save(name("json"), &Secret::<Value>::new(value.clone())).await.expect("it is saved");
    assert_eq!(block::load::<Secret<Value>>(name("json")).await.expect("it is there").into_exposed(), value);
    let list = vec!["first-of-list".to_owned(), "second-of-list".to_owned()];
    block::save(name("list"), &Secret::<Vec<String>>::new(list.clone())).await.expect("it is saved");
    assert_eq!(block::load::<Secret<Vec<String>>>(name("list")).await.expect("it is there").expose(), &list);
    // As the UI saves what people enter.
    block::save(name("said"), &text(r#"["first-of-list", "second-of-list"]"#)).await.expect("it is saved");
    assert_eq!(block::load::<Secret<Vec<String>>>(name("said")).await.expect("it is there").expose(), &list);

    assert!(block::delete::<Secret>(name("text")).await.expect("it is deleted"));
    assert!(!block::delete::<Secret>(name("text")).await.expect("it is gone"));
    assert!(block::secret(name("text")).await.expect_err("it is gone").is_not_found());
}

async fn one_that_is_there_is_replaced_only_if_asked_for(prefix: &str) {
    let name = format!("{prefix}-token");
    block::save(&name, &text("first-token")).await.expect("it is saved");
    for refused in [
        block::save(&name, &text("second-token")).await,
        block::save(&name, &text("second-token")).overwrite(false).await,
    ] {
        let error = refused.expect_err("it is there");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(error.to_string(), format!("block `secret/{name}` exists already: `.overwrite(true)` replaces it"));
    }
    assert_eq!(block::secret(&name).await.expect("it is there").expose(), "first-token");
    for value in [json!({"a": "an-object"}), json!({}), json!([]), json!("third-token")] {
        let secret = Secret::<Value>::new(value.clone());
        block::save(&name, &secret).overwrite(true).await.expect("it is replaced");
        assert_eq!(block::load::<Secret<Value>>(&name).await.expect("it is there").into_exposed(), value);
    }
    let new = format!("{prefix}-new");
    block::save(&new, &text("new-token")).overwrite(true).await.expect("there is nothing to be replaced");
    assert_eq!(block::secret(&new).await.expect("it is there").expose(), "new-token");
}

async fn other_blocks_of_prefect_have_their_types(prefix: &str) {
    let name = format!("{prefix}-same");
    let mut webhook = Webhook::new("https://example.com/webhook-token");
    webhook.method = "PUT".to_owned();
    webhook.headers = Secret::new(BTreeMap::from([("Authorization".to_owned(), "Bearer of-webhook".to_owned())]));
    let slack = SlackWebhook::new("https://hooks.slack.com/services/T0/B0/slack-token");
    let mut custom = CustomWebhook::new("pager", "https://example.com/custom");
    custom.json_data = json!({"text": "{{body}}", "token": "{{pager}}"}).as_object().cloned();
    custom.secrets = Secret::new(BTreeMap::from([("pager".to_owned(), "pager-token".to_owned())]));
    let value = Json(json!({"a": [1, 2.5, null], "b": {}}));
    let at = DateTime(Timestamp::from_unix_micros(1_700_000_000_123_456));
    // Each type has its own names.
    block::save(&name, &webhook).await.expect("a webhook");
    block::save(&name, &slack).await.expect("a channel");
    block::save(&name, &custom).await.expect("a custom one");
    block::save(&name, &value).await.expect("JSON");
    block::save(&name, &at).await.expect("a moment");
    assert_eq!(block::load::<Webhook>(&name).await.expect("it is there"), webhook);
    assert_eq!(block::load::<SlackWebhook>(&name).await.expect("it is there"), slack);
    assert_eq!(block::load::<CustomWebhook>(&name).await.expect("it is there"), custom);
    assert_eq!(block::load::<Json>(&name).await.expect("it is there"), value);
    assert_eq!(block::load::<DateTime>(&name).await.expect("it is there"), at);
}

pub(crate) fn credentials(password: &str) -> Credentials {
    Credentials { user: "etl".to_owned(), password: text(password) }
}

async fn structs_are_blocks(prefix: &str) {
    let name = format!("{prefix}-own");
    block::save(&name, &credentials("first-password")).await.expect("it is saved");
    assert_eq!(block::load::<Credentials>(&name).await.expect("it is there"), credentials("first-password"));
    // Registered again, with what is there already.
    block::save(&name, &credentials("second-password")).overwrite(true).await.expect("it is replaced");
    assert_eq!(block::load::<Credentials>(&name).await.expect("it is there"), credentials("second-password"));
}

async fn blocks_are_in_blocks(prefix: &str) {
    let (inner, outer) = (format!("{prefix}-inner"), format!("{prefix}-outer"));
    block::save(&inner, &credentials("inner-password")).await.expect("it is saved");
    let referred = block::nested::<Credentials>(&inner).await.expect("it is there");
    assert_eq!((referred.name(), referred.user.as_str()), (Some(inner.as_str()), "etl"));
    let warehouse = |credentials: Nested<Credentials>| Warehouse {
        host: "db.example.com".to_owned(),
        ports: vec![5432, -1],
        options: Some(Secret::new(BTreeMap::from([("sslkey".to_owned(), "key-of-options".to_owned())]))),
        credentials,
        spare: Some(Nested::from(Credentials { user: "in place".to_owned(), password: text("password-in-place") })),
    };
    block::save(&outer, &warehouse(referred.clone())).await.expect("it is saved");
    let loaded = block::load::<Warehouse>(&outer).await.expect("it is there");
    assert_eq!(loaded, warehouse(referred));
    assert_eq!(loaded.credentials.password.expose(), "inner-password");
    assert_eq!((loaded.credentials.name(), loaded.spare.as_ref().and_then(Nested::name)), (Some(inner.as_str()), None));
    // What is referred to is what it is by then.
    block::save(&inner, &credentials("other-password")).overwrite(true).await.expect("it is replaced");
    let mut again = block::load::<Warehouse>(&outer).await.expect("it is there");
    assert_eq!(again.credentials.password.expose(), "other-password");
    // What was loaded is saved as the reference that it was.
    again.spare = None;
    again.options = None;
    block::save(&outer, &again).overwrite(true).await.expect("it is replaced");
    let last = block::load::<Warehouse>(&outer).await.expect("it is there");
    assert_eq!(
        (last.credentials.name(), last.spare.is_none(), last.options.is_none()),
        (Some(inner.as_str()), true, true)
    );
}

async fn what_is_not_there_or_another_thing_is_told_apart(prefix: &str) {
    let name = format!("{prefix}-one");
    let error = block::secret(&name).await.expect_err("it is not there");
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), format!("there is no block `secret/{name}`"));

    block::save(&name, &credentials("password-of-one")).await.expect("it is saved");
    let error = block::secret(&name).await.expect_err("it is of another type");
    assert_eq!(error.kind(), ErrorKind::WrongType);
    let why = format!("there is no block `secret/{name}`, and `fk-credentials/{name}` is of another type");
    assert_eq!(error.to_string(), why);

    // The same type with other fields; what is there is not told, though it is no secret to that type.
    let error = block::load::<OddCredentials>(&name).await.expect_err("the fields are others");
    assert_eq!(error.kind(), ErrorKind::WrongType);
    let why = error.to_string();
    assert!(why.starts_with(&format!("block `fk-credentials/{name}` does not hold a `")), "{why}");
    assert!(why.ends_with("OddCredentials`: `password`: something else than u32 is there"), "{why}");
    let error = block::load::<Secret<Vec<String>>>(format!("{prefix}-new")).await.expect_err("it is text");
    assert!(error.to_string().ends_with("`value`: a secret of another type"), "{error}");
}

async fn what_cannot_be_is_refused(prefix: &str) {
    let refused = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Input, "{error}");
        error.to_string()
    };
    let accepted = "lowercase letters, digits and dashes are accepted";
    let odd = format!("`db_password` cannot be the name of a block because of '_': {accepted}");
    assert_eq!(refused(block::save("db_password", &text("any-text")).await.expect_err("no name")), odd);
    assert_eq!(refused(block::secret("db_password").await.expect_err("no name")), odd);
    assert_eq!(refused(block::nested::<Credentials>("db_password").await.expect_err("no name")), odd);
    assert_eq!(refused(block::delete::<Secret>("db_password").await.expect_err("no name")), odd);

    let name = format!("{prefix}-mask");
    let why = format!("a secret of block `secret/{name}` is `********`, which stands for a secret that is not shown");
    assert_eq!(refused(block::save(&name, &text("********")).await.expect_err("a mask")), why);
    assert!(block::secret(&name).await.expect_err("nothing was saved").is_not_found());
}
