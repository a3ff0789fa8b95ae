//! What arrives at a real server when there is more than it can take at once.

use std::time::Duration;

use flowkit_tests::live::LiveServer;
use flowkit_tests::program::Program;
use serde_json::json;

fn is_full() -> bool {
    std::env::var_os("FLOWKIT_FULL").is_some()
}

/// More than the events that the server holds in memory (10 000, and each run has three); the full size takes minutes.
fn tasks() -> u64 {
    if is_full() { 10_000 } else { 4_000 }
}

/// A program that maps a task over so many numbers.
fn mapped(server: &LiveServer, count: u64) -> Program {
    let spool = server.spool();
    let spool = spool.to_str().expect("the target directory has a plain name");
    let program = Program::example("live_program").args(&["mapped", &count.to_string()]).server(&server.api_url());
    program.env("PREFECT_LOGGING_LEVEL", "WARNING").env("FLOWKIT_SPOOL", spool)
}

/// Checks that the server has so many task runs, and each in its final state.
fn assert_completed(server: &LiveServer, count: u64) {
    let completed = json!({"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}});
    assert_eq!(server.post("/task_runs/count", &completed).as_u64(), Some(count));
    assert_eq!(server.post("/task_runs/count", &json!({})).as_u64(), Some(count));
}

#[test]
fn every_task_run_of_a_large_map_is_stored_in_its_final_state() {
    let Some(server) = LiveServer::start() else { return };
    let finished = mapped(&server, tasks()).run().succeeded();
    assert!(!finished.stderr.contains("not delivered"), "{}", finished.stderr);
    let took = finished.stderr.lines().find_map(|line| line.strip_prefix("loop took ")?.strip_suffix(" us"));
    let micros: u64 = took.and_then(|micros| micros.parse().ok()).expect("the program says how long it took");
    assert!(micros < 1_000_000, "the flow's own work waits for nobody: {micros} us");
    assert_completed(&server, tasks());
}

#[test]
fn a_server_that_stands_still_is_waited_for_and_a_signal_ends_the_wait_and_keeps_the_rest() {
    let Some(server) = LiveServer::start() else { return };
    // Longer than the patience with a server that is away.
    let (patience, still) = if is_full() { ("10", Duration::from_secs(20)) } else { ("4", Duration::from_secs(8)) };
    let mut program = mapped(&server, 300).env("FLOWKIT_FLUSH_TIMEOUT", patience).start();
    program.until("flowkit: delivering: ");
    server.freeze();
    std::thread::sleep(still);
    server.thaw();
    let finished = program.wait().succeeded();
    assert!(!finished.stderr.contains("not delivered"), "{}", finished.stderr);
    assert!(!finished.stderr.contains('\r'), "there is no terminal: {}", finished.stderr);
    assert_completed(&server, 300);

    let mut program = mapped(&server, 400).start();
    program.until("flowkit: delivering: ");
    program.signal("INT");
    let finished = program.wait().succeeded();
    let words = finished.stderr.lines().last().expect("last words");
    assert!(words.starts_with("flowkit: not delivered to the server yet: "), "{words}");
    assert!(words.contains("(nobody waited for it any longer); kept in "), "{words}");
    let next = mapped(&server, 1).env("FLOWKIT_FLUSH_TIMEOUT", "120").run().succeeded();
    assert!(!next.stderr.contains("not delivered"), "{}", next.stderr);
    assert_completed(&server, 300 + 400 + 1);
}
