//! Results that one process stores and another one reads, by what a real server knows of the runs.

use std::path::PathBuf;

use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::program::Program;
use serde_json::Value;

/// A folder for results that goes when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("flowkit-live-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the folder of temporary files has a plain name")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn program(server: &LiveServer, folder: &Folder, args: &[&str]) -> String {
    let program = Program::example("live_results").args(args).env("PREFECT_LOCAL_STORAGE_PATH", folder.path());
    program.server(&server.api_url()).run().succeeded().stdout
}

/// The id that a program has printed after a word.
fn printed(output: &str, word: &str) -> String {
    let line = output.lines().find_map(|line| line.strip_prefix(word));
    line.unwrap_or_else(|| panic!("no {word} in {output}")).trim().to_owned()
}

#[test]
fn results_are_read_back_by_another_process() {
    let Some(server) = live::server() else { return };
    let folder = Folder::new("results");
    let written = program(server, &folder, &["write"]);
    let (flow, task) = (printed(&written, "flow "), printed(&written, "task "));

    // By its id: other tests have runs of the same flow here.
    let run = server.get(&format!("/flow_runs/{flow}"));
    assert_eq!(run["state_type"], "COMPLETED");
    let data = &run["state"]["data"];
    assert_eq!(data["serializer"]["type"], "json");
    assert!(data["storage_key"].as_str().is_some_and(|key| key.starts_with(folder.path())), "{data}");

    let tasks = server.task_runs(&run, 5);
    let named = |name: &str| -> Vec<&Value> {
        tasks.iter().filter(|task| task["name"].as_str().is_some_and(|it| it.starts_with(name))).collect()
    };
    let rows = named("row-");
    let (hits, firsts): (Vec<_>, Vec<_>) = rows.into_iter().partition(|task| task["state_name"] == "Cached");
    assert_eq!((hits.len(), firsts.len()), (1, 2), "{tasks:?}");
    assert!(firsts.iter().all(|task| task["state_name"] == "Completed"), "{firsts:?}");
    let data = &hits[0]["state"]["data"];
    assert!(firsts.iter().any(|task| task["state"]["data"] == *data), "a hit refers to the record of the first run");
    assert!(data.is_object());
    assert_eq!(named("count")[0]["state"]["data"]["serializer"]["type"], "msgpack");
    assert!(named("passing")[0]["state"]["data"].is_null(), "nobody asked for it");

    let read = program(server, &folder, &["read", &flow, &task]);
    assert!(read.starts_with(r#"3 [Row { id: 1, name: "row 1" }, Row { id: 2, name: "row 2" }"#), "{read}");
    let other = program(server, &folder, &["read-flow", &flow]);
    assert!(other.contains("it is no `u32`"), "{other}");

    let again = program(server, &folder, &["write"]);
    let second = server.get(&format!("/flow_runs/{}", printed(&again, "flow ")));
    let tasks = server.task_runs(&second, 5);
    let hits = tasks.iter().filter(|task| task["state_name"] == "Cached").count();
    assert_eq!(hits, 3, "another process has the results of the first");
}

#[test]
fn what_a_transaction_takes_back_is_rolled_back_at_the_server() {
    let Some(server) = live::server() else { return };
    let folder = Folder::new("transaction");
    program(server, &folder, &["take-back"]);
    let run = server.flow_run("taking-back", "FAILED");
    let tasks = server.eventually("a run that is rolled back", |server| {
        let tasks = server.task_runs(&run, 2);
        tasks.iter().any(|task| task["state_name"] == "RolledBack").then_some(tasks)
    });
    let mut states: Vec<_> = tasks.iter().map(|task| (&task["state_type"], &task["state_name"])).collect();
    states.sort_by_key(|(_, name)| name.to_string());
    assert_eq!(states, [(&"FAILED".into(), &"Failed".into()), (&"COMPLETED".into(), &Value::from("RolledBack"))]);
    assert!(!folder.0.exists(), "nothing was stored");
}

#[test]
fn python_reads_what_flowkit_stored_as_json_and_its_pickles_are_refused() {
    let Some(server) = live::server() else { return };
    let folder = Folder::new("python");
    let flow = printed(&program(server, &folder, &["write"]), "flow ");
    let script = format!(
        "from prefect.client.orchestration import get_client\n\
         with get_client(sync_client=True) as client:\n    \
             rows = client.read_flow_run('{flow}').state.result()\n\
         print(rows[1]['name'], len(rows))\n"
    );
    assert_eq!(server.python(&script).trim(), "row 2 3");

    let script = "from prefect import flow\n\
         from prefect.runtime import flow_run\n\
         @flow(persist_result=True)\n\
         def pickled():\n    \
             print('flow', flow_run.id)\n    \
             return 42\n\
         pickled()\n";
    let pickled = printed(&server.python(script), "flow ");
    let read = program(server, &folder, &["read-flow", &pickled]);
    assert!(read.contains("`pickle`, which only Python can read"), "{read}");
}
