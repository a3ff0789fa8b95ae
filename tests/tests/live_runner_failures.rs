//! Runners and runs that die, are cancelled or do not heed that, at a real server.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use flowkit_tests::ledger::Ledger;
use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::program::{Program, Running};
use serde_json::{Value, json};

/// Serves the program's deployments under a name; returns once it has asked for runs.
fn serve(server: &LiveServer, name: &str, options: &[&str], environment: &[(&str, &str)]) -> Running {
    serve_at(server, &server.api_url(), name, options, environment)
}

fn serve_at(server: &LiveServer, url: &str, name: &str, options: &[&str], environment: &[(&str, &str)]) -> Running {
    let begun = server.now();
    let name_option = format!("name={name}");
    let mut args = vec![name_option.as_str()];
    args.extend(options);
    let program = Program::example("live_runner").args(&args).server(url);
    let program = environment.iter().fold(program, |program, (name, value)| program.env(name, value)).start();
    server.served(&format!("counted/{name}"), &begun);
    program
}

fn stop(runner: Running) -> String {
    runner.signal("TERM");
    runner.wait().succeeded().stderr
}

fn parameters(ledger: &Ledger, seconds: f64) -> Value {
    json!({"file": ledger.path(), "seconds": seconds})
}

/// What has happened to runs, as the ledger has it, without times.
fn happened(ledger: &Ledger) -> Vec<String> {
    ledger.lines().into_iter().filter_map(|line| line.into_iter().next()).collect()
}

/// What happens to some of the requests on the way to a server.
#[derive(Clone, Copy)]
enum Trouble {
    /// They are answered with 403.
    Refuse,
    /// They are never answered.
    Swallow,
    /// They take two seconds longer.
    Delay,
}

/// Stands before a server and passes requests on, with trouble for those whose first bytes are such.
fn proxy(server: &LiveServer, trouble: Trouble, such: fn(&str) -> bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/api", listener.local_addr().expect("an address"));
    let behind = server.api_url().trim_start_matches("http://").trim_end_matches("/api").to_owned();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, behind) = (client.expect("a connection"), behind.clone());
            std::thread::spawn(move || -> std::io::Result<()> {
                let mut server = TcpStream::connect(behind)?;
                let (mut back, mut there) = (client.try_clone()?, server.try_clone()?);
                std::thread::spawn(move || -> std::io::Result<()> {
                    std::io::copy(&mut there, &mut back)?;
                    // The server closes a connection that nobody uses.
                    back.shutdown(std::net::Shutdown::Both)
                });
                let mut bytes = [0; 16 * 1024];
                loop {
                    let read = client.read(&mut bytes)?;
                    if read == 0 {
                        return server.shutdown(std::net::Shutdown::Write);
                    }
                    if such(&String::from_utf8_lossy(&bytes[..read])) {
                        match trouble {
                            Trouble::Swallow => continue,
                            Trouble::Delay => std::thread::sleep(Duration::from_secs(2)),
                            Trouble::Refuse => {
                                let head = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                                return client.write_all(head.as_bytes());
                            }
                        }
                    }
                    server.write_all(&bytes[..read])?;
                }
            });
        }
    });
    url
}

#[test]
fn a_run_whose_runner_died_between_claim_and_start_is_run_by_the_next() {
    let Some((server, _alone)) = live::alone() else { return };
    let ledger = Ledger::new();
    // The last step of the claim never reaches the server, so that the run stays Pending.
    let url = proxy(server, Trouble::Swallow, |request| request.contains("\"Submitting\""));
    let killed = serve_at(server, &url, "claimed", &[], &[]);
    let run = server.trigger("counted/claimed", &parameters(&ledger, 0.1));
    server.in_state(&run, "PENDING");
    killed.signal("KILL");
    killed.wait();
    let runner = serve(server, "claimed", &[], &[]);
    assert_eq!(server.ended(&run)["state_type"], "COMPLETED");
    let expected = ["Scheduled", "Pending", "Scheduled", "Pending", "Submitting", "Running", "Completed"];
    assert_eq!(server.state_names(&run), expected);
    assert_eq!(ledger.counts().get(&run), Some(&1));
    stop(runner);
}

