//! The process of a program that serves without a server: what it costs, how late it is, and how it ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use flowkit_tests::program::{Program, Running};

fn start(what: &str) -> Running {
    Program::example("serve_program").args(&[what]).start()
}

/// What the system knows of a process.
struct Cost {
    resident_kib: u64,
    /// Hundredths of a second on a processor.
    ticks: u64,
    /// How often each of its threads has gone to sleep.
    sleeps: BTreeMap<PathBuf, u64>,
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("Linux tells");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

fn cost(process: u32) -> Cost {
    let read = |path: &str| std::fs::read_to_string(format!("/proc/{process}/{path}")).expect("the process runs");
    let stat = read("stat");
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let fields: Vec<u64> = fields.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("the process runs");
    let sleeps = threads.filter_map(|thread| {
        let thread = thread.expect("a thread").path();
        // It may end meanwhile.
        let status = std::fs::read_to_string(thread.join("status")).ok()?;
        Some((thread, field(&status, "voluntary_ctxt_switches:")))
    });
    // Of the fields after the state, the 11th and 12th are the times.
    Cost { resident_kib: field(&read("status"), "VmRSS:"), ticks: fields[10] + fields[11], sleeps: sleeps.collect() }
}

#[test]
#[cfg(target_os = "linux")]
fn a_process_that_serves_and_has_nothing_to_do_costs_nothing() {
    let long = std::env::var_os("FLOWKIT_FULL").is_some();
    let time = Duration::from_secs(if long { 20 } else { 4 });
    let mut program = start("idle");
    program.until("Serving 'work/d', next run at ");
    // What is left of its start.
    std::thread::sleep(Duration::from_secs(1));
    let before = cost(program.id());
    std::thread::sleep(time);
    let after = cost(program.id());
    let ticks = after.ticks - before.ticks;
    // A thread that git was asked on ends when it has had nothing to do for a while.
    let woken = |(thread, sleeps): (&PathBuf, &u64)| sleeps - before.sleeps.get(thread).unwrap_or(&0);
    let sleeps: u64 = after.sleeps.iter().map(woken).sum();
    println!("{} KiB resident; {ticks} ticks and {sleeps} wakings in {time:?}", after.resident_kib);
    // A program that is not optimised is several times as large, and maps more of itself.
    let most = if cfg!(debug_assertions) { 32 } else { 20 };
    assert!(after.resident_kib < most * 1024, "{} KiB", after.resident_kib);
    assert!(ticks * 10 <= 5 * u64::try_from(time.as_millis()).expect("some seconds") / 1000 + 10, "{ticks} ticks");
    assert!(sleeps <= 4, "it is woken once a minute at most, not {sleeps} times in {time:?}");
}

#[test]
fn a_run_begins_within_20_ms_of_its_time() {
    // Others may be in the way: the best of three medians counts.
    let medians = (0..3).map(|_| {
        let said = Program::example("serve_program").args(&["latency"]).run().succeeded().stdout;
        let late: Vec<i64> = serde_json::from_str(said.trim()).expect("a list");
        assert!(late.len() >= 20, "{late:?}");
        println!("microseconds: first {}, median {}, last {}", late[0], late[late.len() / 2], late[late.len() - 1]);
        assert!(late[0] >= 0, "no run begins before its time: {late:?}");
        late[late.len() / 2]
    });
    let median = medians.min().expect("three");
    assert!(median <= 20_000, "{median} microseconds");
}

#[test]
fn a_signal_lets_runs_end_and_starts_no_new_ones() {
    for signal in ["INT", "TERM"] {
        let mut program = start("busy");
        program.until("Beginning flow run");
        program.until("Beginning flow run");
        program.signal(signal);
        let finished = program.wait().succeeded();
        assert_eq!(finished.stdout, "Completed()\nCompleted()\npaused: true\n", "{}", finished.stderr);
        for words in ["no new runs are started", "Waiting for 2 run(s)", "The schedules of 1 deployment(s) are paused"]
        {
            assert!(finished.stderr.contains(words), "{words}: {}", finished.stderr);
        }
    }
}

#[test]
fn a_second_signal_is_at_once() {
    let mut program = start("busy");
    program.until("Beginning flow run");
    program.until("Beginning flow run");
    program.signal("TERM");
    program.until("Waiting for 2 run(s)");
    program.signal("TERM");
    let finished = program.wait();
    assert!(finished.stdout.starts_with("Cancelled("), "{finished:?}");
    assert!(finished.stderr.contains("Ending 2 run(s) at once"), "{finished:?}");
}
