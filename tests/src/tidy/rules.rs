//! Small conventions that one file or one line can break.

use super::tokens::{Part, Word, words};
use super::{Finding, Source};

const MAX_LINES: usize = 400;
const MAX_EXAMPLE_LINES: usize = 100;

/// Files that may name a directory of a machine, with the reason.
const MAY_NAME_MACHINES: &[(&str, &str)] = &[];

/// Tests of the library that may sleep in real time, with the reason.
const MAY_SLEEP: &[(&str, &str)] = &[];

/// Checks that no Rust file is too long to be read in one go.
pub fn length(sources: &[Source]) -> Vec<Finding> {
    too_long(sources, MAX_LINES, "one idea a file: split it", Source::is_rust)
}

/// Checks that every example is short.
pub fn example_length(sources: &[Source]) -> Vec<Finding> {
    let advice = "an example shows one thing: shorten it, or move what is no example to examples/src";
    too_long(sources, MAX_EXAMPLE_LINES, advice, |source| {
        let library = source.path.starts_with("examples/src/") && !source.path.starts_with("examples/src/bin/");
        source.is_rust() && source.path.starts_with("examples/") && !library
    })
}

fn too_long(sources: &[Source], limit: usize, advice: &str, concerned: impl Fn(&Source) -> bool) -> Vec<Finding> {
    let concerned = sources.iter().filter(|source| concerned(source));
    concerned
        .filter_map(|source| {
            let lines = source.text.lines().count();
            let message = format!("{lines} lines, {limit} are allowed: {advice}");
            (lines > limit).then(|| Finding::new(source, limit + 1, message))
        })
        .collect()
}

/// Checks that the libraries do not call `unwrap()` outside their tests.
pub fn unwraps(sources: &[Source]) -> Vec<Finding> {
    const CRATES: &[&str] = &["flowkit/src/", "flowkit-macros/src/", "flowkit-client/src/"];
    let concerned = |source: &Source| CRATES.iter().any(|start| source.path.starts_with(start));
    let advice = "`.unwrap()` in a library: return an error, or `expect` the reason it cannot fail";
    each_match(sources, concerned, Part::Library, &[".", "unwrap", "(", ")"], advice)
}

/// Checks that tests of the library do not wait in real time.
///
/// A file whose tests pause the clock may sleep: there it takes no time. Blocking a thread takes
/// time always.
pub fn sleeps(sources: &[Source]) -> Vec<Finding> {
    let concerned = |source: &Source| {
        source.path.starts_with("flowkit/") && !MAY_SLEEP.iter().any(|(path, _)| *path == source.path)
    };
    let unpaused = |source: &Source| concerned(source) && !pauses(source);
    let mut findings = in_tests(sources, concerned, &["thread", "::", "sleep", "("]);
    findings.extend(in_tests(sources, unpaused, &["sleep", "("]));
    findings.sort();
    findings.dedup();
    findings
}

/// Looks at test code only: the library itself may sleep, by its clock.
fn in_tests(sources: &[Source], concerned: impl Fn(&Source) -> bool, pattern: &[&str]) -> Vec<Finding> {
    let advice = "a test that sleeps: use #[tokio::test(start_paused = true)], or wait for what \
                  is to happen";
    let library = each_match(sources, &concerned, Part::Library, pattern, advice);
    let mut all = each_match(sources, &concerned, Part::Whole, pattern, advice);
    all.retain(|finding| !library.contains(finding));
    all
}

fn pauses(source: &Source) -> bool {
    source.text.contains("start_paused") || source.text.contains("time::pause()")
}

/// Checks that no file names a directory of somebody's machine.
pub fn machine_paths(sources: &[Source]) -> Vec<Finding> {
    // Taken apart so that this file does not name them either.
    let starts = ["home/", "root/", "work/", "Users/"].map(|name| format!("/{name}"));
    let mut findings = Vec::new();
    let concerned = |source: &&Source| !MAY_NAME_MACHINES.iter().any(|(path, _)| *path == source.path);
    for source in sources.iter().filter(concerned) {
        for (number, line) in (1..).zip(source.text.lines()) {
            let named =
                starts.iter().find(|start| line.match_indices(start.as_str()).any(|(at, _)| begins_path(&line[..at])));
            if let Some(start) = named {
                let message = format!("names a directory of one machine, `{start}`: make the path relative");
                findings.push(Finding::new(source, number, message));
            }
        }
    }
    findings
}

