//! Cron strings with the meaning that Prefect gives them.
//!
//! Prefect reads cron with Python's croniter, whose extensions differ from those of the crates for cron: seconds and
//! years come last, `fri#2` and `l5` count weekdays of a month, ranges may wrap (`fri-mon`), and whether day and
//! weekday are joined by "or" depends on how they are written. So the reading is our own.

mod field;
mod parse;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use self::field::{Field, Nth};
use super::fault::Fault;

/// How many years without a single date are looked through: one more than croniter does.
const YEARS: i32 = 51;

/// Is a cron string that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    seconds: Vec<u16>,
    minutes: Vec<u16>,
    hours: Vec<u16>,
    days: Field,
    months: Field,
    weekdays: Field,
    /// Weekdays counted within the month; when there are any, they replace `weekdays`.
    nth: Vec<(u16, Nth)>,
    years: Field,
    day_or: bool,
}

impl Cron {
    /// Reads a cron string; `day_or` joins day and weekday by "or" when both are restricted.
    pub(super) fn parse(text: &str, day_or: bool) -> Result<Self, Fault> {
        let cron = parse::parse(text, day_or)?;
        let dawn = NaiveDate::from_ymd_opt(1970, 1, 1).map(|date| date.and_time(NaiveTime::MIN));
        match dawn.and_then(|dawn| cron.search(dawn, 2100)) {
            Some(_) => Ok(cron),
            None => Err(Fault::new("it never fires, since no such day exists")),
        }
    }

    /// Returns the first time on the wall that fits and is not before `from`.
    pub(super) fn next(&self, from: NaiveDateTime) -> Option<NaiveDateTime> {
        self.search(from, from.year() + YEARS)
    }

    fn search(&self, from: NaiveDateTime, end: i32) -> Option<NaiveDateTime> {
        let mut date = from.date();
        let mut earliest = from.time();
        while date.year() < end {
            if !self.years.holds(date.year()) {
                date = NaiveDate::from_ymd_opt(date.year() + 1, 1, 1)?;
            } else if !self.months.holds(date.month()) {
                date = next_month(date)?;
            } else {
                if self.fits_day(date)
                    && let Some(time) = self.first_time(earliest)
                {
                    return Some(date.and_time(time));
                }
                date = date.checked_add_days(Days::new(1))?;
            }
            earliest = NaiveTime::MIN;
        }
        None
    }

    /// Tells whether the schedule fires on a date, whose year and month fit.
    fn fits_day(&self, date: NaiveDate) -> bool {
        let last = u32::from(date.num_days_in_month());
        let by_day = self.days.holds(date.day()) || (self.days.last && date.day() == last);
        let either = self.day_or && !self.days.any && !self.weekdays.any;
        if !self.nth.is_empty() {
            // croniter counts weekdays on both sides of the "or", which leaves the day without effect.
            return (either || by_day) && self.nth.iter().any(|(weekday, nth)| nth.fits(date, *weekday));
        }
        let by_weekday = self.weekdays.holds(date.weekday().num_days_from_sunday());
        if either { by_day || by_weekday } else { by_day && by_weekday }
    }

    fn first_time(&self, earliest: NaiveTime) -> Option<NaiveTime> {
        for &hour in self.hours.iter().filter(|hour| u32::from(**hour) >= earliest.hour()) {
            for &minute in &self.minutes {
                if (u32::from(hour), u32::from(minute)) < (earliest.hour(), earliest.minute()) {
                    continue;
                }
                for &second in &self.seconds {
                    let time = NaiveTime::from_hms_opt(hour.into(), minute.into(), second.into())?;
                    if time >= earliest {
                        return Some(time);
                    }
                }
            }
        }
        None
    }
}

fn next_month(date: NaiveDate) -> Option<NaiveDate> {
    match date.month() {
        12 => NaiveDate::from_ymd_opt(date.year() + 1, 1, 1),
        month => NaiveDate::from_ymd_opt(date.year(), month + 1, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(text: &str, from: &str, n: usize) -> Vec<String> {
        let cron = Cron::parse(text, true).expect("a cron string");
        let mut at: NaiveDateTime = from.parse().expect("a time");
        let mut found = Vec::new();
        while found.len() < n {
            at = cron.next(at).expect("a date");
            found.push(at.format("%Y-%m-%d %H:%M:%S").to_string());
            at += chrono::TimeDelta::seconds(1);
        }
        found
    }

    #[track_caller]
    fn check(text: &str, from: &str, expect: &[&str]) {
        assert_eq!(dates(text, from, expect.len()), expect, "{text}");
    }

    #[test]
    fn the_given_moment_counts() {
        check("0 8 * * *", "2024-05-01T08:00:00", &["2024-05-01 08:00:00", "2024-05-02 08:00:00"]);
    }

    #[test]
    fn day_and_weekday_are_joined_by_or() {
        check("0 0 13 * fri", "2024-09-10T00:00:00", &["2024-09-13 00:00:00", "2024-09-20 00:00:00"]);
        check("0 0 1 * mon", "2024-09-25T00:00:00", &["2024-09-30 00:00:00", "2024-10-01 00:00:00"]);
    }

    #[test]
    fn a_short_month_hides_no_day_of_the_next() {
        check(
            "0 0 1,31 * *",
            "2023-01-30T00:00:00",
            &["2023-01-31 00:00:00", "2023-02-01 00:00:00", "2023-03-01 00:00:00"],
        );
    }

    #[test]
    fn weekdays_are_counted_within_the_month() {
        check("0 9 * * fri#2", "2024-05-01T00:00:00", &["2024-05-10 09:00:00", "2024-06-14 09:00:00"]);
        check("0 9 * * l5", "2024-05-01T00:00:00", &["2024-05-31 09:00:00", "2024-06-28 09:00:00"]);
        check("0 9 l * *", "2024-02-01T00:00:00", &["2024-02-29 09:00:00", "2024-03-31 09:00:00"]);
    }

    #[test]
    fn seconds_and_years_come_last() {
        check("0 0 1 1 * 30", "2024-01-01T00:00:00", &["2024-01-01 00:00:30", "2025-01-01 00:00:30"]);
        check("0 0 1 1 * 0 2030", "2024-01-01T00:00:00", &["2030-01-01 00:00:00"]);
    }

    #[test]
    fn a_date_that_does_not_exist_is_refused() {
        let fault = Cron::parse("0 0 30 2 *", true).expect_err("no February has 30 days");
        assert_eq!(fault.to_string(), "it never fires, since no such day exists");
    }
}
