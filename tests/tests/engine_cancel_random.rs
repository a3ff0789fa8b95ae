//! Whatever goes on when a flow run is cancelled: nothing starts afterwards, and everything ends.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::runtime::is_cancelled;
use flowkit::{Runtime, State};
use flowkit_tests::lab::Lab;
use tokio::time::sleep;

/// A small generator of its own for each run, so that a failure can be seen again by its seed.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |sides| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) % sides
    }
}

#[task(retries = 2, retry_delay = "1s", timeout = "7s")]
async fn work(seed: u64) -> Result<u64, String> {
    let mut roll = dice(seed);
    if roll(3) == 0 {
        // Listens from now on, and goes on nevertheless.
        let _ = is_cancelled();
    }
    if roll(4) == 0 {
        drop(work(seed + 1_000).submit());
    }
    sleep(Duration::from_millis(roll(10_000))).await;
    if roll(3) == 0 { Err("bad luck".to_owned()) } else { Ok(seed) }
}

/// Calls this and that and goes on whatever becomes of it.
#[flow]
async fn tree(seed: u64, depth: u64) {
    let mut roll = dice(seed);
    for nth in 0..roll(6) {
        let seed = seed * 31 + nth;
        match roll(6) {
            0 => drop(work(seed).await),
            1 => drop(work(seed).submit()),
            2 => drop(work(work(seed).submit()).submit()),
            3 => drop(flowkit::map(seed..seed + 5, work).limit(2).await),
            4 if depth > 0 => drop(std::future::IntoFuture::into_future(tree(seed, depth - 1)).await),
            _ if depth > 0 => drop(tree(seed, depth - 1).submit()),
            _ => sleep(Duration::from_millis(roll(2_000))).await,
        }
    }
}

fn check(states: &[State], cancelled: flowkit::Timestamp, what: &str) {
    assert!(states.is_sorted_by_key(State::timestamp), "{what}: {states:?}");
    assert!(states.iter().filter(|state| state.is_final()).count() <= 1, "{what}: {states:?}");
    let last = states.last().expect("each run has a state");
    assert!(last.is_final() || last.name() == "NotReady", "{what}: {states:?}");
    let late = states.iter().find(|state| state.name() == "Running" && state.timestamp() > cancelled);
    assert!(late.is_none(), "{what} started after its flow run was cancelled: {states:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_starts_nothing_new_and_leaves_nothing_behind() {
    let mut stopped = 0;
    for seed in 1..=150 {
        let runtime = Runtime::ephemeral();
        let lab = Lab::of(runtime.clone());
        lab.run(async {
            let future = tree(seed, 3).submit();
            sleep(Duration::from_millis(dice(seed + 7)(12_000))).await;
            let Some(run) = future.run().filter(|run| !run.state().is_final()) else { return };
            runtime.cancel_flow_run(run.id()).await.expect("it is under way");
            let _ = future.clone().await;
            stopped += 1;
            let states = lab.all_flows()[0].states();
            let cancelling = states.iter().find(|state| state.name() == "Cancelling");
            let cancelled = cancelling.expect("somebody asked").timestamp();
            assert_eq!(states.last().map(State::name), Some("Cancelled"), "seed {seed}");
            lab.all_flows().iter().for_each(|run| check(&run.states(), cancelled, &format!("flow of seed {seed}")));
            lab.all_tasks().iter().for_each(|run| check(&run.states(), cancelled, &format!("task of seed {seed}")));
        })
        .await;
    }
    assert!(stopped > 50, "only {stopped} runs were under way");
}
