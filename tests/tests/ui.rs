//! What `#[task]` and `#[flow]` accept, and what they say about mistakes.

use std::fs;
use std::path::Path;

#[test]
fn accepted_shapes_compile_and_run() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}

#[test]
fn every_mistake_has_its_message() {
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
}

#[test]
fn every_mistake_is_one_error() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui/fail");
    let entries = fs::read_dir(folder).expect("the folder of mistakes");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut messages = paths.filter(|path| path.extension().is_some_and(|extension| extension == "stderr")).peekable();
    assert!(messages.peek().is_some(), "there are no messages");
    for path in messages {
        let text = fs::read_to_string(&path).expect("a message");
        let errors = text.lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(errors, 1, "{}:\n{text}", path.display());
        assert!(!text.lines().any(|line| line.starts_with("warning")), "{}:\n{text}", path.display());
    }
}
