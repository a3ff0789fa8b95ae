//! How long to wait before each retry. Pure.

use std::sync::Arc;
use std::time::Duration;

/// More delays than these are not reported; Prefect keeps no longer list.
const MOST_REPORTED: usize = 50;

/// Where an exponential delay stops growing if nothing else stops it: about 136 years.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

/// How long to wait before each retry.
///
/// ```
/// use std::time::Duration;
/// use flowkit::{Options, RetryDelay};
///
/// const GROWING: RetryDelay = RetryDelay::exponential(Duration::from_secs(1), 2.0).at_most(Duration::from_secs(60));
/// const PATIENT: Options = Options::new().retries(8).retry_delay(GROWING);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RetryDelay {
    /// The same before every retry.
    Fixed(Duration),
    /// One for each retry; the last is repeated.
    List(&'static [Duration]),
    /// Each a multiple of the one before; see [`exponential`](RetryDelay::exponential).
    #[non_exhaustive]
    Exponential {
        /// Before the first retry.
        first: Duration,
        /// What each further delay is multiplied by.
        factor: f64,
        /// No delay is longer.
        max: Option<Duration>,
    },
}

impl RetryDelay {
    /// Makes delays that grow: `first`, then `first * factor`, `first * factor²` and so on. A factor below 1 counts
    /// as 1. Prefect calls this an exponential backoff.
    #[must_use]
    pub const fn exponential(first: Duration, factor: f64) -> Self {
        Self::Exponential { first, factor, max: None }
    }

    /// Bounds delays that grow; the others stay as they are.
    #[must_use]
    pub const fn at_most(self, max: Duration) -> Self {
        match self {
            Self::Exponential { first, factor, .. } => Self::Exponential { first, factor, max: Some(max) },
            other => other,
        }
    }
}

/// The delays that one call asks for.
#[derive(Clone, Debug)]
pub(crate) enum Delays {
    Declared(RetryDelay),
    Given(Arc<[Duration]>),
}

impl Delays {
    /// Returns the delay before the `retry`-th retry, counted from 1.
    pub(crate) fn before(&self, retry: u32) -> Duration {
        let retry = retry.max(1);
        match self {
            Self::Declared(RetryDelay::Fixed(delay)) => *delay,
            Self::Declared(RetryDelay::List(list)) => nth(list, retry),
            Self::Declared(RetryDelay::Exponential { first, factor, max }) => {
                // NaN counts as 1 as well.
                let growth = factor.max(1.0).powf(f64::from(retry - 1));
                let longest = max.unwrap_or(LONGEST).min(LONGEST);
                let delay = Duration::try_from_secs_f64(first.as_secs_f64() * growth);
                if first.is_zero() { Duration::ZERO } else { delay.unwrap_or(longest).min(longest) }
            }
            Self::Given(list) => nth(list, retry),
        }
    }

    /// Lists the delays for so many retries as they are reported; where the last is repeated, it stands once.
    pub(crate) fn reported(&self, retries: u32) -> Vec<Duration> {
        let list = match self {
            Self::Declared(RetryDelay::Fixed(delay)) => std::slice::from_ref(delay),
            Self::Declared(RetryDelay::List(list)) => list,
            Self::Declared(RetryDelay::Exponential { .. }) => {
                return (1..=retries).take(MOST_REPORTED).map(|retry| self.before(retry)).collect();
            }
            Self::Given(list) => list,
        };
        list.iter().copied().take(MOST_REPORTED).collect()
    }
}

fn nth(list: &[Duration], retry: u32) -> Duration {
    let index = (retry as usize - 1).min(list.len().saturating_sub(1));
    list.get(index).copied().unwrap_or(Duration::ZERO)
}

impl Default for Delays {
    fn default() -> Self {
        Self::Declared(RetryDelay::Fixed(Duration::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn seconds(delay: RetryDelay, retries: u32) -> Vec<f64> {
        let delays = Delays::Declared(delay);
        (1..=retries).map(|retry| delays.before(retry).as_secs_f64()).collect()
    }

    #[test]
    fn the_last_delay_of_a_list_is_repeated() {
        assert_eq!(seconds(RetryDelay::List(&[Duration::ZERO, SECOND]), 3), [0.0, 1.0, 1.0]);
        assert_eq!(Delays::Given(Arc::new([])).before(1), Duration::ZERO);
    }

    #[test]
    fn exponential_delays_grow_up_to_their_bound() {
        let growing = RetryDelay::exponential(SECOND, 2.0);
        assert_eq!(seconds(growing, 5), [1.0, 2.0, 4.0, 8.0, 16.0]);
        assert_eq!(seconds(growing.at_most(5 * SECOND), 5), [1.0, 2.0, 4.0, 5.0, 5.0]);
        assert_eq!(seconds(RetryDelay::exponential(SECOND, 1.5), 3), [1.0, 1.5, 2.25]);
        assert_eq!(seconds(growing.at_most(SECOND / 2), 2), [0.5, 0.5], "the bound holds from the first on");
    }

    #[test]
    fn exponential_delays_neither_overflow_nor_shrink() {
        assert_eq!(Delays::Declared(RetryDelay::exponential(SECOND, 10.0)).before(u32::MAX), LONGEST);
        assert_eq!(Delays::Declared(RetryDelay::exponential(Duration::ZERO, 9e99)).before(9999), Duration::ZERO);
        for factor in [0.1, -3.0, f64::NAN] {
            assert_eq!(seconds(RetryDelay::exponential(SECOND, factor), 2), [1.0, 1.0], "{factor}");
        }
    }

    #[test]
    fn what_is_reported_is_the_concrete_delays_and_at_most_fifty() {
        let growing = Delays::Declared(RetryDelay::exponential(SECOND, 2.0).at_most(3 * SECOND));
        assert_eq!(growing.reported(3), [SECOND, 2 * SECOND, 3 * SECOND]);
        assert_eq!(growing.reported(99).len(), 50);
        assert_eq!(Delays::Given(vec![SECOND; 60].into()).reported(60).len(), 50);
        assert_eq!(Delays::default().reported(3), [Duration::ZERO]);
    }
}