/// Says whether a slash after this text is the first of a path, and not one in a path or a URL.
fn begins_path(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || "._-/~}>)*$".contains(c))
}

fn each_match(
    sources: &[Source],
    concerned: impl Fn(&Source) -> bool,
    part: Part,
    pattern: &[&str],
    advice: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust() && concerned(source)) {
        match words(source, part) {
            Ok(words) => {
                let hits = words.windows(pattern.len()).filter(|window| matches(window, pattern));
                findings.extend(hits.map(|window| Finding::new(source, window[0].line, advice)));
            }
            Err(finding) => findings.push(finding),
        }
    }
    findings
}

fn matches(window: &[Word], pattern: &[&str]) -> bool {
    window.iter().zip(pattern).all(|(word, text)| word.text == *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&[Source]) -> Vec<Finding>;

    /// Runs a check on one file and returns the lines it objects to.
    fn lines(check: Check, path: &str, text: &str) -> Vec<usize> {
        check(&[Source::new(path, text)]).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn long_files_are_told_at_the_first_line_too_many() {
        assert_eq!(lines(length, "tests/src/a.rs", &"\n".repeat(400)), [0; 0]);
        assert_eq!(lines(length, "tests/src/a.rs", &"\n".repeat(401)), [401]);
        assert_eq!(lines(length, "README.md", &"\n".repeat(401)), [0; 0]);
    }

    #[test]
    fn long_examples_are_told() {
        let long = "\n".repeat(101);
        assert_eq!(lines(example_length, "examples/etl.rs", &long), [101]);
        assert_eq!(lines(example_length, "examples/src/bin/etl.rs", &long), [101]);
        assert_eq!(lines(example_length, "examples/src/catalog.rs", &long), [0; 0]);
        assert_eq!(lines(example_length, "examples/etl.rs", &"\n".repeat(100)), [0; 0]);
    }

    #[test]
    fn unwrap_is_told_in_libraries_only() {
        let text =
            "/// x.unwrap()\nfn f() {\n  x\n    .unwrap();\n}\n#[cfg(test)]\nmod tests { fn g() { y.unwrap() } }";
        assert_eq!(lines(unwraps, "flowkit/src/a.rs", text), [4]);
        assert_eq!(lines(unwraps, "flowkit/tests/a.rs", text), [0; 0]);
        assert_eq!(lines(unwraps, "flowkit-client/src/a.rs", "fn f() { x.unwrap_or(1); y.expect(\"z\") }"), [0; 0]);
    }

    #[test]
    fn sleeping_is_told_but_on_paused_time() {
        let real = "#[tokio::test]\nasync fn a() { tokio::time::sleep(D).await }";
        let paused = "#[tokio::test(start_paused = true)]\nasync fn a() { sleep(D).await }";
        assert_eq!(lines(sleeps, "flowkit/tests/a.rs", real), [2]);
        assert_eq!(lines(sleeps, "flowkit/src/a.rs", &format!("#[cfg(test)] mod tests {{ {real} }}")), [2]);
        assert_eq!(lines(sleeps, "flowkit/tests/a.rs", paused), [0; 0]);
        assert_eq!(lines(sleeps, "flowkit/tests/a.rs", &format!("{paused}\nfn b() {{ thread::sleep(D) }}")), [3]);
        assert_eq!(lines(sleeps, "flowkit/src/clock.rs", "async fn wait() { tokio::time::sleep(D).await }"), [0; 0]);
        assert_eq!(lines(sleeps, "tests/src/live/api.rs", "fn f() { std::thread::sleep(D) }"), [0; 0]);
    }

    #[test]
    fn paths_of_a_machine_are_told_and_urls_are_not() {
        for name in ["home/me", "root/x", "work/y", "Users/z"] {
            assert_eq!(lines(machine_paths, "a.md", &format!("fine\n`/{name}`")), [2], "{name}");
            assert_eq!(lines(machine_paths, "a.md", &format!("https://host/{name} ~/{name} $D/{name}")), [0; 0]);
        }
    }
}
