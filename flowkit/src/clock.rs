//! The only source of time.
//!
//! Ordinary builds read the system's clock. With the `test-util` feature the clock follows tokio's, so that a
//! test on paused time sees states whose timestamps are hours apart within microseconds.

use std::fmt;
use std::future::Future;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC with microsecond resolution, as Prefect keeps it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a timestamp from microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_micros(self) -> i64 {
        self.0
    }

    pub(crate) fn unix_millis(self) -> u64 {
        u64::try_from(self.0 / 1000).unwrap_or(0)
    }

    /// Returns the time from `earlier` until this moment, zero if it is not later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns the moment `by` later.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// Returns the same moment as a date and time of the `chrono` crate.
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(moment: DateTime<Utc>) -> Self {
        Self(moment.timestamp_micros())
    }
}

impl From<SystemTime> for Timestamp {
    fn from(moment: SystemTime) -> Self {
        match moment.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Self(i64::try_from(since.as_micros()).unwrap_or(i64::MAX)),
            Err(before) => Self(-i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX)),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DateTime::<Utc>::deserialize(deserializer).map(Self::from)
    }
}

/// Returns the present moment.
#[cfg(not(feature = "test-util"))]
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

/// Returns the present moment as tokio's clock has it, paused or not.
#[cfg(feature = "test-util")]
pub(crate) fn now() -> Timestamp {
    use std::sync::OnceLock;
    use tokio::time::Instant;

    static ANCHOR: OnceLock<(Instant, Timestamp)> = OnceLock::new();
    let (instant, timestamp) = *ANCHOR.get_or_init(|| (Instant::now(), SystemTime::now().into()));
    let present = Instant::now();
    match present.checked_duration_since(instant) {
        Some(later) => timestamp.after(later),
        None => {
            let earlier = instant.duration_since(present).as_micros();
            Timestamp(timestamp.0 - i64::try_from(earlier).unwrap_or(0))
        }
    }
}

/// Measures time on the runtime's clock, which never jumps.
pub(crate) struct Stopwatch(tokio::time::Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A moment of the runtime's clock, for measuring spans of this process.
pub(crate) type Instant = tokio::time::Instant;

/// Returns the present moment of the runtime's clock.
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Waits for `duration` on the runtime's clock.
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Makes a timer and lets go of it.
///
/// # Panics
/// Where the runtime has no timers; tokio has no other way to say so.
pub(crate) fn make_timer() {
    drop(tokio::time::sleep(Duration::ZERO));
}

/// Waits until a moment of the runtime's clock.
pub(crate) async fn sleep_until(moment: Instant) {
    tokio::time::sleep_until(moment).await;
}

/// Runs `future` for at most `limit`; `None` when the limit came first.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(limit, future).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_with_microseconds_and_zulu() {
        let moment = Timestamp::from_unix_micros(1_795_225_975_120_108);
        assert_eq!(moment.to_string(), "2026-11-21T01:52:55.120108Z");
    }

    #[test]
    fn the_span_between_reversed_moments_is_zero() {
        let (early, late) = (Timestamp(1), Timestamp(5));
        assert_eq!(late.since(early), Duration::from_micros(4));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
