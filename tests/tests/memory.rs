//! What large maps take, in a process of their own.

use flowkit_tests::program::Program;

#[test]
#[cfg(target_os = "linux")]
fn a_streamed_map_of_100_000_results_of_1_kb_takes_less_than_64_mib() {
    let program = Program::example("live_program").args(&["streamed", "100000"]);
    let finished = program.env("PREFECT_LOGGING_LEVEL", "WARNING").run().succeeded();
    let figure = |unit: &str| -> u64 {
        let line = finished.stdout.lines().find_map(|line| line.strip_suffix(unit));
        line.and_then(|number| number.trim().parse().ok()).unwrap_or_else(|| panic!("{finished:?}"))
    };
    assert_eq!(figure("bytes"), 100_000_000);
    assert!(figure("KiB more") < 64 * 1024, "{} KiB", figure("KiB more"));
}
