//! Many flows at once, on several threads and in real time, with retries, timeouts and cancellations by dice: whatever
//! happens when, each run ends once, the counts add up, and nothing is left behind.
//!
//! `FLOWKIT_FULL=1` runs 64 flows of 1 000 tasks each, for 100 seeds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{FlowRunId, Runtime, State};
use flowkit_tests::lab::Lab;
use flowkit_tests::suite::{embedded, memory};
use tokio::time::{Instant, sleep};

/// How many items of a map are under way at once.
const LIMIT: usize = 48;

/// How many retries a task has, as its attribute says.
const RETRIES: u32 = 2;

/// How much is done.
struct Size {
    seeds: u64,
    flows: u64,
    tasks: u64,
}

fn size() -> Size {
    match std::env::var_os("FLOWKIT_FULL") {
        Some(_) => Size { seeds: 100, flows: 64, tasks: 1_000 },
        None => Size { seeds: 3, flows: 16, tasks: 150 },
    }
}

/// A small generator of its own for each run, so that a failure can be looked for by its seed.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |sides| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) % sides
    }
}

/// What one flow run has seen itself.
#[derive(Debug, Default)]
struct Tally {
    /// Bodies that have begun, and those that are over in whatever way.
    begun: AtomicUsize,
    over: AtomicUsize,
    /// How many were in the middle at most.
    most: AtomicUsize,
    /// The names of the states that the map has given, if the flow came so far.
    given: Mutex<Option<BTreeMap<String, usize>>>,
}

struct Body(Arc<Tally>);

impl Body {
    fn begin(tally: Arc<Tally>) -> Self {
        let begun = tally.begun.fetch_add(1, Relaxed) + 1;
        tally.most.fetch_max(begun.saturating_sub(tally.over.load(Relaxed)), Relaxed);
        Self(tally)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.0.over.fetch_add(1, Relaxed);
    }
}

static TALLIES: Mutex<Option<HashMap<FlowRunId, Arc<Tally>>>> = Mutex::new(None);

fn tally(run: FlowRunId) -> Arc<Tally> {
    let mut tallies = TALLIES.lock().expect("no panic");
    Arc::clone(tallies.get_or_insert_default().entry(run).or_default())
}

#[task(retries = 2, retry_delay = "1ms", timeout = "20ms")]
async fn work(tally: Arc<Tally>, seed: u64) -> Result<u64, String> {
    let _body = Body::begin(tally);
    let attempt = flowkit::runtime::task_run().map_or(0, |run| run.run_count());
    let mut roll = dice(seed * 7 + u64::from(attempt));
    match roll(20) {
        0 => sleep(Duration::from_secs(60)).await,
        1..=8 => sleep(Duration::from_millis(roll(4))).await,
        9..=11 => tokio::task::yield_now().await,
        _ => {}
    }
    if roll(4) == 0 { Err("bad luck".to_owned()) } else { Ok(seed) }
}

#[flow]
async fn swarm(seed: u64, tasks: u64) -> flowkit::Result<()> {
    let tally = tally(flowkit::runtime::flow_run().map(|run| run.id()).expect("a flow run"));
    let mut roll = dice(seed);
    let each = Arc::clone(&tally);
    let map = flowkit::map(0..tasks, move |n| work(Arc::clone(&each), seed * 10_000 + n)).limit(LIMIT).submit();
    if roll(8) == 0 {
        sleep(Duration::from_millis(roll(30))).await;
        map.cancel();
    }
    if roll(4) == 0 {
        // Some that are picked out.
        for _ in 0..tasks / 10 {
            tokio::task::yield_now().await;
            map.get(roll(tasks) as usize).inspect(|one| one.cancel());
        }
    }
    let mut given = BTreeMap::new();
    for state in map.wait().await {
        *given.entry(state.name().to_owned()).or_default() += 1;
    }
    *tally.given.lock().expect("no panic") = Some(given);
    Ok(())
}

fn check_states(states: &[State], what: &str) {
    let ends = states.iter().filter(|state| state.is_final()).count();
    assert!(ends == 1 && states.last().is_some_and(State::is_final), "{what}: one end, at the end: {states:?}");
    assert!(states.is_sorted_by_key(State::timestamp), "{what}: {states:?}");
}

