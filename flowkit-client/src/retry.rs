//! Whether and when a failed attempt is repeated. Pure: values in, a decision out.
//!
//! This is our own and not the `backon` crate because the rule is Prefect's: a server's `Retry-After` replaces the
//! back-off, jitter only ever lengthens it, and maintenance answers do not count. What would be left for a
//! library is a loop.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Sets how often a request is repeated, and for which statuses.
///
/// The defaults are Prefect's: five retries; statuses 408, 429, 502 and 503; delays of 2, 4, 8, 16 and 32 seconds
/// with 20 % jitter either way unless the server says `Retry-After`. A plain 500 is not repeated unless it is listed
/// with [`RetryPolicy::also_on`]. Answers with `Prefect-Maintenance: true` are waited out however long it takes, within
/// the deadline if the client has one. A connection that cannot be made is retried only by a client that has reached
/// the server before; otherwise the address is probably wrong, and that is said at once.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    max_retries: u32,
    extra: BTreeSet<u16>,
    base: Duration,
    longest: Duration,
    jitter: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 5,
            extra: BTreeSet::new(),
            base: Duration::from_secs(1),
            longest: Duration::MAX,
            jitter: 0.2,
        }
    }
}

impl RetryPolicy {
    /// Makes a policy that never repeats a request.
    pub fn none() -> Self {
        Self { max_retries: 0, ..Self::default() }
    }

    /// Sets how many times a request is repeated (`PREFECT_CLIENT_MAX_RETRIES`). Default: 5.
    #[must_use]
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Adds statuses to repeat on (`PREFECT_CLIENT_RETRY_EXTRA_CODES`).
    #[must_use]
    pub fn also_on(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.extra.extend(statuses);
        self
    }

    /// Sets the unit of the back-off: the n-th delay is 2^n units. Default: one second.
    #[must_use]
    pub fn base_delay(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Sets what the back-off does not grow beyond; jitter, and what a server asks for, may be longer. Default: no limit.
    #[must_use]
    pub fn max_delay(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Sets the jitter as a part of the delay (`PREFECT_CLIENT_RETRY_JITTER_FACTOR`). Default: 0.2; kept within 0 and 1.
    #[must_use]
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
        self
    }

    fn repeats(&self, status: u16) -> bool {
        matches!(status, 408 | 429 | 502 | 503) || self.extra.contains(&status)
    }
}

/// Tells how an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The server answered with this status.
    Status {
        /// The HTTP status.
        code: u16,
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
        /// Whether the answer carried `Prefect-Maintenance: true`.
        maintenance: bool,
    },
    /// The connection broke, or the attempt timed out, after it had been made.
    Broken,
    /// No connection could be made.
    Unreachable {
        /// Whether this client has ever reached the server; if not, the address is probably wrong.
        reached_before: bool,
    },
}

/// Says what to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Waits this long and tries again.
    After(Duration),
    /// Gives up.
    Stop,
}

/// Decides about a failed attempt.
///
/// `attempt` counts the attempts so far that count, from 1; `random` is a number in `0.0..1.0` that places the delay
/// inside the jitter.
pub fn decide(policy: &RetryPolicy, attempt: u32, outcome: Outcome, random: f64) -> Retry {
    let (asked, counts) = match outcome {
        Outcome::Status { code, .. } if !policy.repeats(code) => return Retry::Stop,
        Outcome::Status { retry_after, maintenance, .. } => (retry_after, !maintenance),
        Outcome::Broken | Outcome::Unreachable { reached_before: true } => (None, true),
        Outcome::Unreachable { reached_before: false } => return Retry::Stop,
    };
    if counts && attempt > policy.max_retries {
        return Retry::Stop;
    }
    let delay = match asked {
        // Never shorter than the server asked for.
        Some(delay) => delay.mul_f64(1.0 + policy.jitter * random),
        None => {
            let whole = policy.base.saturating_mul(2_u32.saturating_pow(attempt.min(16)));
            whole.min(policy.longest).mul_f64(1.0 + policy.jitter * (2.0 * random - 1.0))
        }
    };
    Retry::After(delay)
}