#[test]
fn a_retry_whose_process_died_is_begun_by_the_next_runner() {
    let Some((server, _alone)) = live::alone() else { return };
    let ledger = Ledger::new();
    let killed = serve(server, "retried", &["isolation=in-process"], &[]);
    let run = server.trigger("retrying/retried", &json!({"file": ledger.path()}));
    server.in_state(&run, "SCHEDULED");
    server.eventually("a run that awaits its retry", |server| {
        (server.read_run(&run)["state_name"] == "AwaitingRetry").then_some(())
    });
    killed.signal("KILL");
    killed.wait();
    let runner = serve(server, "retried", &["isolation=in-process"], &[]);
    assert_eq!(server.ended(&run)["state_type"], "COMPLETED");
    assert_eq!(ledger.counts().get(&run), Some(&2), "two attempts");
    stop(runner);
}

#[test]
fn a_run_that_waits_again_is_cancelled_at_once_though_a_process_had_it_before() {
    let Some((server, _alone)) = live::alone() else { return };
    let ledger = Ledger::new();
    let runner = serve(server, "waiting", &["isolation=in-process"], &[]);
    let run = server.trigger("suspended/waiting", &json!({"file": ledger.path()}));
    server.eventually("a suspended run without a process", |server| {
        let run = server.read_run(&run);
        (run["state_name"] == "Suspended" && run["infrastructure_pid"] == "").then_some(())
    });
    stop(runner);
    server.post(&format!("/flow_runs/{run}/resume"), &json!({}));
    assert_eq!(server.cancel(&run), "CANCELLED", "nobody has to be asked");
}

#[test]
fn a_run_that_waits_to_start_is_cancelled_and_never_run() {
    let Some((server, _alone)) = live::alone() else { return };
    let ledger = Ledger::new();
    let runner = serve(server, "scheduled", &["isolation=in-process", "limit=1"], &[]);
    let first = server.trigger("counted/scheduled", &parameters(&ledger, 3.0));
    server.in_state(&first, "RUNNING");
    let second = server.trigger("counted/scheduled", &parameters(&ledger, 0.1));
    assert_eq!(server.cancel(&second), "CANCELLED");
    assert_eq!(server.ended(&first)["state_type"], "COMPLETED");
    stop(runner);
    assert_eq!(ledger.counts().get(&second), None);
}

#[test]
fn a_run_that_is_cancelled_between_claim_and_start_ends_with_its_hooks_and_without_its_body() {
    let Some((server, _alone)) = live::alone() else { return };
    for isolation in ["isolation=process", "isolation=in-process"] {
        let ledger = Ledger::new();
        // Whoever is about to run it reads which flow it is of.
        let url = proxy(server, Trouble::Delay, |request| request.starts_with("GET /api/flows/"));
        let runner = serve_at(server, &url, "between", &[isolation], &[("PREFECT_RUNNER_POLL_FREQUENCY", "1")]);
        let run = server.trigger("counted/between", &parameters(&ledger, 60.0));
        server.eventually("a run that is about to begin", |server| {
            (server.read_run(&run)["state_name"] == "Submitting").then_some(())
        });
        server.cancel(&run);
        let ended = server.ended(&run);
        assert_eq!(ended["state_type"], "CANCELLED", "{isolation}: {ended:#}");
        server.eventually("the hook", |_| (!happened(&ledger).is_empty()).then_some(()));
        assert_eq!(happened(&ledger), ["hook-Cancelled"], "{isolation}: the body never runs");
        stop(runner);
    }
}

#[test]
fn a_run_is_cancelled_without_any_websocket_and_its_hooks_are_called() {
    let Some((server, _alone)) = live::alone() else { return };
    let url = proxy(server, Trouble::Refuse, |request| request.starts_with("GET /api/events/"));
    for isolation in ["isolation=process", "isolation=in-process"] {
        let ledger = Ledger::new();
        let runner = serve_at(server, &url, "polled", &[isolation], &[("PREFECT_RUNNER_POLL_FREQUENCY", "1")]);
        let run = server.trigger("counted/polled", &parameters(&ledger, 60.0));
        server.in_state(&run, "RUNNING");
        server.cancel(&run);
        assert_eq!(server.ended(&run)["state_type"], "CANCELLED", "{isolation}");
        server.eventually("the hook", |_| (happened(&ledger).len() == 2).then_some(()));
        assert_eq!(happened(&ledger), ["start", "hook-Cancelled"], "{isolation}");
        stop(runner);
    }
}

