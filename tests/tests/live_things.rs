//! Variables and artifacts at a real server, shared with Python.

#[path = "things/artifacts.rs"]
mod artifacts;
#[path = "things/variables.rs"]
mod variables;

use flowkit::artifact::{self, ArtifactKind};
use flowkit::prelude::*;
use flowkit::{ErrorKind, Runtime, runtime, variable};
use flowkit_tests::live::{self, at};
use serde::Deserialize;
use serde_json::{Value, json};

#[test]
fn variables_at_the_server() {
    let Some(server) = live::server() else { return };
    at(&server.api_url(), variables::hold("rust"));
}

#[test]
fn artifacts_at_the_server() {
    let Some(server) = live::server() else { return };
    at(&server.api_url(), artifacts::hold("rust"));
}

#[derive(Deserialize, PartialEq, Debug)]
struct Window {
    from: String,
    days: Vec<u8>,
}

#[test]
fn variables_go_both_ways() {
    let Some(server) = live::server() else { return };
    server.python(
        "from prefect.variables import Variable\n\
         Variable.set('py-window', {'from': '22:00', 'days': [1, 7]}, tags=['etl'])\n\
         Variable.set('py-text', 'a text')\n\
         Variable.set('py-none', None)\n\
         Variable.set('py-shared', 1)\n",
    );
    at(&server.api_url(), async {
        let window = Window { from: "22:00".to_owned(), days: vec![1, 7] };
        assert_eq!(variable::get::<Window>("py-window").await.expect("Python has set it"), window);
        assert_eq!(variable::read("py-window").await.expect("Python has set it").tags, ["etl"]);
        assert_eq!(variable::get::<String>("py-text").await.expect("Python has set it"), "a text");
        assert_eq!(variable::get::<Option<u32>>("py-none").await.expect("Python has set it"), None);
        let error = variable::set("py-shared", &2).await.expect_err("Python has set it");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        variable::set("py-shared", &json!({"two": 2.5}))
            .tags(["from", "rust"])
            .overwrite(true)
            .await
            .expect("it is set");
        assert!(variable::unset("py-text").await.expect("it is removed"));
        variable::set("rs-list", &["a", "ü"]).await.expect("it is set");
    });
    let seen = server.python_json(
        "import json\n\
         from prefect.client.orchestration import get_client\n\
         from prefect.variables import Variable\n\
         with get_client(sync_client=True) as client:\n    \
             shared = client.read_variable_by_name('py-shared')\n\
         text = Variable.get('py-text', default='gone')\n\
         print(json.dumps([shared.value, shared.tags, text, Variable.get('rs-list'), Variable.unset('rs-list')]))\n",
    );
    assert_eq!(seen, json!([{"two": 2.5}, ["from", "rust"], "gone", ["a", "ü"], true]));
}

/// What Python's client accepts, this one does, and nothing else.
#[test]
fn python_accepts_the_same_names_and_values() {
    let Some(server) = live::server() else { return };
    let names = ["a", "a-b_7", "-", "Batch size", "a.b", "größe", "A", &"x".repeat(255), &"x".repeat(256)];
    let lengths = [0, 4998, 4999, 6000];
    let script = format!(
        "import json\n\
         from prefect.client.schemas.actions import ArtifactCreate, VariableCreate\n\
         def accepts(make):\n    \
             try:\n        \
                 make()\n        \
                 return True\n    \
             except ValueError:\n        \
                 return False\n\
         names, lengths = json.loads('''{}''')\n\
         print(json.dumps([\n    \
             [accepts(lambda: VariableCreate(name=name, value=1)) for name in names],\n    \
             [accepts(lambda: VariableCreate(name='a', value='x' * length)) for length in lengths],\n    \
             [accepts(lambda: ArtifactCreate(key=name)) for name in names],\n\
         ]))\n",
        json!([names, lengths])
    );
    let runtime = Runtime::ephemeral();
    let ours = runtime.run(async {
        let (mut of_names, mut of_lengths, mut of_keys) = (vec![], vec![], vec![]);
        for name in names {
            of_names.push(variable::set(name, &1).overwrite(true).await.is_ok());
            of_keys.push(artifact::markdown("").key(name).await.is_ok());
        }
        for length in lengths {
            of_lengths.push(variable::set("a", &"x".repeat(length)).overwrite(true).await.is_ok());
        }
        json!([of_names, of_lengths, of_keys])
    });
    let ours = tokio::runtime::Runtime::new().expect("a runtime starts").block_on(ours);
    assert_eq!(server.python_json(&script), ours);
}

