//! Blocks at a real server, shared with Python.

#[path = "things/blocks.rs"]
mod blocks;
#[path = "things/hidden.rs"]
mod hidden;

use std::collections::BTreeMap;

use flowkit::Secret;
use flowkit::block::{self, Webhook};
use flowkit_tests::live::{self, at};
use serde_json::{Value, json};

/// The Python class of the same types as those in `blocks`.
const CLASSES: &str = "\
import json
from typing import Optional
from pydantic import Field, SecretStr
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.blocks.webhook import Webhook
from prefect.types import SecretDict

class Credentials(Block):
    '''Who may use the warehouse.'''
    _block_type_name = 'FK Credentials'
    _block_type_slug = 'fk-credentials'
    _code_example = 'none'
    user: str
    password: SecretStr

class Warehouse(Block):
    '''Where the warehouse is.'''
    _block_type_name = 'FK Warehouse'
    _block_type_slug = 'fk-warehouse'
    host: str = Field(description='The host.')
    ports: list[int]
    options: Optional[SecretDict] = None
    credentials: Credentials
    spare: Optional[Credentials] = None
";

#[test]
fn blocks_at_the_server() {
    let Some(server) = live::server() else { return };
    at(&server.api_url(), blocks::hold("rust"));
}

#[test]
fn python_loads_what_rust_has_saved() {
    let Some(server) = live::server() else { return };
    at(&server.api_url(), async {
        block::save("rs-text", &blocks::text("text from Rust, ü")).await.expect("it is saved");
        let value = Secret::<Value>::new(json!({"keys": ["json-from-rust"]}));
        block::save("rs-json", &value).await.expect("it is saved");
        let mut webhook = Webhook::new("https://example.com/from-rust");
        webhook.headers = Secret::new(BTreeMap::from([("X-Token".to_owned(), "header-from-rust".to_owned())]));
        block::save("rs-webhook", &webhook).await.expect("it is saved");
        block::save("rs-inner", &blocks::credentials("inner-from-rust")).await.expect("it is saved");
        let credentials = block::nested("rs-inner").await.expect("it is there");
        let spare = Some(blocks::credentials("spare-from-rust").into());
        let (host, ports) = ("h".to_owned(), vec![1, 2]);
        let outer = blocks::Warehouse { host, ports, options: None, credentials, spare };
        block::save("rs-outer", &outer).await.expect("it is saved");
    });
    let seen = server.python_json(&format!(
        "{CLASSES}\n\
             hook, outer = Webhook.load('rs-webhook'), Block.load('fk-warehouse/rs-outer')\n\
             inner = Block.load('fk-credentials/rs-inner')\n\
             print(json.dumps([\n    \
                 Secret.load('rs-text').get(), Secret.load('rs-json').get(),\n    \
                 hook.url.get_secret_value(), hook.headers.get_secret_value(), hook.method,\n    \
                 inner.user, inner.password.get_secret_value(),\n    \
                 type(outer).__name__, outer.host, outer.ports, outer.credentials.password.get_secret_value(),\n    \
                 outer.credentials._block_document_name, outer.spare.password.get_secret_value(),\n    \
                 outer.options is None, str(outer),\n\
             ]))\n"
    ));
    assert_eq!(seen[0], "text from Rust, ü");
    assert_eq!(seen[1], json!({"keys": ["json-from-rust"]}));
    let hook = json!(["https://example.com/from-rust", {"X-Token": "header-from-rust"}, "POST"]);
    assert_eq!(json!([seen[2], seen[3], seen[4]]), hook);
    assert_eq!(json!([seen[5], seen[6]]), json!(["etl", "inner-from-rust"]));
    let outer = json!(["Warehouse", "h", [1, 2], "inner-from-rust", "rs-inner", "spare-from-rust", true]);
    assert_eq!(json!(seen.as_array().map(|seen| &seen[7..14])), outer);
    let shown = seen[14].as_str().expect("text");
    assert!(!shown.contains("from-rust"), "{shown}");

    // Read without secrets, as the UI does, there are none.
    for path in ["secret/block_documents/name/rs-text", "fk-warehouse/block_documents/name/rs-outer"] {
        let shown = server.get(&format!("/block_types/slug/{path}")).to_string();
        assert!(shown.contains("********") && !shown.contains("from-rust") && !shown.contains("from Rust"), "{shown}");
    }
}

