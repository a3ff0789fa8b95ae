//! The process of a program that serves without a server: what it costs, how late it is, and how it ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use flowkit::{FlowRunFilter, Records};
use flowkit_tests::program::{Program, Running};
use flowkit_tests::served::Served;
use serde_json::json;

fn start(what: &str) -> Running {
    Program::example("serve_program").args(&[what]).start()
}

/// What the system knows of a process.
struct Cost {
    resident_kib: u64,
    /// Hundredths of a second on a processor.
    ticks: u64,
    /// How often each of its threads has gone to sleep.
    sleeps: BTreeMap<PathBuf, u64>,
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("Linux tells");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

fn cost(process: u32) -> Cost {
    let read = |path: &str| std::fs::read_to_string(format!("/proc/{process}/{path}")).expect("the process runs");
    let stat = read("stat");
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let fields: Vec<u64> = fields.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("the process runs");
    let sleeps = threads.filter_map(|thread| {
        let thread = thread.expect("a thread").path();
        // It may end meanwhile.
        let status = std::fs::read_to_string(thread.join("status")).ok()?;
        Some((thread, field(&status, "voluntary_ctxt_switches:")))
    });
    // Of the fields after the state, the 11th and 12th are the times.
    Cost { resident_kib: field(&read("status"), "VmRSS:"), ticks: fields[10] + fields[11], sleeps: sleeps.collect() }
}

#[test]
#[cfg(target_os = "linux")]
fn a_process_that_serves_and_has_nothing_to_do_costs_nothing() {
    let long = std::env::var_os("FLOWKIT_FULL").is_some();
    let time = Duration::from_secs(if long { 20 } else { 4 });
    let mut program = start("idle");
    program.until("Serving 'work/d', next run at ");
    // What is left of its start.
    std::thread::sleep(Duration::from_secs(1));
    let before = cost(program.id());
    std::thread::sleep(time);
    let after = cost(program.id());
    let ticks = after.ticks - before.ticks;
    // A thread that git was asked on ends when it has had nothing to do for a while.
    let woken = |(thread, sleeps): (&PathBuf, &u64)| sleeps - before.sleeps.get(thread).unwrap_or(&0);
    let sleeps: u64 = after.sleeps.iter().map(woken).sum();
    println!("{} KiB resident; {ticks} ticks and {sleeps} wakings in {time:?}", after.resident_kib);
    // A program that is not optimised is several times as large, and maps more of itself.
    let most = if cfg!(debug_assertions) { 32 } else { 20 };
    assert!(after.resident_kib < most * 1024, "{} KiB", after.resident_kib);
    assert!(ticks * 10 <= 5 * u64::try_from(time.as_millis()).expect("some seconds") / 1000 + 10, "{ticks} ticks");
    assert!(sleeps <= 4, "it is woken once a minute at most, not {sleeps} times in {time:?}");
}

#[test]
fn a_run_begins_within_20_ms_of_its_time() {
    // Others may be in the way: the best of three medians counts.
    let medians = (0..3).map(|_| {
        let said = Program::example("serve_program").args(&["latency"]).run().succeeded().stdout;
        let late: Vec<i64> = serde_json::from_str(said.trim()).expect("a list");
        assert!(late.len() >= 20, "{late:?}");
        println!("microseconds: first {}, median {}, last {}", late[0], late[late.len() / 2], late[late.len() - 1]);
        assert!(late[0] >= 0, "no run begins before its time: {late:?}");
        late[late.len() / 2]
    });
    let median = medians.min().expect("three");
    assert!(median <= 20_000, "{median} microseconds");
}

#[test]
fn a_signal_lets_runs_end_and_starts_no_new_ones() {
    for signal in ["INT", "TERM"] {
        let mut program = start("busy");
        program.until("Beginning flow run");
        program.until("Beginning flow run");
        program.signal(signal);
        let finished = program.wait().succeeded();
        assert_eq!(finished.stdout, "Completed()\nCompleted()\npaused: true\n", "{}", finished.stderr);
        for words in ["no new runs are started", "Waiting for 2 run(s)", "The schedules of 1 deployment(s) are paused"]
        {
            assert!(finished.stderr.contains(words), "{words}: {}", finished.stderr);
        }
    }
}

#[test]
fn a_second_signal_is_at_once() {
    let mut program = start("busy");
    program.until("Beginning flow run");
    program.until("Beginning flow run");
    program.signal("TERM");
    program.until("Waiting for 2 run(s)");
    program.signal("TERM");
    let finished = program.wait();
    assert!(finished.stdout.starts_with("Cancelled("), "{finished:?}");
    assert!(finished.stderr.contains("Ending 2 run(s) at once"), "{finished:?}");
}

/// A file with runs, and one with the lines that they have left.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a program that begins one run after the other; it is killed when it is dropped.
    fn serve(&self) -> Served {
        let (db, lines) = (self.file("runs.db"), self.file("lines"));
        let program = Program::example("serve_program").args(&["kept", lines.to_str().expect("a path")]);
        let program = program.env("FLOWKIT_DB", db.to_str().expect("a path")).env("FLOWKIT_ENDPOINT", "127.0.0.1:0");
        Served::of(program, None)
    }

    /// How often there is each line.
    fn lines(&self) -> BTreeMap<String, usize> {
        let text = std::fs::read_to_string(self.file("lines")).unwrap_or_default();
        text.lines().fold(BTreeMap::new(), |mut lines, line| {
            *lines.entry(line.to_owned()).or_default() += 1;
            lines
        })
    }