#[task]
async fn shows() -> flowkit::Result<()> {
    artifact::markdown("# From *Rust*, ü").key("rs-report").description("Read me").await?;
    artifact::table(&[json!({"n": 1, "of": "ä"}), json!({"n": 2, "of": null})]).key("rs-table").await?;
    artifact::link("https://example.com").text("there").key("rs-link").await?;
    artifact::image("https://example.com/a.png").key("rs-image").await?;
    let progress = artifact::progress().key("rs-progress").await?;
    progress.set(37.5).await
}

#[flow]
async fn shows_all() -> flowkit::Result<(String, String)> {
    let task = shows().submit();
    task.clone().await?;
    let flow_run = runtime::flow_run().expect("a body is in a run").id();
    Ok((flow_run.to_string(), task.run().expect("it has begun").id().to_string()))
}

#[test]
fn python_reads_what_rust_has_shown() {
    let Some(server) = live::server() else { return };
    let (flow_run, task_run) = at(&server.api_url(), async { shows_all().await }).expect("it is shown");
    let seen = server.python_json("import json\n\
         from prefect.artifacts import Artifact\n\
         kinds = ['report', 'table', 'link', 'image', 'progress']\n\
         found = [Artifact.get(key='rs-' + kind) for kind in kinds]\n\
         print(json.dumps([[one.type, one.data, one.description, str(one.flow_run_id), str(one.task_run_id)] for one in found]))\n",
    );
    let expected = json!([
        ["markdown", "# From *Rust*, ü", "Read me", flow_run, task_run],
        ["table", r#"[{"n":1,"of":"ä"},{"n":2,"of":null}]"#, null, flow_run, task_run],
        ["markdown", "[there](https://example.com)", null, flow_run, task_run],
        ["image", "https://example.com/a.png", null, flow_run, task_run],
        ["progress", 37.5, null, flow_run, task_run],
    ]);
    assert_eq!(seen, expected);
    let latest = server.get("/artifacts/rs-progress/latest");
    assert_eq!((&latest["type"], &latest["data"]), (&json!("progress"), &json!(37.5)));
}

#[test]
fn rust_reads_what_python_has_shown() {
    let Some(server) = live::server() else { return };
    let shown = server.python_json(
        "import json\n\
         from prefect import flow\n\
         from prefect.artifacts import *\n\
         from prefect.runtime import flow_run\n\
         @flow\n\
         def shows():\n    \
             create_markdown_artifact('# From *Python*', key='py-report', description='Read me')\n    \
             create_table_artifact([{'n': 1, 'of': 'ä'}, {'n': 2, 'of': None}], key='py-rows')\n    \
             create_table_artifact({'n': [1, 2], 'of': ['ä', None]}, key='py-columns')\n    \
             create_link_artifact('https://example.com', link_text='there', key='py-link')\n    \
             create_image_artifact('https://example.com/a.png', key='py-image')\n    \
             progress = create_progress_artifact(10.0, key='py-progress')\n    \
             update_progress_artifact(progress, 62.5)\n    \
             return flow_run.id\n\
         print(json.dumps(shows()))\n",
    );
    at(&server.api_url(), async {
        let get = async |key: &str| artifact::get(format!("py-{key}")).await.expect(key);
        let report = get("report").await;
        assert_eq!((report.kind.clone(), report.text()), (ArtifactKind::Markdown, Some("# From *Python*")));
        assert_eq!(report.description.as_deref(), Some("Read me"));
        assert_eq!(report.flow_run_id.map(|id| id.to_string()).as_deref(), shown.as_str());
        let rows = [json!({"n": 1, "of": "ä"}), json!({"n": 2, "of": null})];
        assert_eq!(get("rows").await.rows::<Value>().expect("a table"), rows);
        assert_eq!(get("columns").await.rows::<Value>().expect("a table"), rows);
        assert_eq!(get("link").await.text(), Some("[there](https://example.com)"));
        assert_eq!(get("image").await.text(), Some("https://example.com/a.png"));
        assert_eq!(get("progress").await.percent(), Some(62.5));
        assert!(artifact::get("py-no-such").await.expect_err("there is none").is_not_found());
    });
}

#[test]
fn a_server_that_is_not_there_is_an_error_that_says_what_was_not_done() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a free port");
    at(&format!("http://{closed}/api"), async {
        let error = variable::get_or("a", 1).await.expect_err("a default is not for this");
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Backend, "the server did not tell variable `a`")
        );
        assert!(error.chain().contains("cannot connect"), "{error:?}");
        let error = artifact::markdown("").key("a").await.expect_err("there is no server");
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Backend, "the server did not take artifact `a`")
        );
    });
}
