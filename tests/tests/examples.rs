//! The examples as somebody who tries the project runs them: with nothing installed, from an empty folder.

use std::path::Path;
use std::time::{Duration, Instant};

use flowkit_tests::program::Program;

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

/// Runs an example and gives what it printed and how long it took.
fn tried(name: &str, leaves: &[&str]) -> (String, Duration) {
    let folder = std::env::temp_dir().join(format!("flowkit-example-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let path = folder.to_str().expect("the folder has a plain name").to_owned();
    let program = Program::example(name).folder(&folder).env("TMPDIR", &path).env("HOME", &path);
    let started = Instant::now();
    let finished = program.run().succeeded();
    let took = started.elapsed();
    let left = files(&folder);
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
    assert_eq!(left, leaves, "{name} leaves files behind");
    assert!(finished.stderr.contains("Finished in state Completed()"), "{}", finished.stderr);
    assert!(!finished.stderr.contains('\u{1b}'), "no colours in a pipe: {}", finished.stderr);
    (finished.stdout + &finished.stderr, took)
}

#[test]
fn hello_says_so_and_is_quick() {
    let tries = (0..5).map(|_| tried("hello", &[])).inspect(|(said, _)| assert!(said.contains("Hello"), "{said}"));
    // All it does is ours, the start of the process included; the quickest try is the one that nobody got in the way of.
    let took = tries.map(|(_, took)| took).min().expect("five tries");
    assert!(took < Duration::from_millis(50), "{took:?}");
}

#[test]
fn quickstart_maps_a_task_over_customers() {
    let (said, _) = tried("quickstart", &[]);
    assert!(said.matches("Finished in state Completed()").count() > 3, "{said}");
}

#[test]
fn scraper_tries_pages_again() {
    let (said, _) = tried("scraper", &[]);
    assert!(said.contains("Retry 1/"), "{said}");
}

#[test]
fn nightly_runs_what_is_scheduled_and_what_is_asked_for() {
    let (said, _) = tried("nightly", &[]);
    assert!(said.contains("Serving 'backup/nightly', next run at "), "{said}");
    assert!(said.contains("ended: Completed()") && said.contains("backup/nightly is next due at ["), "{said}");
    assert!(said.matches("checked what was due at Some(").count() >= 2, "{said}");
}

#[test]
fn pricelist_takes_back_what_it_wrote_and_does_nothing_twice() {
    let (said, _) = tried("pricelist", &[]);
    assert!(said.contains("replayed 4, ran 2"), "{said}");
    assert!(said.contains("removed ") && said.contains("4 prices are in "), "{said}");
}

#[test]
fn background_does_what_was_put_off() {
    let (said, _) = tried("background", &[]);
    assert_eq!(said.matches("@320.webp").count(), 4, "{said}");
    assert!(said.contains("Task run 'thumbnail-3' - Finished in state Completed()"), "{said}");
}

#[test]
fn etl_leaves_the_file_it_announces_and_no_other() {
    let (said, _) = tried("etl", &["flowkit-etl.csv"]);
    assert!(said.contains("1707 rows are in "), "{said}");
    assert!(said.contains("Retry 1/3 will start 0.05 second(s) from now"), "{said}");
}

#[test]
fn etl_says_what_is_wrong_with_its_arguments() {
    for (args, words) in [
        (&["--pages", "3"][..], "--pages"),
        (&["--api"][..], "--api"),
        (&["--api", "ftp://host"][..], "ftp://host"),
        (&["--out", "/no/such/folder/out.csv"][..], "/no/such/folder"),
    ] {
        let finished = Program::example("etl").args(args).run();
        assert_eq!(finished.code, Some(2), "{args:?}: {}", finished.stderr);
        assert_eq!(finished.stderr.lines().filter(|line| !line.is_empty()).count(), 1, "{}", finished.stderr);
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
}
