//! A length of time as a parameter.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::duration::{IntoDuration, parse};
use crate::error::Error;

/// A [`Duration`] that can be a parameter of a flow (Python's `timedelta`).
///
/// In JSON it is read from a number of seconds, which is what Python's Prefect sends, from an ISO 8601 duration such as
/// `"PT1M30S"`, which is what Prefect's UI sends, and from flowkit's own `"1m 30s"`. It is written as ISO 8601, and
/// described to the UI as `{"type": "string", "format": "duration"}`. It cannot be negative; years and months, which
/// have no fixed length, are refused.
///
/// ```
/// use flowkit::{TimeDelta, prelude::*};
/// use std::time::Duration;
///
/// #[flow]
/// async fn wait(pause: TimeDelta) -> u64 {
///     pause.as_secs()
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
/// assert_eq!(wait(Duration::from_secs(90).into()).await?, 90);
/// assert_eq!(wait.with_parameters(serde_json::json!({"pause": "PT1M30S"})).await?, 90);
/// # Ok::<_, flowkit::Error>(())
/// # }).expect("it succeeds");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct TimeDelta(Duration);

impl TimeDelta {
    /// Wraps a duration.
    #[must_use]
    pub const fn new(duration: Duration) -> Self {
        Self(duration)
    }

    /// Returns the duration.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl From<Duration> for TimeDelta {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl From<TimeDelta> for Duration {
    fn from(delta: TimeDelta) -> Self {
        delta.0
    }
}

impl Deref for TimeDelta {
    type Target = Duration;

    fn deref(&self) -> &Duration {
        &self.0
    }
}

impl IntoDuration for TimeDelta {
    fn into_duration(self) -> Result<Duration, Error> {
        Ok(self.0)
    }
}

/// Shows the duration as ISO 8601: `PT1M30S`.
impl fmt::Display for TimeDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
        f.write_str("P")?;
        if days > 0 {
            write!(f, "{days}D")?;
        }
        if days > 0 && hours + minutes + seconds == 0 && nanos == 0 {
            return Ok(());
        }
        f.write_str("T")?;
        if hours > 0 {
            write!(f, "{hours}H")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}M")?;
        }
        if nanos > 0 {
            let digits = format!("{nanos:09}");
            write!(f, "{seconds}.{}S", digits.trim_end_matches('0'))
        } else if seconds > 0 || hours + minutes == 0 {
            write!(f, "{seconds}S")
        } else {
            Ok(())
        }
    }
}

/// Reads an ISO 8601 duration of weeks, days, hours, minutes and seconds.
fn iso(text: &str) -> Option<Duration> {
    let (date, time) = match text.trim().strip_prefix('P')?.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None => (text.trim().strip_prefix('P')?, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let days = units(date, &[('W', 604_800), ('D', 86_400)])?;
    days.checked_add(units(time, &[('H', 3600), ('M', 60), ('S', 1)])?)
}

/// Reads numbers with units, each unit at most once and in this order.
fn units(mut text: &str, mut known: &[(char, u64)]) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    while !text.is_empty() {
        let end = text.find(|c: char| c.is_ascii_alphabetic())?;
        let unit = text[end..].chars().next()?;
        let place = known.iter().position(|(name, _)| *name == unit)?;
        if !text[..end].chars().all(|c| c.is_ascii_digit() || c == '.') {
            return None;
        }
        let amount: f64 = text[..end].parse().ok()?;
        // Whole numbers are added exactly.
        sum = sum.checked_add(match text[..end].parse::<u64>() {
            Ok(whole) => Duration::from_secs(whole.checked_mul(known[place].1)?),
            Err(_) => seconds(amount * known[place].1 as f64)?,
        })?;
        known = &known[place + 1..];
        text = &text[end + unit.len_utf8()..];
    }
    Some(sum)
}

fn seconds(number: f64) -> Option<Duration> {
    let nanos = Duration::try_from_secs_f64(number).ok()?;
    // A microsecond is what Python keeps; what is below comes from the fraction's binary form.
    Some(Duration::from_micros(u64::try_from((nanos.as_nanos() + 500) / 1000).ok()?))
}

impl Serialize for TimeDelta {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeDelta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = TimeDelta;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time: a number of seconds, \"PT1M30S\" or \"1m 30s\", and not negative")
            }

            fn visit_u64<E: de::Error>(self, whole: u64) -> Result<TimeDelta, E> {
                Ok(TimeDelta(Duration::from_secs(whole)))
            }

            fn visit_i64<E: de::Error>(self, whole: i64) -> Result<TimeDelta, E> {
                let refused = || E::invalid_value(de::Unexpected::Signed(whole), &self);
                u64::try_from(whole).map(|whole| TimeDelta(Duration::from_secs(whole))).map_err(|_| refused())
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<TimeDelta, E> {
                let refused = || E::invalid_value(de::Unexpected::Float(number), &self);
                seconds(number).map(TimeDelta).ok_or_else(refused)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<TimeDelta, E> {
                let refused = || E::invalid_value(de::Unexpected::Str(text), &self);
                iso(text).or_else(|| parse(text)).map(TimeDelta).ok_or_else(refused)
            }
        }

        // What says its own type is asked for it; what does not (a binary form) has what was written.
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Visitor)
        } else {
            deserializer.deserialize_str(Visitor)
        }
    }
}

impl JsonSchema for TimeDelta {
    fn schema_name() -> Cow<'static, str> {
        "TimeDelta".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "duration"})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Option<Duration> {
        serde_json::from_value(value).ok().map(TimeDelta::get)
    }

    #[test]
    fn seconds_iso_8601_and_our_own_form_are_read() {
        for (value, millis) in [
            (json!(90), 90_000),
            (json!(90.5), 90_500),
            (json!(0), 0),
            (json!("PT1M30S"), 90_000),
            (json!("P1DT2H"), 93_600_000),
            (json!("P2W"), 1_209_600_000),
            (json!("PT0.25S"), 250),
            (json!("PT0S"), 0),
            (json!("1m 30s"), 90_000),
        ] {
            assert_eq!(read(value.clone()), Some(Duration::from_millis(millis)), "{value}");
        }
        for wrong in [json!(-1), json!("P"), json!("PT"), json!("P1Y"), json!("P1M"), json!("PT1S1M"), json!("PT-1S")] {
            assert_eq!(read(wrong.clone()), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_written_is_iso_8601_and_is_read_back() {
        for (duration, text) in [
            (Duration::ZERO, "PT0S"),
            (Duration::from_secs(90), "PT1M30S"),
            (Duration::from_secs(86_400), "P1D"),
            (Duration::from_secs(90_061), "P1DT1H1M1S"),
            (Duration::from_millis(1_500), "PT1.5S"),
        ] {
            assert_eq!(TimeDelta::new(duration).to_string(), text);
            assert_eq!(read(json!(text)), Some(duration));
        }
    }
}