/// Reads a `Retry-After` header: seconds (Prefect sends fractions too) or an HTTP date.
pub(crate) fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    const LONGEST: f64 = 24.0 * 3600.0;
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(LONGEST)));
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?;
    Some(at.with_timezone(&Utc).signed_duration_since(now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16) -> Outcome {
        Outcome::Status { code, retry_after: None, maintenance: false }
    }

    #[test]
    fn a_back_off_grows_up_to_its_longest_delay_and_a_server_may_ask_for_more() {
        let policy =
            RetryPolicy::default().base_delay(Duration::from_millis(50)).max_delay(Duration::from_secs(1)).jitter(0.0);
        let busy = |retry_after| Outcome::Status { code: 503, retry_after, maintenance: false };
        let delays = [1, 2, 4, 5].map(|attempt| decide(&policy, attempt, busy(None), 0.5));
        assert_eq!(delays, [100, 200, 800, 1000].map(|millis| Retry::After(Duration::from_millis(millis))));
        let asked = Duration::from_secs(9);
        assert_eq!(decide(&policy, 5, busy(Some(asked)), 0.5), Retry::After(asked));
    }

    #[test]
    fn repeats_what_prefect_repeats() {
        let plain = RetryPolicy::default();
        let extra = RetryPolicy::default().also_on([500]);
        for (policy, outcome, again) in [
            (&plain, status(408), true),
            (&plain, status(429), true),
            (&plain, status(502), true),
            (&plain, status(503), true),
            (&plain, status(500), false),
            (&plain, status(423), false),
            (&plain, status(404), false),
            (&extra, status(500), true),
            (&plain, Outcome::Broken, true),
            (&plain, Outcome::Unreachable { reached_before: true }, true),
            (&plain, Outcome::Unreachable { reached_before: false }, false),
        ] {
            assert_eq!(decide(policy, 1, outcome, 0.5) != Retry::Stop, again, "{outcome:?}");
        }
    }

    #[test]
    fn backs_off_by_powers_of_two_within_the_jitter() {
        let policy = RetryPolicy::default();
        for (attempt, seconds) in [(1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0), (5, 32.0)] {
            for (random, factor) in [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)] {
                let expect = Retry::After(Duration::from_secs_f64(seconds * factor));
                assert_eq!(decide(&policy, attempt, status(503), random), expect);
            }
        }
        assert_eq!(decide(&policy, 6, status(503), 0.5), Retry::Stop);
    }

    #[test]
    fn honours_retry_after_and_never_comes_early() {
        let asked = Outcome::Status { code: 429, retry_after: Some(Duration::from_secs(10)), maintenance: false };
        let policy = RetryPolicy::default();
        assert_eq!(decide(&policy, 1, asked, 0.0), Retry::After(Duration::from_secs(10)));
        assert_eq!(decide(&policy, 4, asked, 1.0), Retry::After(Duration::from_secs(12)));
    }

    #[test]
    fn maintenance_is_waited_out() {
        let down = Outcome::Status { code: 503, retry_after: None, maintenance: true };
        assert_ne!(decide(&RetryPolicy::default(), 100, down, 0.5), Retry::Stop);
    }

    #[test]
    fn reads_seconds_and_dates() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").expect("valid").to_utc();
        for (text, expect) in [
            ("3", Some(Duration::from_secs(3))),
            ("0.25", Some(Duration::from_millis(250))),
            ("Sat, 21 Nov 2026 12:00:07 GMT", Some(Duration::from_secs(7))),
            ("Sat, 21 Nov 2026 11:00:00 GMT", Some(Duration::ZERO)),
            ("-1", None),
            ("soon", None),
            ("inf", None),
            ("1e300", Some(Duration::from_secs(86_400))),
        ] {
            assert_eq!(retry_after(text, now), expect, "{text}");
        }
    }
}