    /// The states of all runs that are not only planned, by the lines that they leave.
    fn states(&self) -> BTreeMap<String, String> {
        let records = Records::open(self.file("runs.db")).expect("a reader");
        let runs = records.flow_runs(&FlowRunFilter::new().limit(10_000)).expect("runs");
        let told = runs.into_iter().filter(|run| run.parameters["line"] != "yearly");
        told.map(|run| (run.parameters["line"].as_str().unwrap_or_default().to_owned(), run.state.name().to_owned()))
            .collect()
    }
}

#[test]
fn what_was_asked_for_before_a_process_was_killed_is_done_once_by_the_next() {
    let place = Place::new();
    let first = place.serve();
    let deployment = || "noted/d".to_owned();
    let blocking = first.trigger(&deployment(), &json!({"parameters": {"line": "blocks", "seconds": 600}}));
    first.in_state(&blocking, "RUNNING");
    let [a, b] =
        ["a", "b"].map(|line| first.trigger(&deployment(), &json!({"parameters": {"line": line}, "name": line})));
    let known = first.send("GET", "/deployments/name/noted/d", None).body;
    let schedule = format!(
        "/deployments/{}/schedules/{}",
        known["id"].as_str().unwrap_or_default(),
        known["schedules"][0]["id"].as_str().unwrap_or_default()
    );
    assert_eq!(first.send("PATCH", &schedule, Some(&json!({"active": false}))).status, 204);
    // That is SIGKILL.
    drop(first);
    assert_eq!(place.lines().len(), 1, "the others had not begun");

    let second = place.serve();
    assert_eq!(
        (&second.in_state(&a, "COMPLETED")["name"], &second.in_state(&b, "COMPLETED")["name"]),
        (&json!("a"), &json!("b"))
    );
    let again = second.send("GET", "/deployments/name/noted/d", None).body;
    assert_eq!((&again["id"], &again["created"]), (&known["id"], &known["created"]));
    assert_eq!(
        (&again["schedules"][0]["id"], &again["schedules"][0]["active"]),
        (&known["schedules"][0]["id"], &json!(false))
    );
    assert_eq!(again["paused"], json!(false));
    second.end();

    let third = place.serve();
    let again = third.send("GET", "/deployments/name/noted/d", None).body;
    assert_eq!(again["paused"], json!(false), "what was paused as it was served no more goes on");
    let id = again["id"].as_str().unwrap_or_default();
    assert_eq!(third.send("PATCH", &format!("/deployments/{id}"), Some(&json!({"paused": true}))).status, 204);
    drop(third);
    let fourth = place.serve();
    let again = fourth.send("GET", "/deployments/name/noted/d", None).body;
    assert_eq!(again["paused"], json!(true), "what somebody has paused does not");
    fourth.end();
    let once = ["a", "b", "blocks"].map(|line| (line.to_owned(), 1));
    assert_eq!(place.lines(), BTreeMap::from(once));
    let states = [("a", "Completed"), ("b", "Completed"), ("blocks", "Crashed")];
    assert_eq!(place.states(), states.into_iter().map(|(line, state)| (line.to_owned(), state.to_owned())).collect());
}

#[test]
fn a_process_that_is_killed_at_any_moment_runs_nothing_twice_and_forgets_nothing() {
    let rounds = if std::env::var_os("FLOWKIT_FULL").is_some() { 100 } else { 5 };
    let place = Place::new();
    let mut asked = 0;
    for round in 0..rounds {
        let served = place.serve();
        for _ in 0..10 {
            served.trigger("noted/d", &json!({"parameters": {"line": asked.to_string(), "seconds": 0.001}}));
            asked += 1;
        }
        std::thread::park_timeout(Duration::from_micros(round * 7919 % 20_000));
        drop(served);
    }
    let last = place.serve();
    let run = last.trigger("noted/d", &json!({"parameters": {"line": "last"}}));
    last.in_state(&run, "COMPLETED");
    last.end();
    let (lines, states) = (place.lines(), place.states());
    assert_eq!(states.len(), asked + 1);
    for (line, state) in &states {
        let count = lines.get(line).copied().unwrap_or(0);
        match state.as_str() {
            "Completed" => assert_eq!(count, 1, "{line}"),
            // Killed while it was under way, perhaps before it had left its line.
            "Crashed" => assert!(count <= 1, "{line}: {count}"),
            other => panic!("{line} is {other}"),
        }
    }
    let crashed = states.values().filter(|state| *state == "Crashed").count();
    assert!(crashed <= usize::try_from(rounds).expect("a number"), "one run at a time: {crashed}");
    println!("{asked} runs, {crashed} of them killed under way");
}

#[test]
fn delayed_runs_that_nobody_waits_for_are_told_of_at_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let notes = folder.path().join("notes");
    let notes = notes.to_str().expect("a name in UTF-8");
    let program =
        |args: &[&str]| Program::example("live_tasks").args(args).env("NOTES", notes).env("REST", "600").run();
    let left = program(&["rest", "a"]).succeeded();
    assert!(left.stderr.contains("flowkit: 1 delayed task run had not ended when the program did"), "{}", left.stderr);
    let waited = program(&["double-and-wait"]).succeeded();
    assert!(!waited.stderr.contains("had not ended"), "{}", waited.stderr);
}