fn check(lab: &Lab, size: &Size, seed: u64, seen: &mut BTreeSet<String>) {
    let mut of_flow: HashMap<FlowRunId, (BTreeMap<String, usize>, usize)> = HashMap::new();
    for run in lab.all_tasks() {
        let states = run.states();
        check_states(&states, &format!("task of seed {seed}"));
        seen.extend(states.iter().map(|state| format!("task {}", state.name())));
        let starts = states.iter().filter(|state| ["Running", "Retrying"].contains(&state.name())).count();
        assert_eq!(run.effort().run_count as usize, starts, "seed {seed}: {states:?}");
        assert!(starts <= RETRIES as usize + 1, "seed {seed}: {states:?}");
        let flow = run.flow_run().expect("all are in flows").id();
        let (names, attempts) = of_flow.entry(flow).or_default();
        *names.entry(run.state().name().to_owned()).or_default() += 1;
        *attempts += starts;
    }
    let flows = lab.all_flows();
    assert_eq!(flows.len() as u64, size.flows, "seed {seed}");
    for run in flows {
        seen.insert(format!("flow {}", run.state().name()));
        check_states(&run.states(), &format!("flow of seed {seed}"));
        let (names, attempts) = of_flow.remove(&run.id()).unwrap_or_default();
        let tally = tally(run.id());
        let begun = tally.begun.load(Relaxed);
        assert_eq!(begun, tally.over.load(Relaxed), "seed {seed}: bodies that have begun are over");
        assert!(begun <= attempts, "seed {seed}: {begun} bodies in {attempts} attempts");
        assert!(tally.most.load(Relaxed) <= LIMIT, "seed {seed}: {tally:?}");
        let runs: usize = names.values().sum();
        assert!(runs as u64 <= size.tasks, "seed {seed}: {names:?}");
        if run.state().name() == "Completed" {
            let given = tally.given.lock().expect("no panic").clone().expect("the flow came to its end");
            assert_eq!(given.values().sum::<usize>() as u64, size.tasks, "seed {seed}");
            // What was cancelled before it got a turn has no run.
            let missing = size.tasks as usize - runs;
            let cancelled = |names: &BTreeMap<String, usize>| names.get("Cancelled").copied().unwrap_or(0);
            assert_eq!(cancelled(&given), cancelled(&names) + missing, "seed {seed}: {given:?} and {names:?}");
            let others = |names: &BTreeMap<String, usize>| {
                names.iter().filter(|(name, _)| *name != "Cancelled").map(|(name, n)| (name.clone(), *n)).collect()
            };
            let (given, kept): (Vec<_>, Vec<_>) = (others(&given), others(&names));
            assert_eq!(given, kept, "seed {seed}");
        }
        TALLIES.lock().expect("no panic").as_mut().map(|tallies| tallies.remove(&run.id()));
    }
}

/// The dice have left nothing out.
fn everything_was_there(seen: &BTreeSet<String>) {
    let ends = ["Completed", "Failed", "TimedOut", "Cancelled"].map(|end| format!("task {end}"));
    let others = ["task AwaitingRetry", "flow Completed", "flow Cancelled"].map(str::to_owned);
    let missing: Vec<_> = ends.iter().chain(&others).filter(|state| !seen.contains(*state)).collect();
    assert!(missing.is_empty(), "nothing was ever {missing:?}");
}

/// Has all flows of a seed run, some of which are cancelled or time out.
async fn act(runtime: &Runtime, size: &Size, seed: u64) {
    let mut roll = dice(seed + 99);
    let mut under_way = Vec::new();
    for n in 0..size.flows {
        let call = swarm(seed * 1_000 + n, size.tasks);
        let call = if roll(8) == 0 { call.timeout("25ms") } else { call };
        under_way.push((call.submit(), roll(4) == 0, Duration::from_millis(roll(40))));
    }
    let begun = Instant::now();
    for (future, is_cancelled, after) in &under_way {
        if *is_cancelled {
            tokio::time::sleep_until(begun + *after).await;
            if let Some(run) = future.run() {
                // It may have ended meanwhile.
                let _ = runtime.cancel_flow_run(run.id()).await;
            }
        }
    }
    for (future, ..) in under_way {
        let _ = future.await;
    }
}

/// Waits until tokio has no task left.
async fn nothing_is_left(seed: u64) {
    let metrics = tokio::runtime::Handle::current().metrics();
    let begun = Instant::now();
    while metrics.num_alive_tasks() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "seed {seed}: {} tasks left", metrics.num_alive_tasks());
        sleep(Duration::from_millis(1)).await;
    }
}

fn runtime() -> flowkit::RuntimeBuilder {
    Runtime::builder().keep_task_runs(usize::MAX).keep_flow_runs(usize::MAX).keep_logs(usize::MAX)
}

fn on_threads(future: impl Future<Output = ()>) {
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    threads.expect("threads").block_on(future);
}

#[test]
fn whatever_happens_at_once_in_memory_ends_and_leaves_nothing() {
    let (size, mut seen) = (size(), BTreeSet::new());
    for seed in 1..=size.seeds {
        on_threads(async {
            let runtime = runtime().build().expect("it is in memory");
            let lab = Lab::of(runtime.clone());
            lab.run(act(&runtime, &size, seed)).await;
            nothing_is_left(seed).await;
            check(&lab, &size, seed, &mut seen);
        });
    }
    everything_was_there(&seen);
}

#[test]
fn whatever_happens_at_once_is_in_the_file_as_it_happened() {
    let (size, mut seen) = (size(), BTreeSet::new());
    for seed in 1..=size.seeds {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("runs.db");
        on_threads(async {
            let runtime = runtime().embedded(&path).build().expect("the file can be written");
            let lab = Lab::of(runtime.clone());
            lab.run(act(&runtime, &size, seed)).await;
            nothing_is_left(seed).await;
            let unwritten = runtime.flush(Duration::from_secs(120)).await;
            assert!(unwritten.is_empty(), "seed {seed}: {unwritten:?}");
            check(&lab, &size, seed, &mut seen);
            let known = memory::facts(runtime.history().expect("it is in memory too")).in_order();
            let written = embedded::facts(&path).expect("the file can be read").in_order();
            assert_eq!(
                (known.flows.len(), known.tasks.len()),
                (written.flows.len(), written.tasks.len()),
                "seed {seed}"
            );
            assert_eq!(known.logs.len(), written.logs.len(), "seed {seed}");
            for (known, written) in known.flows.iter().zip(&written.flows) {
                assert_eq!(known, written, "seed {seed}");
            }
            for (known, written) in known.tasks.iter().zip(&written.tasks) {
                assert_eq!(known, written, "seed {seed}");
            }
        });
    }
    everything_was_there(&seen);
}
