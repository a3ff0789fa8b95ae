//! The values of one field of a cron string.

use chrono::{Datelike, NaiveDate};

/// Is what one field allows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Field {
    /// Every value is allowed, and the field restricts nothing.
    pub(super) any: bool,
    /// The allowed values, ascending.
    pub(super) values: Vec<u16>,
    /// Whether the last day of the month is allowed.
    pub(super) last: bool,
}

impl Field {
    /// Tells whether a value is allowed; the last day of a month is the caller's to judge.
    pub(super) fn holds<N: TryInto<u16>>(&self, value: N) -> bool {
        self.any || value.try_into().is_ok_and(|value| self.values.binary_search(&value).is_ok())
    }
}

/// Counts a weekday within its month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nth {
    /// The first, second, up to the fifth.
    At(u32),
    /// The last one.
    Last,
}

impl Nth {
    pub(super) fn fits(self, date: NaiveDate, weekday: u16) -> bool {
        if date.weekday().num_days_from_sunday() != u32::from(weekday) {
            return false;
        }
        match self {
            Self::At(n) => (date.day() - 1) / 7 + 1 == n,
            Self::Last => date.day() + 7 > u32::from(date.num_days_in_month()),
        }
    }
}

/// Is what a field may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// What errors call it.
    pub(super) name: &'static str,
    /// The smallest value.
    pub(super) low: u16,
    /// The largest value.
    pub(super) high: u16,
    /// The names of its values, from `first` on.
    pub(super) names: &'static [&'static str],
    /// The value of the first name.
    pub(super) first: u16,
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const fn numbers(name: &'static str, low: u16, high: u16) -> Kind {
    Kind { name, low, high, names: &[], first: 0 }
}

/// The place of the day's field.
pub(super) const DAY: usize = 2;
/// The place of the weekday's field.
pub(super) const WEEKDAY: usize = 4;

/// The fields in their order.
pub(super) const KINDS: [Kind; 7] = [
    numbers("minute", 0, 59),
    numbers("hour", 0, 23),
    numbers("day", 1, 31),
    Kind { name: "month", low: 1, high: 12, names: MONTHS, first: 1 },
    Kind { name: "weekday", low: 0, high: 6, names: WEEKDAYS, first: 0 },
    numbers("second", 0, 59),
    numbers("year", 1970, 2099),
];
