//! What SIGINT and SIGTERM do to programs without a server.

use flowkit_tests::program::{Finished, Program, Running};

fn started(which: &str) -> Running {
    started_by(Program::example("live_program"), which)
}

fn started_by(program: Program, which: &str) -> Running {
    let mut program = program.args(&[which, "60"]).start();
    program.until("listening");
    program
}

fn died_by(finished: &Finished, number: i32) {
    assert_eq!((finished.code, finished.signal), (None, Some(number)), "{}", finished.stderr);
}

fn is_graceful(signal: &str, number: i32, why: &str) {
    let program = started("family");
    program.signal(signal);
    let finished = program.wait();
    died_by(&finished, number);
    let said = |text: &str| assert!(finished.stderr.contains(text), "{text}: {}", finished.stderr);
    said("then: Err(Crashed)");
    said("tidied up");
    said("hook: family is Crashed");
    said(&format!("Crash detected! {why}"));
    said(&format!("Flow run 'family' - Finished in state Crashed('{why}')"));
    said(&format!("Task run 'rest-60' - Finished in state Crashed('{why}')"));
    assert!(!finished.stderr.contains("Error:"), "main goes no further: {}", finished.stderr);
}

#[test]
fn a_termination_is_graceful_and_then_ends_the_process() {
    is_graceful("TERM", 15, "Execution was aborted by a termination signal.");
}

#[test]
fn an_interrupt_is_graceful_and_then_ends_the_process() {
    is_graceful("INT", 2, "Execution was aborted by an interrupt signal.");
}

#[test]
fn a_second_signal_does_not_wait_for_the_code() {
    let mut program = started("deaf");
    program.signal("TERM");
    program.until("deaf");
    program.until("another signal ends them at once");
    program.signal("TERM");
    let finished = program.wait();
    died_by(&finished, 15);
    assert!(finished.stderr.contains("what is under way is Crashed"), "{}", finished.stderr);
}

#[test]
fn code_that_goes_on_is_dropped_after_its_grace() {
    let program = started_by(Program::example("live_program").env("FLOWKIT_CANCEL_GRACE", "0.2"), "deaf");
    program.signal("TERM");
    let finished = program.wait();
    died_by(&finished, 15);
    assert!(
        finished.stderr.contains("It did not end by itself within 0.2 second(s) and is dropped"),
        "{}",
        finished.stderr
    );
}

#[test]
fn without_a_flow_run_under_way_a_signal_has_its_usual_effect() {
    let program = started("idle");
    program.signal("TERM");
    let finished = program.wait();
    died_by(&finished, 15);
    assert!(!finished.stderr.contains("Crash"), "{}", finished.stderr);
}

#[test]
fn a_program_may_keep_signals_to_itself() {
    let program = started_by(Program::example("live_program").env("FLOWKIT_HANDLE_SIGNALS", "false"), "family");
    program.signal("TERM");
    let finished = program.wait();
    died_by(&finished, 15);
    assert!(!finished.stderr.contains("Crash"), "{}", finished.stderr);
}

#[test]
fn a_signal_that_the_program_handles_is_left_to_it() {
    let program = started("own-handler");
    program.signal("TERM");
    let finished = program.wait().succeeded();
    assert!(finished.stderr.contains("handled by the program: Some(\"Running\")"), "{}", finished.stderr);
}