#[test]
fn rust_loads_what_python_has_saved() {
    let Some(server) = live::server() else { return };
    server.python(&format!(
        "{CLASSES}\n\
         Secret(value='text from Python, ü').save('py-text')\n\
         Secret(value={{'keys': ['json-from-python']}}).save('py-json')\n\
         Secret(value='[\"list-from-python\"]').save('py-said')\n\
         Webhook(url='https://example.com/from-python', headers={{'X': 'header-from-python'}}).save('py-webhook')\n\
         inner = Credentials(user='etl', password='inner-from-python')\n\
         inner.save('py-inner')\n\
         spare = Credentials(user='etl', password='spare-from-python')\n\
         Warehouse(host='h', ports=[7], options={{'k': 'option-from-python'}}, credentials=inner, spare=spare).save('py-outer')\n"
    ));
    at(&server.api_url(), async {
        assert_eq!(block::secret("py-text").await.expect("it is there").expose(), "text from Python, ü");
        let value = block::load::<Secret<Value>>("py-json").await.expect("it is there");
        assert_eq!(value.expose(), &json!({"keys": ["json-from-python"]}));
        let list = block::load::<Secret<Vec<String>>>("py-said").await.expect("it is there");
        assert_eq!(list.expose(), &["list-from-python"]);
        let hook = block::load::<Webhook>("py-webhook").await.expect("it is there");
        assert_eq!((hook.url.expose().as_str(), hook.method.as_str()), ("https://example.com/from-python", "POST"));
        assert_eq!(hook.headers.expose()["X"], "header-from-python");
        let outer = block::load::<blocks::Warehouse>("py-outer").await.expect("it is there");
        assert_eq!((outer.host.as_str(), &outer.ports[..]), ("h", &[7][..]));
        assert_eq!(outer.credentials.password.expose(), "inner-from-python");
        assert_eq!(outer.credentials.name(), Some("py-inner"));
        assert_eq!(outer.options.as_ref().expect("they are set").expose()["k"], "option-from-python");
        let spare = outer.spare.as_ref().expect("it is set");
        assert_eq!((spare.password.expose().as_str(), spare.name()), ("spare-from-python", None));

        // Replaced here, and read there.
        block::save("py-inner", &blocks::credentials("replaced-by-rust"))
            .overwrite(true)
            .await
            .expect("it is replaced");
    });
    let seen = server.python_json(&format!(
        "{CLASSES}\nprint(json.dumps(Warehouse.load('py-outer').credentials.password.get_secret_value()))\n"
    ));
    assert_eq!(seen, "replaced-by-rust");
}

#[test]
fn a_secret_is_in_no_request_but_those_about_the_block() {
    let Some(server) = live::server() else { return };
    let (url, recording) = server.recorded();
    at(&url, hidden::everything("hidden-3f9a1c"));
    let all = recording.all();
    let (about, others): (Vec<_>, Vec<_>) = all.iter().partition(|said| said.line.contains("/block_documents/"));
    let has = |text: &str, hidden: &str| text.contains(hidden);
    // The calls that must have it: those that save it, and the answers to those that ask for it.
    for said in &about {
        let asked = said.line.contains("include_secrets=true");
        let sent = said.line.starts_with("POST ");
        assert_eq!(has(&said.request, hidden::HIDDEN), sent, "{}", said.line);
        assert_eq!(has(&said.answer, hidden::HIDDEN), asked, "{}", said.line);
    }
    assert!(about.len() >= 4, "{about:?}");
    for path in ["/logs/", "/set_state", "/events", "/artifacts/"] {
        let seen = others.iter().any(|said| said.line.contains(path) && has(&said.request, hidden::SEEN));
        assert!(seen, "{path} among {:?}", others.iter().map(|said| &said.line).collect::<Vec<_>>());
    }
    for said in others {
        assert!(!has(&said.request, hidden::HIDDEN) && !has(&said.answer, hidden::HIDDEN), "{said:?}");
    }
}

/// The schema is the same whoever registers it, so that neither changes what the other has saved.
#[test]
fn both_sides_agree_on_the_schema_of_equal_types() {
    let Some(server) = live::server() else { return };
    at(&server.api_url(), async {
        block::save("both", &blocks::credentials("of-both")).await.expect("it is saved");
    });
    let ours = server.get("/block_types/slug/fk-credentials/block_documents/name/both");
    let theirs = server.python_json(&format!(
        "{CLASSES}\nprint(json.dumps([Credentials._calculate_schema_checksum(), Credentials.model_json_schema()]))\n"
    ));
    assert_eq!(ours["block_schema"]["checksum"], theirs[0], "{}\n{}", ours["block_schema"]["fields"], theirs[1]);
}
