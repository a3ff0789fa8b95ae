//! How long, and how much of it, a file keeps of what has ended; and how users write that.

use std::time::Duration;

use crate::duration;

/// What a file keeps of runs that have ended. What has not ended is always kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Retention {
    /// How long it is kept; `None` for ever.
    pub(crate) age: Option<Duration>,
    /// How many bytes of the file may be in use; `None` for any number.
    pub(crate) size: Option<u64>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { age: Some(Duration::from_secs(30 * 86_400)), size: Some(1 << 30) }
    }
}

/// What an age may be, for messages.
pub(crate) const AGES: &str = "a duration such as 30d or 12h, or `unlimited` (or 0)";

/// What a size may be, for messages.
pub(crate) const SIZES: &str =
    "a number of bytes, or with a unit (kB, MB, GB, TB, KiB, MiB, GiB, TiB) such as 512MiB, or `unlimited` (or 0)";

/// Reads an age; `Some(None)` for an unlimited one.
pub(crate) fn parse_age(text: &str) -> Option<Option<Duration>> {
    if text.eq_ignore_ascii_case("unlimited") {
        return Some(None);
    }
    duration::parse(text).map(age)
}

/// Takes nothing for unlimited.
pub(crate) fn age(age: Duration) -> Option<Duration> {
    (!age.is_zero()).then_some(age)
}

/// Reads a size; `Some(None)` for an unlimited one.
pub(crate) fn parse_size(text: &str) -> Option<Option<u64>> {
    if text.eq_ignore_ascii_case("unlimited") {
        return Some(None);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    let bytes = match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(unit)?,
        Err(_) => {
            let bytes = number.parse::<f64>().ok()? * unit as f64;
            // Beyond that a number of bytes would not be what was written.
            (bytes < 9e15).then_some(bytes as u64)?
        }
    };
    Some(size(bytes))
}

/// Takes nothing for unlimited.
pub(crate) fn size(bytes: u64) -> Option<u64> {
    (bytes > 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("4096", 4096),
            ("10 kB", 10_000),
            ("512MiB", 512 << 20),
            ("1.5GiB", 3 << 29),
            ("2gb", 2_000_000_000),
            ("7B", 7),
        ] {
            assert_eq!(parse_size(text), Some(Some(bytes)), "{text}");
        }
        assert_eq!((parse_size("0"), parse_size("Unlimited")), (Some(None), Some(None)));
        for text in ["", "-1", "MiB", "1 elephant", "99999999999TiB", "1.2.3GB", "inf"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn ages_are_durations() {
        assert_eq!(parse_age("12h"), Some(Some(Duration::from_secs(43_200))));
        assert_eq!((parse_age("0"), parse_age("unlimited")), (Some(None), Some(None)));
        assert_eq!((parse_age("soon"), parse_age("")), (None, None));
    }
}
