//! Background tasks: delayed by one process, run by another one, between them a real server.

use std::collections::BTreeMap;
use std::path::PathBuf;

use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::program::{Finished, Program, Running};
use serde_json::{Value, json};

/// The shared server, with a folder for the results and notes of one test.
struct Stage {
    server: &'static LiveServer,
    folder: PathBuf,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One test at a time: they all serve the same tasks.
fn alone(name: &str) -> Option<(Stage, std::sync::MutexGuard<'static, ()>)> {
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let server = live::server()?;
    let guard = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = std::env::temp_dir().join(format!("flowkit-live-tasks-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    Some((Stage { server, folder }, guard))
}

impl Stage {
    fn program(&self, args: &[&str]) -> Program {
        let notes = self.folder.join("notes");
        Program::example("live_tasks")
            .args(args)
            .env("FLOWKIT_RESULT_STORAGE", self.folder.to_str().expect("a plain name"))
            .env("NOTES", notes.to_str().expect("a plain name"))
            .server(&self.server.api_url())
    }

    fn run(&self, args: &[&str]) -> String {
        self.program(args).run().succeeded().stdout.trim().to_owned()
    }

    /// A process that serves the tasks, once it does.
    fn serve(&self, program: Program) -> Running {
        let mut worker = program.start();
        worker.until("Runs are handed out");
        worker
    }

    fn worker(&self, limit: &str) -> Running {
        self.serve(self.program(&["serve", limit, "500ms"]))
    }

    fn notes(&self) -> Vec<String> {
        let notes = std::fs::read_to_string(self.folder.join("notes")).unwrap_or_default();
        notes.lines().map(str::to_owned).collect()
    }

    /// How often each line was noted.
    fn counted(&self) -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        self.notes().into_iter().for_each(|note| *counted.entry(note).or_default() += 1);
        counted
    }

    fn in_state(&self, run: &str, state: &str) -> Value {
        self.server.eventually(&format!("task run {run} in state {state}"), |server| {
            let run = server.send("GET", &format!("/task_runs/{run}"), None).ok()?.body;
            (run["state_type"] == state && run["state"]["type"] == state).then_some(run)
        })
    }

    /// The files of orders and locks that are left.
    fn orders(&self) -> usize {
        std::fs::read_dir(self.folder.join("parameters")).map_or(0, Iterator::count)
    }

    fn noted(&self, line: &str) {
        self.server.eventually(line, |_| self.notes().iter().any(|note| note == line).then_some(()));
    }
}

fn ended(worker: Running) -> Finished {
    worker.signal("TERM");
    worker.wait().succeeded()
}

fn states(server: &LiveServer, run: &str) -> Vec<String> {
    let states = server.get(&format!("/task_run_states/?task_run_id={run}"));
    let states = states.as_array().expect("a list").iter();
    let mut states: Vec<_> = states
        .map(|state| (state["timestamp"].to_string(), state["name"].as_str().unwrap_or_default().to_owned()))
        .collect();
    states.sort();
    states.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn what_one_process_delays_another_one_runs_and_the_first_reads_the_result() {
    let Some((stage, _guard)) = alone("result") else { return };
    let worker = stage.worker("10");
    assert_eq!(stage.run(&["double-and-wait"]), "42");
    let run = stage.run(&["double", "1"]);
    let row = stage.in_state(&run, "COMPLETED");
    assert_eq!((&row["run_count"], &row["name"].as_str().map(|name| &name[..7])), (&json!(1), &Some("double-")));
    let key = row["state"]["data"]["storage_key"].as_str().expect("a result");
    assert!(key.starts_with(stage.folder.to_str().expect("a plain name")), "{key}");
    assert_eq!(states(stage.server, &run), ["Scheduled", "Pending", "Running", "Completed"]);
    assert_eq!(stage.run(&["result", &run]), "0", "a third process reads it by the id");
    stage.server.eventually("nothing to be left of the orders", |_| (stage.orders() == 0).then_some(()));
    ended(worker);
}

#[test]
fn a_hundred_delayed_tasks_over_two_workers_run_once_each() {
    let Some((stage, _guard)) = alone("hundred") else { return };
    // Half of them wait for somebody to serve, half come later.
    let early = stage.run(&["double", "50"]);
    let (one, other) = (stage.worker("3"), stage.worker("3"));
    let late = stage.run(&["double", "50"]);
    let runs: Vec<&str> = early.lines().chain(late.lines()).collect();
    assert_eq!(runs.len(), 100);
    for run in &runs {
        let row = stage.in_state(run, "COMPLETED");
        assert_eq!(row["run_count"], 1, "{row}");
    }
    let counted = stage.counted();
    assert_eq!((counted.len(), counted.values().copied().collect::<Vec<_>>()), (50, vec![2; 50]));
    let (one, other) = (ended(one), ended(other));
    let started = |worker: &Finished| worker.stderr.matches("Starting task run").count();
    assert_eq!(started(&one) + started(&other), 100);
    assert!(started(&one) > 10 && started(&other) > 10, "{} and {}", started(&one), started(&other));
}

#[test]
fn a_task_whose_worker_is_killed_runs_again_on_another_one() {
    let Some((stage, _guard)) = alone("killed") else { return };
    let worker = stage.serve(stage.program(&["serve", "5", "500ms"]).env("REST", "600"));
    let other = stage.worker("5");
    let runs: Vec<String> = (0..4).map(|n| stage.run(&["rest", &format!("nap-{n}")])).collect();
    for n in 0..4 {
        stage.noted(&format!("begin nap-{n}"));
    }
    worker.signal("KILL");
    drop(worker);
    for run in &runs {
        let row = stage.in_state(run, "COMPLETED");
        assert_eq!(row["tags"], json!(["slow"]));
    }
    let counted = stage.counted();
    for (n, run) in runs.iter().enumerate() {
        assert_eq!(counted[&format!("end nap-{n}")], 1, "{counted:?}");
        let begun = counted[&format!("begin nap-{n}")];
        assert_eq!(stage.in_state(run, "COMPLETED")["run_count"], begun, "{counted:?}");
        if begun == 2 {
            let expected = ["Scheduled", "Pending", "Running", "Pending", "Running", "Completed"];
            assert_eq!(states(stage.server, run), expected);
        }
    }
    assert!(
        counted.iter().any(|(note, count)| note.starts_with("begin") && *count == 2),
        "one was killed: {counted:?}"
    );
    let other = ended(other);
    assert!(other.stderr.contains("The process that ran it is gone: this is try 2 of 4."), "{}", other.stderr);
}

#[test]
fn a_task_that_kills_its_workers_is_given_up() {
    let Some((stage, _guard)) = alone("dying") else { return };
    let run = stage.run(&["dying"]);
    for _ in 0..4 {
        let worker = stage.program(&["serve", "1", "300ms"]).start();
        assert_eq!(worker.wait().signal, Some(6));
    }
    let worker = stage.worker("1");
    let row = stage.in_state(&run, "CRASHED");
    assert_eq!(row["state"]["message"], "The process that ran it died 4 times.");
    assert_eq!(stage.notes().len(), 4);
    ended(worker);
}

#[test]
fn retries_failures_and_flows_are_as_ever() {
    let Some((stage, _guard)) = alone("ever") else { return };
    let worker = stage.worker("10");
    let flaky = stage.run(&["flaky"]);
    let row = stage.in_state(&flaky, "COMPLETED");
    assert_eq!((&row["run_count"], &row["name"]), (&json!(3), &json!("flaky-7")));
    let expected =
        ["Scheduled", "Pending", "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "Completed"];
    assert_eq!(states(stage.server, &flaky), expected);
    let query = json!({"logs": {"task_run_id": {"any_": [flaky]}}});
    stage.server.eventually("log lines of the task run", |server| {
        let lines = server.post("/logs/filter", &query).to_string();
        (lines.contains("attempt 3") && lines.contains("Finished in state Completed()")).then_some(())
    });

    let failing = stage.run(&["failing", "the disk is full"]);
    let row = stage.in_state(&failing, "FAILED");
    assert_eq!(row["state"]["message"], "Task run encountered an exception: the disk is full");
    let said = stage.run(&["result", &failing]);
    assert!(said.starts_with("Failed: ") && said.contains("the disk is full"), "{said}");

    let run = stage.run(&["flow"]);
    let row = stage.in_state(&run, "COMPLETED");
    let flow = stage.server.flow_run("delaying", "COMPLETED");
    assert_eq!(row["flow_run_id"], flow["id"]);
    assert_eq!(row["task_inputs"]["n"][0]["input_type"], "task_run");
    assert_eq!(stage.server.task_runs(&flow, 2).len(), 2, "the graph has both");
    ended(worker);
}

#[test]
fn a_signal_waits_for_what_runs() {
    let Some((stage, _guard)) = alone("signal") else { return };
    let mut worker = stage.serve(stage.program(&["serve", "5", "500ms"]).env("REST", "1.5"));
    let run = stage.run(&["rest", "nap"]);
    worker.until("resting nap");
    worker.signal("TERM");
    worker.until("no new runs are started");
    let waiting = stage.run(&["rest", "later"]);
    worker.wait().succeeded();
    assert_eq!(stage.in_state(&run, "COMPLETED")["run_count"], 1);
    assert_eq!(stage.in_state(&waiting, "SCHEDULED")["run_count"], 0, "nothing new starts");
    let other = stage.worker("5");
    stage.in_state(&waiting, "COMPLETED");
    ended(other);
}

#[test]
fn without_a_websocket_runs_are_found_and_run_once_each() {
    let Some((stage, _guard)) = alone("polled") else { return };
    let url = stage.server.api_url_without("/task_runs/subscriptions");
    let serve = || stage.program(&["serve", "4", "300ms"]).server(&url).env("PREFECT_LOGGING_LEVEL", "INFO").start();
    let workers = [serve(), serve()];
    let runs = stage.run(&["double", "30"]);
    for run in runs.lines() {
        assert_eq!(stage.in_state(run, "COMPLETED")["run_count"], 1);
    }
    assert!(stage.counted().values().all(|count| *count == 1), "{:?}", stage.counted());
    for worker in workers.map(ended) {
        assert!(!worker.stderr.contains("Runs are handed out"), "{}", worker.stderr);
        assert!(worker.stderr.contains("Starting task run"), "both have their share: {}", worker.stderr);
    }
}

#[test]
fn what_does_not_end_in_time_is_given_back() {
    let Some((stage, _guard)) = alone("back") else { return };
    for signals in [1, 2] {
        let grace = if signals == 1 { "0.2" } else { "60" };
        let program = stage.program(&["serve", "5", "500ms"]).env("REST", "600").env("FLOWKIT_SHUTDOWN_GRACE", grace);
        let mut worker = stage.serve(program.env("FLOWKIT_CANCEL_GRACE", "0.2"));
        let run = stage.run(&["rest", "nap"]);
        worker.until("resting nap");
        worker.signal("TERM");
        if signals == 2 {
            worker.until("for at most 60s");
            worker.signal("TERM");
        }
        worker.until("is given back");
        worker.wait().succeeded();
        let row = stage.in_state(&run, "SCHEDULED");
        assert_eq!(row["state"]["message"], "The process that ran it was asked to end, and gave it back.");
        let other = stage.worker("5");
        assert_eq!(stage.in_state(&run, "COMPLETED")["run_count"], 2);
        ended(other);
    }
}

#[test]
fn what_a_worker_cannot_run_fails_and_says_why() {
    let Some((stage, _guard)) = alone("cannot") else { return };
    let run = stage.run(&["double", "1"]);
    // The order is gone, as if the result store were another one.
    std::fs::remove_dir_all(stage.folder.join("parameters")).expect("there is an order");
    let keys = stage.run(&["keys"]);
    let key = |name: &str| keys.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).expect("a key");
    let foreign = |key: &str, parameters: Option<&str>| {
        let state = json!({"type": "SCHEDULED", "state_details":
            {"deferred": true, "task_parameters_id": parameters, "scheduled_time": "2026-01-01T00:00:00Z"}});
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("it is later").as_nanos();
        let body = json!({"name": "bg", "task_key": key, "dynamic_key": format!("{key}-{now}"), "state": state});
        stage.server.eventually("a run to be created", |server| {
            let reply = server.send("POST", "/task_runs/", Some(&body)).ok()?;
            reply.body["id"].as_str().map(str::to_owned)
        })
    };
    let pickled = foreign(key("double"), Some("c64f345e-be38-46d0-a5fd-1eac7aba9364"));
    let bare = foreign(key("double"), None);
    let worker = stage.worker("5");
    let message = |run: &str| stage.in_state(run, "FAILED")["state"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(
        message(&run).contains("are not there: whoever delays a task and whoever runs it need"),
        "{}",
        message(&run)
    );
    assert!(message(&pickled).contains("(Python's is code): delay it from Rust"), "{}", message(&pickled));
    assert!(message(&bare).contains("without parameters, and the task has arguments"), "{}", message(&bare));
    ended(worker);
}
