//! The rule that says whether a failed attempt is followed by another. Pure.

use std::time::Duration;

use crate::do_not_retry;
use crate::options::RetryIf;
use crate::retry_delay::Delays;
use crate::user_error::UserError;

/// What is to be done about failed attempts.
#[derive(Debug)]
pub(crate) struct Policy<'a> {
    pub(crate) retries: u32,
    pub(crate) delays: &'a Delays,
    /// By which share of itself a delay is lengthened at most.
    pub(crate) jitter: Option<f64>,
}

/// Returns how long to wait before the next attempt; `None` when there is none.
///
/// `run_count` is how often the body was started so far, this attempt included. `chance`, from 0 to 1, is where in
/// the range of the jitter the delay lies.
pub(crate) fn next_attempt(policy: &Policy<'_>, run_count: u32, chance: f64) -> Option<Duration> {
    (run_count <= policy.retries).then(|| lengthened(policy.delays.before(run_count), policy.jitter, chance))
}

/// Tells whether a body's error may be followed by another attempt: the body's own word counts first, then the
/// condition of the call or of a value, then that of the definition.
pub(crate) fn is_worth_a_retry(error: &UserError, condition: Option<RetryIf>) -> bool {
    !do_not_retry::says_so(error)
        && condition.map_or(error.worth_a_retry != Some(false), |condition| condition(error.as_std()))
}

/// Spreads retries of runs that failed together: a delay becomes at most `jitter` times longer, all lengths between
/// being as likely. (Prefect draws from a clamped Poisson distribution, where most delays are close to the shortest
/// or the longest.) A bound on the delay bounds it without the jitter.
fn lengthened(delay: Duration, jitter: Option<f64>, chance: f64) -> Duration {
    let Some(jitter) = jitter else { return delay };
    let share = jitter.max(0.0) * chance;
    Duration::try_from_secs_f64(delay.as_secs_f64() * share).map_or(delay, |extra| delay.saturating_add(extra))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry_delay::RetryDelay;

    const DELAYS: Delays = Delays::Declared(RetryDelay::List(&[Duration::from_secs(1), Duration::from_secs(5)]));

    fn waits(retries: u32, jitter: Option<f64>, chance: f64) -> Vec<Option<f64>> {
        let policy = Policy { retries, delays: &DELAYS, jitter };
        let wait = |run_count| next_attempt(&policy, run_count, chance).map(|delay| delay.as_secs_f64());
        (1..=4).map(wait).collect()
    }

    #[test]
    fn attempts_are_retries_and_one() {
        assert_eq!(waits(3, None, 0.7), [Some(1.0), Some(5.0), Some(5.0), None]);
        assert_eq!(waits(0, None, 0.7), [None; 4]);
    }

    #[test]
    fn jitter_lengthens_a_delay_by_up_to_its_factor() {
        assert_eq!(waits(2, Some(0.5), 0.0)[..2], [Some(1.0), Some(5.0)]);
        assert_eq!(waits(2, Some(0.5), 0.5)[..2], [Some(1.25), Some(6.25)]);
        assert_eq!(waits(2, Some(0.5), 1.0)[..2], [Some(1.5), Some(7.5)]);
        assert_eq!(waits(2, Some(3.0), 1.0)[..2], [Some(4.0), Some(20.0)]);
    }

    #[test]
    fn a_factor_that_makes_no_sense_changes_nothing() {
        for factor in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(waits(1, Some(factor), 1.0)[0], Some(1.0), "{factor}");
        }
    }
}
