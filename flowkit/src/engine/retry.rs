//! The rule that says whether a failed attempt is followed by another. Pure.

use std::time::Duration;

use crate::options::Delays;

/// Returns how long to wait before the next attempt; `None` when there is none.
///
/// `run_count` is how often the body was started so far, this attempt included.
pub(crate) fn next_attempt(retries: u32, delays: &Delays, run_count: u32) -> Option<Duration> {
    (run_count <= retries).then(|| delays.before(run_count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::RetryDelay;

    #[test]
    fn attempts_are_retries_and_one() {
        const DELAYS: Delays = Delays::Declared(RetryDelay::List(&[Duration::from_secs(1), Duration::from_secs(5)]));
        let waits: Vec<_> = (1..=4).map(|run_count| next_attempt(3, &DELAYS, run_count)).collect();
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(waits, [seconds(1), seconds(5), seconds(5), None]);
        assert_eq!(next_attempt(0, &DELAYS, 1), None);
    }
}
