//! Prefect's own schedules, in the pinned environment of the live tests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Asks all questions of one Python process and returns its answers in their order; `None` when live tests are off.
pub(crate) fn ask(questions: &[Value]) -> Option<Vec<Value>> {
    let python = flowkit_tests::live::interpreter()?;
    let mut child = Command::new(python)
        .args(["-W", "ignore", "-c", include_str!("oracle.py")])
        .env("PREFECT_LOGGING_LEVEL", "ERROR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the environment of the live tests has a Python");
    let mut stdin = child.stdin.take().expect("it is piped");
    let text: String = questions.iter().map(|question| format!("{question}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let answers: Vec<Value> =
        lines.map(|line| serde_json::from_str(&line.expect("a line")).expect("Python answers in JSON")).collect();
    writer.join().expect("the writer does not panic").expect("Python reads all questions");
    assert!(child.wait().expect("Python ends").success());
    assert_eq!(answers.len(), questions.len());
    Some(answers)
}
