//! What arrives at a real server when there is more than it can take at once.

use flowkit_tests::live::LiveServer;
use flowkit_tests::program::Program;
use serde_json::json;

/// More than the events that the server holds in memory (10 000, and each run has three); the full size takes minutes.
fn tasks() -> u64 {
    if std::env::var_os("FLOWKIT_FULL").is_some() { 10_000 } else { 4_000 }
}

#[test]
fn every_task_run_of_a_large_map_is_stored_in_its_final_state() {
    let Some(server) = LiveServer::start() else { return };
    let count = tasks().to_string();
    let program = Program::example("live_program").args(&["mapped", &count]).server(&server.api_url());
    let finished = program.env("PREFECT_LOGGING_LEVEL", "WARNING").run().succeeded();
    assert!(!finished.stderr.contains("not delivered"), "{}", finished.stderr);
    let took = finished.stderr.lines().find_map(|line| line.strip_prefix("loop took ")?.strip_suffix(" us"));
    let micros: u64 = took.and_then(|micros| micros.parse().ok()).expect("the program says how long it took");
    assert!(micros < 1_000_000, "the flow's own work waits for nobody: {micros} us");
    let completed = json!({"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}});
    assert_eq!(server.post("/task_runs/count", &completed).as_u64(), Some(tasks()));
    assert_eq!(server.post("/task_runs/count", &json!({})).as_u64(), Some(tasks()));
}
