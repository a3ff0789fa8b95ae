//! How fast: a rate limit and a back-off. Pure, with the time passed in.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// Limits a rate, with bursts of a tenth of a second.
#[derive(Debug)]
pub(super) struct Pace(Option<Bucket>);

#[derive(Debug)]
struct Bucket {
    per_second: f64,
    most: f64,
    tokens: f64,
    at: Instant,
}

impl Pace {
    pub(super) fn new(per_second: Option<NonZeroU32>, now: Instant) -> Self {
        Self(per_second.map(|rate| {
            let per_second = f64::from(rate.get());
            let most = (per_second / 10.0).max(1.0);
            Bucket { per_second, most, tokens: most, at: now }
        }))
    }

    /// Tells how many of the wanted events may go now.
    pub(super) fn allowed(&mut self, now: Instant, wanted: usize) -> usize {
        let Some(bucket) = &mut self.0 else {
            return wanted;
        };
        let earned = now.saturating_duration_since(bucket.at).as_secs_f64() * bucket.per_second;
        bucket.tokens = (bucket.tokens + earned).min(bucket.most);
        bucket.at = now;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
        let whole = bucket.tokens as usize;
        wanted.min(whole)
    }

    /// Notes that so many went.
    pub(super) fn spend(&mut self, events: usize) {
        if let Some(bucket) = &mut self.0 {
            #[expect(clippy::cast_precision_loss, reason = "a batch has a few hundred events")]
            let events = events as f64;
            bucket.tokens -= events;
        }
    }

    /// Tells when the next event may go.
    pub(super) fn next(&self, now: Instant) -> Instant {
        match &self.0 {
            Some(bucket) if bucket.tokens < 1.0 => {
                bucket.at + Duration::from_secs_f64((1.0 - bucket.tokens) / bucket.per_second)
            }
            _ => now,
        }
    }
}

/// Gives the pause after some failures in a row: doubled each time up to the longest, with 20 % jitter. `random` is a
/// number in `0.0..1.0`.
pub(super) fn pause((first, longest): (Duration, Duration), failures: u32, random: f64) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    doubled.min(longest).mul_f64(0.8 + 0.4 * random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_allows_everything() {
        let now = Instant::now();
        let mut pace = Pace::new(None, now);
        assert_eq!(pace.allowed(now, 1_000_000), 1_000_000);
        assert_eq!(pace.next(now), now);
    }

    #[test]
    fn a_limit_holds_over_time() {
        let start = Instant::now();
        let mut pace = Pace::new(NonZeroU32::new(100), start);
        let mut sent = 0;
        let mut now = start;
        while now < start + Duration::from_secs(10) {
            let allowed = pace.allowed(now, 50);
            pace.spend(allowed);
            sent += allowed;
            now = pace.next(now).max(now + Duration::from_millis(1));
        }
        assert!((990..=1011).contains(&sent), "{sent}");
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let span = (Duration::from_secs(1), Duration::from_secs(30));
        for (failures, seconds) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (40, 30)] {
            assert_eq!(pause(span, failures, 0.5), Duration::from_secs(seconds));
        }
        assert_eq!(pause(span, 1, 0.0), Duration::from_millis(800));
    }
}
