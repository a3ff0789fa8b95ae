//! What holds for the dates of every schedule.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, NaiveDateTime, TimeDelta, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;
use flowkit::{Schedule, Timestamp};
use proptest::prelude::*;

use super::zones::offset;

const ZONES: [&str; 6] =
    ["UTC", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "Africa/Cairo", "Asia/Kathmandu"];
const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// Is hours, minutes and weekdays that a schedule allows, in a zone, from a start.
#[derive(Debug, Clone)]
struct Allowed {
    zone: &'static str,
    start: Timestamp,
    hours: BTreeSet<u32>,
    minutes: BTreeSet<u32>,
    /// 0 for Monday.
    weekdays: BTreeSet<u32>,
}

fn allowed() -> impl Strategy<Value = Allowed> {
    let some = |end: u32| prop::collection::btree_set(0..end, 1..5);
    // From 2024 to 2030.
    let start = (1_704_067_200_000_000_i64..1_924_905_600_000_000).prop_map(Timestamp::from_unix_micros);
    (prop::sample::select(&ZONES[..]), start, some(24), some(60), some(7))
        .prop_map(|(zone, start, hours, minutes, weekdays)| Allowed { zone, start, hours, minutes, weekdays })
}

impl Allowed {
    fn check(&self, schedule: &Schedule) -> Result<(), TestCaseError> {
        let zone: Tz = self.zone.parse().expect("a zone");
        let dates: Vec<Timestamp> =
            schedule.dates_from(self.start).expect("a schedule without mistakes").take(60).collect();
        prop_assert_eq!(dates.len(), 60);
        prop_assert!(dates.is_sorted_by(|a, b| a < b), "{:?}", dates);
        prop_assert!(dates[0] >= self.start);
        for date in dates {
            prop_assert!(self.fits(wall(zone, date)) || self.is_moved(zone, date), "{} is not allowed", date);
        }
        Ok(())
    }

    fn fits(&self, wall: NaiveDateTime) -> bool {
        let weekday = wall.weekday().num_days_from_monday();
        self.hours.contains(&wall.hour()) && self.minutes.contains(&wall.minute()) && self.weekdays.contains(&weekday)
    }

    /// Tells whether a date stands for one that the clocks leave out soon after it.
    fn is_moved(&self, zone: Tz, date: Timestamp) -> bool {
        let at = date.to_utc().timestamp();
        let gap = i64::from(offset(zone, at + 2 * 3600) - offset(zone, at));
        let meant = wall(zone, date) + TimeDelta::seconds(gap);
        gap > 0 && zone.from_local_datetime(&meant).earliest().is_none() && self.fits(meant)
    }
}

fn wall(zone: Tz, date: Timestamp) -> NaiveDateTime {
    let utc: DateTime<Utc> = date.to_utc();
    utc.with_timezone(&zone).naive_local()
}

fn list<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cron_dates_ascend_from_the_start_and_fit_the_fields(allowed in allowed()) {
        let weekdays = allowed.weekdays.iter().map(|weekday| (weekday + 1) % 7);
        let text = format!("{} {} * * {}", list(&allowed.minutes), list(&allowed.hours), list(weekdays));
        allowed.check(&Schedule::cron(text).timezone(allowed.zone))?;
    }

    #[test]
    fn recurrence_dates_ascend_from_the_start_and_fit_the_parts(allowed in allowed()) {
        let weekdays = allowed.weekdays.iter().filter_map(|weekday| WEEKDAYS.get(usize::try_from(*weekday).ok()?));
        let (hours, minutes) = (list(&allowed.hours), list(&allowed.minutes));
        let text = format!("FREQ=DAILY;BYDAY={};BYHOUR={hours};BYMINUTE={minutes}", list(weekdays));
        allowed.check(&Schedule::rrule(text).timezone(allowed.zone))?;
    }

    #[test]
    fn interval_dates_do_not_depend_on_the_moment_they_are_asked_at(
        allowed in allowed(), seconds in 600..1_000_000_u64, later in 0..30_usize,
    ) {
        let anchor = Timestamp::from_unix_micros(1_710_000_000_000_000);
        let schedule = Schedule::interval(seconds).anchor(anchor).timezone(allowed.zone);
        let dates = |from| schedule.dates_from(from).expect("a schedule without mistakes");
        let first: Vec<Timestamp> = dates(allowed.start).take(40).collect();
        prop_assert!(first.is_sorted_by(|a, b| a < b) && first[0] >= allowed.start);
        let again: Vec<Timestamp> = dates(first[later]).take(40 - later).collect();
        prop_assert_eq!(&first[later..], &again[..]);
        let after = schedule.next_dates(first[later], 1).expect("a date");
        prop_assert_eq!(after.first(), first.get(later + 1));
    }
}
