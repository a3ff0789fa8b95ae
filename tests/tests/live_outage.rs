//! Serving while the server is away: killed and started again, or silent. Runs go on, and all is told once it is back.
//!
//! An outage takes 13 seconds, and a minute with `FLOWKIT_FULL=1`.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use flowkit_tests::live::{LiveServer, Notes};
use flowkit_tests::program::{Program, Running};
use serde_json::{Value, json};

fn outage() -> Duration {
    let full = std::env::var_os("FLOWKIT_FULL").is_some_and(|value| value == "1");
    Duration::from_secs(if full { 60 } else { 13 })
}

/// Is a program that serves, and where it tells its health.
struct Served {
    isolation: &'static str,
    notes: Notes,
    health: u16,
    program: Running,
}

impl Served {
    fn start(server: &LiveServer, isolation: &'static str, interval: &str, anchor: DateTime<Utc>) -> Self {
        let notes = Notes::new(isolation);
        let health = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let anchor = anchor.to_rfc3339();
        let program = Program::example("live_served")
            .args(&[isolation, "1s", isolation, notes.path(), interval, &anchor, "latest", "all"])
            .env("PREFECT_RUNNER_SERVER_ENABLE", "true")
            .env("PREFECT_RUNNER_SERVER_HOST", "127.0.0.1")
            .env("PREFECT_RUNNER_SERVER_PORT", &health.to_string())
            .server(&server.api_url())
            .start();
        Self { isolation, notes, health, program }
    }

    fn name(&self, flow: &str, of: &str) -> String {
        format!("{flow}/{}-{of}", self.isolation)
    }

