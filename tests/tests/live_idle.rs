//! What a program takes that serves and has nothing to do. The figures of a release build are in `benches/README.md`; here it
//! is the build of the tests, on a machine that does other things, so only what is far off fails.

use std::time::Duration;

use flowkit_tests::live::{self, Notes};
use flowkit_tests::program::Program;

/// Processor time so far, in hundredths of a second, and resident memory in KiB.
fn taken(id: u32) -> (u64, u64) {
    let read = |what: &str| std::fs::read_to_string(format!("/proc/{id}/{what}")).expect("Linux tells");
    let stat = read("stat");
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    let status = read("status");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a resident set");
    (ticks, resident.trim().trim_end_matches(" kB").parse().expect("a number"))
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_only_waits_takes_next_to_nothing() {
    let Some(server) = live::server() else { return };
    let notes = Notes::new("idle");
    let anchor = chrono::Utc::now().to_rfc3339();
    let program = Program::example("live_served")
        .args(&["process", "1s", "idle", notes.path(), "1h", &anchor])
        .server(&server.api_url())
        .start();
    server.eventually("a runner that asks", |server| {
        let reply = server.send("GET", "/deployments/name/lasting/idle-lasting", None).ok()?;
        reply.body["last_polled"].is_string().then_some(())
    });
    // Whatever is needed once has happened by then.
    std::thread::sleep(Duration::from_secs(3));
    let (before, _) = taken(program.id());
    let seconds = 10;
    std::thread::sleep(Duration::from_secs(seconds));
    let (after, resident) = taken(program.id());
    eprintln!("{} % of a core, {} MiB", (after - before) / seconds, resident / 1024);
    assert!(after - before < 5 * seconds, "{} hundredths of a second in {seconds} s", after - before);
    assert!(resident < 64 * 1024, "{resident} KiB");
    program.signal("TERM");
    program.wait().succeeded();
}
