//! A mark on a flow run that tells which process runs it, so that a later one can see that it is gone.
//!
//! Only a process of the same start of the same machine, and of the same space of process ids, is judged: of others
//! nothing can be known from here. Where Linux's `/proc` is missing there are no marks.

use std::fs;
use std::sync::OnceLock;

const PREFIX: &str = "flowkit:";

/// The mark of this process.
pub(super) fn own() -> Option<&'static str> {
    static OWN: OnceLock<Option<String>> = OnceLock::new();
    let mark = || Some(format!("{}{}:{}", space()?, std::process::id(), started("self")?));
    OWN.get_or_init(mark).as_deref()
}

/// Tells whether a flow run bears a mark of this crate's, whosoever.
pub(super) fn is_ours(mark: &str) -> bool {
    mark.starts_with(PREFIX)
}

/// Tells whether the process that made a mark is certainly gone.
pub(super) fn is_gone(mark: &str) -> bool {
    space().is_some_and(|space| gone(mark, &space, &started))
}

fn gone(mark: &str, space: &str, started: &dyn Fn(&str) -> Option<String>) -> bool {
    let process = mark.strip_prefix(space).and_then(|process| process.split_once(':'));
    process.is_some_and(|(id, start)| started(id).as_deref() != Some(start))
}

/// What the marks of all processes that can be seen from here begin with.
fn space() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let ids = fs::read_link("/proc/self/ns/pid").ok()?;
    let ids: String = ids.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    Some(format!("{PREFIX}{}:{ids}:", boot.trim()))
}

/// When a process was started, in ticks since the start of the machine.
fn started(process: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may hold anything; the time is the 20th field after it.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_that_could_be_seen_and_is_not_there_is_gone() {
        let started = |process: &str| (process == "7").then(|| "100".to_owned());
        let gone = |mark| gone(mark, "flowkit:boot:1:", &started);
        assert!(!gone("flowkit:boot:1:7:100"), "it runs");
        assert!(gone("flowkit:boot:1:7:99"), "another process has its id now");
        assert!(gone("flowkit:boot:1:8:100"));
        assert!(!gone("flowkit:boot:2:8:100"), "its ids mean other processes");
        assert!(!gone("12345"), "a worker's mark");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_not_gone() {
        let own = own().expect("Linux tells");
        assert!(is_ours(own) && !is_gone(own), "{own}");
    }
}