    /// The status of `GET /health`.
    fn health(&self) -> u16 {
        use std::io::{Read as _, Write as _};
        let ask = || -> std::io::Result<String> {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.health))?;
            stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = ask().unwrap_or_default();
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    fn until_health(&self, status: u16) {
        let begun = Instant::now();
        while self.health() != status {
            assert!(begun.elapsed() < Duration::from_secs(120), "{}: no health of {status}", self.isolation);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it, and checks what it has said of the outage.
    fn end(self) -> Notes {
        self.program.signal("TERM");
        let said = self.program.wait().succeeded().stderr;
        let count = |text: &str| said.lines().filter(|line| line.contains(text)).count();
        let (lost, back) = (count("it is asked again until it answers"), count("The server answers again"));
        let told: Vec<&str> = said.lines().filter(|line| line.contains("serve -") && line.contains("again")).collect();
        eprintln!("{}: {told:#?}", self.isolation);
        // A server that comes back on a busy machine may hang once more, which is told as well.
        assert!((1..=5).contains(&lost) && back == lost, "{lost} times lost, {back} times back: {said}");
        assert_eq!(count("not delivered"), 0, "{said}");
        self.notes
    }
}

fn completed(server: &LiveServer, run: &str) -> Value {
    server.eventually(&format!("the completion of {run}"), |server| {
        let run = server.send("GET", &format!("/flow_runs/{run}"), None).ok()?.body;
        (run["state_type"] == "COMPLETED").then_some(run)
    })
}

fn started(server: &LiveServer, served: &Served, seconds: f64) -> String {
    let run = server.trigger(&served.name("lasting", "lasting"), &json!({"seconds": seconds}));
    server.eventually("a run that has begun", |server| {
        (server.ask("GET", &format!("/flow_runs/{run}"), None)?["state_type"] == "RUNNING").then_some(())
    });
    run
}

/// Checks that a run has come to its end once, and that nothing of it is missing.
fn assert_whole(server: &LiveServer, run: &str) {
    let run = completed(server, run);
    let tasks = server.task_runs(&run, 2);
    assert!(tasks.iter().all(|task| task["state_name"] == "Completed"), "{tasks:#?}");
    let logs = server.eventually("the last line of a run", |server| {
        let mut logs = server.logs(&run, 3);
        logs.retain(|log| log["name"] == "prefect.flow_runs");
        logs.iter().any(|log| log["message"] == "Finished in state Completed()").then_some(logs)
    });
    for line in ["has begun", "has gone on", "Finished in state Completed()"] {
        let lines = logs.iter().filter(|log| log["message"].as_str().is_some_and(|text| text.contains(line))).count();
        assert_eq!(lines, 1, "{line}: {logs:#?}");
    }
    assert_eq!(run["run_count"], 1, "{run:#}");
}

/// Lets the server be away as `leave` and `come_back` do it, with runs under way and runs due meanwhile.
fn survive(leave: fn(&LiveServer), come_back: fn(&LiveServer)) {
    let Some(server) = LiveServer::start() else { return };
    let away = outage();
    // Few enough for a server on sqlite, which marks all late runs at once.
    let interval = if away > Duration::from_secs(30) { "12s" } else { "4s" };
    let anchor = Utc::now() + Duration::from_secs(12);
    let all = ["process", "in-process"].map(|isolation| Served::start(&server, isolation, interval, anchor));
    for served in &all {
        served.until_health(200);
        let name = served.name("ticking", "all");
        server.eventually("planned runs", |server| {
            (server.send("GET", &format!("/deployments/name/{name}"), None).ok()?.status == 200).then_some(())?;
            (server.runs_of(&name)?.len() > 20).then_some(())
        });
    }
    // One ends while the server is away, one after that.
    let runs: Vec<String> = all
        .iter()
        .flat_map(|served| [4.0, away.as_secs_f64() + 8.0].map(|time| started(&server, served, time)))
        .collect();
    let (left, gone) = (Utc::now(), Instant::now());
    leave(&server);
    all.iter().for_each(|served| served.until_health(503));
    std::thread::sleep(away.saturating_sub(gone.elapsed()));
    let back = Utc::now();
    come_back(&server);
    let here = Utc::now();
    for served in &all {
        served.until_health(200);
    }
    for run in &runs {
        assert_whole(&server, run);
    }
    // What is triggered now is run now.
    for served in &all {
        completed(&server, &server.trigger(&served.name("lasting", "lasting"), &json!({"seconds": 0.0})));
    }
    let planned: Vec<(&str, Vec<Value>)> = all
        .iter()
        .flat_map(|served| ["latest", "all"].map(|policy| (policy, served.name("ticking", policy))))
        .map(|(policy, name)| (policy, settled(&server, &name, here)))
        .collect();
    let counts: BTreeMap<String, usize> = all.into_iter().flat_map(|served| served.end().counts()).collect();
    for (policy, runs) in planned {
        let due_meanwhile = |run: &&Value| (left..back).contains(&due(run));
        eprintln!("{policy}: {} due meanwhile, of {}", runs.iter().filter(due_meanwhile).count(), runs.len());
        assert!(runs.iter().any(|run| due_meanwhile(&run)), "no run was due meanwhile");
        for run in &runs {
            let id = run["id"].as_str().unwrap_or_default();
            let expected = usize::from(run["state_name"] == "Completed");
            assert_eq!(counts.get(id).copied().unwrap_or_default(), expected, "{policy}: {run:#}");
            let skipped = run["state_name"] == "Skipped";
            assert!(expected == 1 || skipped, "{policy}: {run:#}");
            // A date at most 15 s old always runs.
            let ended: DateTime<Utc> =
                run["state"]["timestamp"].as_str().and_then(|at| at.parse().ok()).expect("a time");
            let late = ended - due(run) > chrono::TimeDelta::seconds(15);
            assert!(!skipped || (policy == "latest" && late), "{policy}: {run:#}");
        }
        if away > Duration::from_secs(30) && policy == "latest" {
            assert!(runs.iter().any(|run| run["state_name"] == "Skipped"), "nothing was left out");
        }
    }
    for run in &runs {
        assert_eq!(counts.get(run), Some(&1), "{run} ran once");
    }
}

/// The runs that were due before a time, once all of them have ended.
fn settled(server: &LiveServer, deployment: &str, before: DateTime<Utc>) -> Vec<Value> {
    server.eventually("the end of all runs that were due", |server| {
        let runs: Vec<Value> = server.runs_of(deployment)?.into_iter().filter(|run| due(run) < before).collect();
        let open = runs
            .iter()
            .filter(|run| !["COMPLETED", "CANCELLED"].contains(&run["state_type"].as_str().unwrap_or_default()));
        (open.count() == 0).then_some(runs)
    })
}

fn due(run: &Value) -> DateTime<Utc> {
    run["expected_start_time"].as_str().and_then(|text| text.parse().ok()).expect("a time")
}

#[test]
fn a_server_that_is_killed_and_comes_back_finds_all_that_happened_meanwhile() {
    survive(LiveServer::kill, LiveServer::restart);
}

#[test]
fn a_server_that_hangs_and_goes_on_finds_all_that_happened_meanwhile() {
    survive(LiveServer::freeze, LiveServer::thaw);
}

#[test]
fn a_refused_websocket_is_told_once_and_runs_are_found_by_asking() {
    let Some(server) = flowkit_tests::live::server() else { return };
    let notes = Notes::new("refused");
    let anchor = Utc::now().to_rfc3339();
    let program = Program::example("live_served")
        .args(&["in-process", "500ms", "refused", notes.path(), "1h", &anchor])
        .server(&server.api_url_without("/events/out"))
        .start();
    server.eventually("a deployment", |server| {
        let reply = server.send("GET", "/deployments/name/lasting/refused-lasting", None).ok()?;
        (reply.status == 200).then_some(())
    });
    let runs = [0, 1].map(|_| server.trigger("lasting/refused-lasting", &json!({"seconds": 1.5})));
    for run in runs {
        completed(server, &run);
    }
    program.signal("TERM");
    let said = program.wait().succeeded().stderr;
    assert_eq!(said.lines().filter(|line| line.contains("runs are found by asking only")).count(), 1, "{said}");
    assert!(said.contains("refused to open a websocket") && said.contains("403"), "{said}");
}
