//! Timing an operation next to others, repeat by repeat.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

/// How often an operation of nanoseconds is measured; the median counts.
const REPEATS: usize = 11;

/// How many times a bare task is spawned and awaited for one measurement of the floor.
const FLOOR_OPS: u32 = 20_000;

/// What is measured once in each repeat: it takes its time itself, and gives it per operation, in whatever unit.
pub type Side<'a> = Box<dyn Fn() -> Pin<Box<dyn Future<Output = f64> + Send + 'a>> + Send + Sync + 'a>;

/// Makes a side.
pub fn side<'a, F, T>(work: F) -> Side<'a>
where
    F: Fn() -> T + Send + Sync + 'a,
    T: Future<Output = f64> + Send + 'a,
{
    Box::new(move || Box::pin(work()))
}

/// What a side took over all repeats.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// The middle value.
    pub median: f64,
    /// The least value: what is left where others keep the machine busy.
    pub least: f64,
}

/// Measures all sides in each repeat, one after the other.
///
/// One repeat comes first and does not count. Because the sides take turns, all of them see the same machine.
pub async fn in_turn<const N: usize>(repeats: usize, sides: [Side<'_>; N]) -> [Taken; N] {
    let mut taken = [const { Vec::new() }; N];
    for repeat in 0..=repeats {
        for (side, taken) in sides.iter().zip(&mut taken) {
            let once = side().await;
            if repeat > 0 {
                taken.push(once);
            }
        }
    }
    taken.map(|taken| Taken { least: taken.iter().copied().fold(f64::INFINITY, f64::min), median: median(taken) })
}

/// Measures `batch`, which does the operation as often as it is told, next to the floor, and prints the result.
///
/// The floor is `tokio::spawn` and `.await` of an empty task.
pub async fn measure<F, B>(name: &str, ops: u32, batch: F)
where
    F: Fn(u32) -> B + Send + Sync,
    B: Future<Output = ()> + Send,
{
    let floor = side(|| per_op(FLOOR_OPS, bare_spawns));
    let [floor, own] = in_turn(REPEATS, [floor, side(|| per_op(ops, &batch))]).await;
    println!(
        r#"{{"name":"{name}","ns_per_op":{:.0},"floor_ns_per_op":{:.0},"ratio":{:.2},"least_ns":{:.0},"floor_least_ns":{:.0},"ops":{ops},"repeats":{REPEATS}}}"#,
        own.median,
        floor.median,
        own.median / floor.median,
        own.least,
        floor.least
    );
}

async fn bare_spawns(ops: u32) {
    for _ in 0..ops {
        let _ = tokio::spawn(async {}).await;
    }
}

/// Gives the nanoseconds that one of `ops` operations takes.
pub async fn per_op<F, B>(ops: u32, batch: F) -> f64
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
