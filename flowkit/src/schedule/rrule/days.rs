//! Which days a rule allows.

use chrono::{Datelike, NaiveDate, TimeDelta};

use super::rule::{Freq, Parts};

/// Tells whether the parts of a rule allow a day. `year` is that in which the rule's period begins, which differs
/// from the day's own in a week around New Year.
pub(super) fn allowed(parts: &Parts, date: NaiveDate, year: i32) -> bool {
    let month = number(date.month());
    (parts.months.is_empty() || parts.months.contains(&month))
        && (parts.week_numbers.is_empty() || in_weeks(parts, date, year))
        && (parts.weekdays.is_empty() || parts.weekdays.contains(&date.weekday().num_days_from_monday()))
        && (parts.nth_weekdays.is_empty() || is_nth_weekday(parts, date))
        && (parts.easter.is_empty() || parts.easter.contains(&from_easter(date)))
        && (parts.month_days.is_empty() || counted(&parts.month_days, date.day(), date.num_days_in_month().into()))
        && (parts.year_days.is_empty() || counted(&parts.year_days, date.ordinal(), days_in(date.year())))
}

/// Tells whether the `at`th of `all` is listed, from either end.
fn counted(listed: &[i32], at: u32, all: u32) -> bool {
    let (at, all) = (number(at), number(all));
    listed.contains(&at) || listed.contains(&(at - all - 1))
}

fn is_nth_weekday(parts: &Parts, date: NaiveDate) -> bool {
    let within_month = parts.freq == Freq::Monthly || !parts.months.is_empty();
    let (at, all) = if within_month {
        (date.day(), date.num_days_in_month().into())
    } else {
        (date.ordinal(), days_in(date.year()))
    };
    let from_start = number((at - 1) / 7 + 1);
    let from_end = -number((all - at) / 7 + 1);
    let weekday = date.weekday().num_days_from_monday();
    parts.nth_weekdays.iter().any(|(wanted, n)| *wanted == weekday && (*n == from_start || *n == from_end))
}

/// Tells whether the day's week is listed. A week belongs to the year that has most of its days.
///
/// dateutil knows no more of the weeks of the years around than their first and last, and takes the length of this
/// year for that of the one before; so do we.
fn in_weeks(parts: &Parts, date: NaiveDate, year: i32) -> bool {
    let listed = |week: i32| parts.week_numbers.contains(&week);
    let into = (date.weekday().num_days_from_monday() + 7 - parts.week_start) % 7;
    let middle = date - TimeDelta::days(i64::from(into)) + TimeDelta::days(3);
    let week = number((middle.ordinal() - 1) / 7 + 1);
    if middle.year() == year {
        return listed(week) || listed(week - weeks_in(year, parts.week_start) - 1);
    }
    if middle.year() > year {
        return listed(1);
    }
    listed(-1) || listed(last_week_before(year, parts.week_start))
}

/// Returns the number of the week that New Year's Day lies in, when that week belongs to the year before.
fn last_week_before(year: i32, week_start: u32) -> i32 {
    let lead = |year: i32| (7 + week_start - weekday_of_new_year(year)) % 7;
    if lead(year - 1) >= 4 {
        let days = days_in(year - 1) + (7 + weekday_of_new_year(year - 1) - week_start) % 7;
        52 + number(days % 7 / 4)
    } else {
        52 + number((days_in(year) - lead(year)) % 7 / 4)
    }
}

fn weeks_in(year: i32, week_start: u32) -> i32 {
    let lead = (7 + week_start - weekday_of_new_year(year)) % 7;
    let days = if lead >= 4 { days_in(year) + 7 - lead } else { days_in(year) - lead };
    number(days / 7 + days % 7 / 4)
}

fn weekday_of_new_year(year: i32) -> u32 {
    NaiveDate::from_ymd_opt(year, 1, 1).map_or(0, |date| date.weekday().num_days_from_monday())
}

fn days_in(year: i32) -> u32 {
    if NaiveDate::from_ymd_opt(year, 2, 29).is_some() { 366 } else { 365 }
}

/// Returns the days since Easter Sunday of the day's year, by the anonymous Gregorian algorithm.
fn from_easter(date: NaiveDate) -> i32 {
    let year = date.year();
    let (golden, century, rest) = (year % 19, year / 100, year % 100);
    let leaps = (century - (century + 8) / 25 + 1) / 3;
    let moon = (19 * golden + century - century / 4 - leaps + 15) % 30;
    let sunday = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
    let late = (golden + 11 * moon + 22 * sunday) / 451;
    let days = moon + sunday - 7 * late + 114;
    let easter = NaiveDate::from_ymd_opt(year, days.unsigned_abs() / 31, days.unsigned_abs() % 31 + 1);
    easter.map_or(i32::MAX, |easter| i32::try_from((date - easter).num_days()).unwrap_or(i32::MAX))
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_is_found() {
        for (year, month, day) in [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2038, 4, 25)] {
            let easter = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
            assert_eq!(from_easter(easter), 0, "{easter}");
        }
    }

    #[test]
    fn years_have_the_weeks_of_the_iso_calendar() {
        for year in 1990..2050 {
            let last = NaiveDate::from_ymd_opt(year, 12, 28).expect("a date").iso_week().week();
            assert_eq!(weeks_in(year, 0), number(last), "{year}");
        }
    }
}
