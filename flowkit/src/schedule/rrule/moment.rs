//! Dates in the text of a rule.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use crate::schedule::fault::Fault;

/// Is a date as written, with a time on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) wall: NaiveDateTime,
    /// Whether a `Z` or a `TZID` says where the wall is.
    pub(super) placed: bool,
}

/// Reads `20240131`, `20240131T090000` and `20240131T090000Z`, with or without dashes and colons.
pub(super) fn read(name: &str, text: &str) -> Result<Moment, Fault> {
    let refuse =
        || Fault::new(format!("{name} `{text}` is not a date: write 20240131, 20240131T090000 or 20240131T090000Z"));
    let (digits, placed) = match text.strip_suffix('Z') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let plain: String = digits.chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let (date, time) = plain.split_once('T').unwrap_or((&plain, ""));
    if date.len() != 8 || !plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'T') {
        return Err(refuse());
    }
    let date = NaiveDate::parse_from_str(date, "%Y%m%d").map_err(|_| refuse())?;
    let time = match time.len() {
        0 => Ok(NaiveTime::MIN),
        4 => NaiveTime::parse_from_str(time, "%H%M"),
        _ => NaiveTime::parse_from_str(time, "%H%M%S"),
    };
    Ok(Moment { wall: date.and_time(time.map_err(|_| refuse())?), placed })
}
