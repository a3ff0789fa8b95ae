//! Times as the API writes them: RFC 3339 in UTC with microseconds and `Z`. For `#[serde(with = "...")]`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serializer};

/// Writes a time as the API does, such as `2026-11-21T01:32:55.158310Z`.
pub fn format(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Writes a time as the event label `prefect.state-timestamp` has it: with `+00:00` in place of `Z`.
pub fn format_label(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, false)
}

/// Serialises a time.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(time))
}

/// Deserialises a time.
///
/// # Errors
///
/// When the text is not RFC 3339.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    DateTime::deserialize(deserializer)
}

/// The same for a time that may be missing.
pub mod option {
    use super::{DateTime, Deserialize, Deserializer, Serializer, Utc};

    /// Serialises a time or `null`.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => super::serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Deserialises a time or `null`.
    ///
    /// # Errors
    ///
    /// When the text is not RFC 3339.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
        Option::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_microseconds() {
        let time = DateTime::parse_from_rfc3339("2026-11-21T02:32:55.158310999+01:00").expect("valid").to_utc();
        assert_eq!(format(&time), "2026-11-21T01:32:55.158310Z");
        assert_eq!(format_label(&time), "2026-11-21T01:32:55.158310+00:00");
        assert_eq!(format(&DateTime::UNIX_EPOCH), "1970-01-01T00:00:00.000000Z");
    }
}
