//! Timing an operation next to the floor.

use std::future::Future;
use std::time::Instant;

/// How often each measurement is repeated; the median counts.
const REPEATS: usize = 11;

/// How many times a bare task is spawned and awaited for one measurement of the floor.
const FLOOR_OPS: u32 = 20_000;

/// Measures `batch`, which does the operation as often as it is told, and prints the result.
///
/// The floor, `tokio::spawn` and `.await` of an empty task, is measured in turn with it, so that
/// both see the same machine. One repeat of each comes first and does not count.
pub async fn measure<F, B>(name: &str, ops: u32, batch: F)
where
    F: Fn(u32) -> B,
    B: Future<Output = ()>,
{
    let (mut own, mut floor) = (Vec::new(), Vec::new());
    for repeat in 0..=REPEATS {
        let (floor_ns, own_ns) = (per_op(FLOOR_OPS, bare_spawns).await, per_op(ops, &batch).await);
        if repeat > 0 {
            floor.push(floor_ns);
            own.push(own_ns);
        }
    }
    let (own, floor) = (median(own), median(floor));
    println!(
        r#"{{"name":"{name}","ns_per_op":{own:.0},"floor_ns_per_op":{floor:.0},"ratio":{:.2},"ops":{ops},"repeats":{REPEATS}}}"#,
        own / floor
    );
}

async fn bare_spawns(ops: u32) {
    for _ in 0..ops {
        let _ = tokio::spawn(async {}).await;
    }
}

async fn per_op<F, B>(ops: u32, batch: F) -> f64
where
    F: Fn(u32) -> B,
    B: Future<Output = ()>,
{
    let start = Instant::now();
    batch(ops).await;
    start.elapsed().as_nanos() as f64 / f64::from(ops)
}

/// Returns the middle value; the greater of the two middle ones if their number is even.
///
/// # Panics
///
/// When there are no values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
    }
}
