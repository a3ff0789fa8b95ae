//! Reads durations while compiling, with the same rules that flowkit has for them at run time.

use std::fmt;

/// Why a text is not a duration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Form(String),
    Negative,
    Finer,
    TooLong,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(text) => write!(
                f,
                "`{text}` is not a duration: write a number with ms, s, m, h or d, such as \"30s\" or \"1m 30s\"; \
                 a bare number is seconds"
            ),
            Self::Negative => f.write_str("a duration cannot be negative"),
            Self::Finer => f.write_str("a duration is a whole number of milliseconds"),
            Self::TooLong => f.write_str("this duration is too long: it does not fit in 64 bits of milliseconds"),
        }
    }
}

/// Returns the milliseconds that `text` stands for.
pub(crate) fn millis(text: &str) -> Result<u64, Wrong> {
    let form = || Wrong::Form(text.to_owned());
    let mut rest = text.trim();
    if let Some(positive) = rest.strip_prefix('-') {
        return Err(millis(positive).map_or_else(|_| form(), |_| Wrong::Negative));
    }
    let mut total = None;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.' || c == '_');
        let (unit, after) = split(after.trim_start(), |c| c.is_ascii_alphabetic());
        let part = scale(number, unit_millis(unit).ok_or_else(form)?).map_err(|wrong| wrong.unwrap_or_else(form))?;
        total = Some(total.unwrap_or(0_u64).checked_add(part).ok_or(Wrong::TooLong)?);
        rest = after.trim_start();
    }
    total.ok_or_else(form)
}

fn split(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !wanted(c)).unwrap_or(text.len()))
}

fn unit_millis(unit: &str) -> Option<u128> {
    Some(match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    })
}

/// Multiplies a decimal number without rounding; `Err(None)` if it is not a number.
fn scale(number: &str, unit: u128) -> Result<u64, Option<Wrong>> {
    let number = number.replace('_', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let fraction = fraction.trim_end_matches('0');
    if number.trim_matches('.').is_empty() || fraction.contains('.') {
        return Err(None);
    }
    // No unit is a multiple of a finer fraction than 10 digits (a day is 2^10 * 3^3 * 5^5 milliseconds).
    let denominator =
        10_u128.checked_pow(fraction.len() as u32).filter(|_| fraction.len() <= 10).ok_or(Some(Wrong::Finer))?;
    let digits = |digits: &str| {
        if digits.is_empty() { Ok(0) } else { digits.parse::<u128>() }
    };
    let whole = digits(whole).ok().and_then(|whole| whole.checked_mul(unit)).ok_or(Some(Wrong::TooLong))?;
    let part = digits(fraction).map_err(|_| None)? * unit;
    if !part.is_multiple_of(denominator) {
        return Err(Some(Wrong::Finer));
    }
    (whole.checked_add(part / denominator)).and_then(|sum| u64::try_from(sum).ok()).ok_or(Some(Wrong::TooLong))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units_and_add_up() {
        for (text, expected) in [
            ("30s", 30_000),
            ("1m 30s", 90_000),
            ("1h30m", 5_400_000),
            (" 250 ms ", 250),
            ("1.5s", 1_500),
            (".5s", 500),
            ("1.d", 86_400_000),
            ("0.1d", 8_640_000),
            ("7", 7_000),
            ("0", 0),
            ("1_000ms", 1_000),
            ("1.0000000000000s", 1_000),
            ("18446744073709551615ms", u64::MAX),
        ] {
            assert_eq!(millis(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_says_why_not() {
        for text in ["", " ", "30q", "s", "1..2s", ".", "five", "--1s", "1 s s", "30S", "1e3", "٣s"] {
            assert_eq!(millis(text), Err(Wrong::Form(text.to_owned())), "{text}");
        }
        for (text, wrong) in [
            ("-1s", Wrong::Negative),
            ("0.5ms", Wrong::Finer),
            ("0.00000000000000000000000000000000000000000001d", Wrong::Finer),
            ("18446744073709551616ms", Wrong::TooLong),
            ("18446744073709551615ms 1ms", Wrong::TooLong),
            ("999999999999999999999999999999999999999999d", Wrong::TooLong),
        ] {
            assert_eq!(millis(text), Err(wrong), "{text}");
        }
    }
}