#[test]
fn a_process_that_ignores_its_cancellation_is_killed_after_the_grace() {
    let Some((server, _alone)) = live::alone() else { return };
    let ledger = Ledger::new();
    let environment = [("FLOWKIT_CANCEL_GRACE", "1"), ("PREFECT_RUNNER_POLL_FREQUENCY", "1")];
    let runner = serve(server, "ignoring", &[], &environment);
    let run = server.trigger("stubborn/ignoring", &parameters(&ledger, 120.0));
    server.in_state(&run, "RUNNING");
    let asked = Instant::now();
    server.cancel(&run);
    let ended = server.ended(&run);
    assert_eq!(ended["state_type"], "CANCELLED");
    assert_eq!(ended["state"]["message"], "Flow run was cancelled; its process had to be killed.");
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    server.eventually("the hook, which the runner calls", |_| (happened(&ledger).len() == 2).then_some(()));
    assert_eq!(happened(&ledger), ["start", "hook-Cancelled"]);
    stop(runner);
}

#[test]
fn the_hooks_of_a_run_whose_process_was_killed_are_called_by_its_runner() {
    let Some((server, _alone)) = live::alone() else { return };
    let ledger = Ledger::new();
    let runner = serve(server, "killed", &[], &[]);
    let run = server.trigger("counted/killed", &parameters(&ledger, 60.0));
    let running = server.in_state(&run, "RUNNING");
    let mark = running["infrastructure_pid"].as_str().expect("a mark").to_owned();
    let process = mark.split(':').nth(3).expect("an id").to_owned();
    let status = std::process::Command::new("kill").args(["-s", "KILL", &process]).status();
    assert!(status.expect("kill is there").success());
    let ended = server.ended(&run);
    assert_eq!(ended["state_type"], "CRASHED");
    let message = ended["state"]["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("Process exited with status code: -9."), "{message}");
    server.eventually("the hook", |_| (happened(&ledger).len() == 2).then_some(()));
    assert_eq!(happened(&ledger), ["start", "hook-Crashed"]);
    stop(runner);
}

#[test]
fn runs_that_do_not_end_within_the_grace_of_a_stopping_runner_are_cancelled() {
    let Some((server, _alone)) = live::alone() else { return };
    for isolation in ["isolation=process", "isolation=in-process"] {
        let ledger = Ledger::new();
        let runner = serve(server, "grace", &[isolation], &[("FLOWKIT_SHUTDOWN_GRACE", "1")]);
        let run = server.trigger("counted/grace", &parameters(&ledger, 60.0));
        server.in_state(&run, "RUNNING");
        let said = stop(runner);
        assert!(said.contains("Stopping 1 run(s)"), "{said}");
        let ended = server.ended(&run);
        assert_eq!(ended["state_type"], "CANCELLED", "{isolation}: {ended:#}");
        assert_eq!(happened(&ledger), ["start", "hook-Cancelled"], "{isolation}");
    }
}

#[test]
fn a_second_signal_ends_a_runner_at_once_and_its_runs_are_reported() {
    let Some((server, _alone)) = live::alone() else { return };
    for isolation in ["isolation=process", "isolation=in-process"] {
        for flow in ["counted", "stubborn"] {
            let ledger = Ledger::new();
            let mut runner = serve(server, "twice", &[isolation], &[]);
            let run = server.trigger(&format!("{flow}/twice"), &parameters(&ledger, 120.0));
            server.in_state(&run, "RUNNING");
            runner.signal("TERM");
            runner.until("Waiting for 1 run(s)");
            let told = Instant::now();
            runner.signal("TERM");
            let said = runner.wait().stderr;
            assert!(told.elapsed() < Duration::from_secs(15), "{isolation} {flow}: {:?}", told.elapsed());
            let ended = server.ended(&run);
            assert_eq!(ended["state_type"], "CRASHED", "{isolation} {flow}: {ended:#}\n{said}");
        }
    }
}
