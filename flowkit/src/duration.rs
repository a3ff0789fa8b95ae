//! Durations as users write them: `"30s"`, `"1m 30s"`, `2.5`, `Duration`.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::retry_delay::RetryDelay;

/// Anything that can be said for a length of time: a [`Duration`], a string such as `"1m 30s"`, or a number of seconds.
///
/// Units are `ms`, `s`, `m`, `h` and `d`; several may follow each other. A bare number is seconds, as in Prefect.
pub trait IntoDuration {
    /// Returns the duration.
    ///
    /// # Errors
    /// An error of kind [`ErrorKind::Definition`] that names the text and the accepted units.
    fn into_duration(self) -> Result<Duration, Error>;
}

impl IntoDuration for Duration {
    fn into_duration(self) -> Result<Duration, Error> {
        Ok(self)
    }
}

impl IntoDuration for u64 {
    fn into_duration(self) -> Result<Duration, Error> {
        Ok(Duration::from_secs(self))
    }
}

impl IntoDuration for f64 {
    fn into_duration(self) -> Result<Duration, Error> {
        Duration::try_from_secs_f64(self).map_err(|_| refuse(&self.to_string()))
    }
}

impl IntoDuration for &str {
    fn into_duration(self) -> Result<Duration, Error> {
        parse(self).ok_or_else(|| refuse(self))
    }
}

impl IntoDuration for String {
    fn into_duration(self) -> Result<Duration, Error> {
        self.as_str().into_duration()
    }
}

/// Anything that can be said for the delays before retries: one length of time for all of them, or a [`RetryDelay`].
pub trait IntoRetryDelay {
    /// Returns the delays.
    ///
    /// # Errors
    /// As for [`IntoDuration`].
    fn into_retry_delay(self) -> Result<RetryDelay, Error>;
}

impl IntoRetryDelay for RetryDelay {
    fn into_retry_delay(self) -> Result<RetryDelay, Error> {
        Ok(self)
    }
}

impl<D: IntoDuration> IntoRetryDelay for D {
    fn into_retry_delay(self) -> Result<RetryDelay, Error> {
        self.into_duration().map(RetryDelay::Fixed)
    }
}

fn refuse(text: &str) -> Error {
    Error::new(
        ErrorKind::Definition,
        format!("`{text}` is not a duration: write a number with ms, s, m, h or d, such as \"30s\" or \"1m 30s\""),
    )
}

/// Reads a duration; `None` when the text is not one.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let seconds = match &rest[..letters] {
            "ms" => number / 1000.0,
            "" | "s" => number,
            "m" => number * 60.0,
            "h" => number * 3600.0,
            "d" => number * 86_400.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        rest = rest[letters..].trim_start();
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        for (text, millis) in [
            ("30s", 30_000),
            ("1m 30s", 90_000),
            ("1h30m", 5_400_000),
            ("250ms", 250),
            ("1.5s", 1_500),
            ("2d", 172_800_000),
            ("7", 7_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_units() {
        for text in ["", "30q", "s", "-1s", "1..2s", "five"] {
            let error = text.into_duration().expect_err(text);
            assert!(error.to_string().contains("ms, s, m, h or d"), "{error}");
        }
    }
}
