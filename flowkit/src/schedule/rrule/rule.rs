//! One rule: how often, and which of the days and times.

use chrono::{Datelike, NaiveDateTime, NaiveTime, Timelike};

use crate::schedule::fault::Fault;

/// Is the unit that a rule counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Freq {
    Yearly,
    Monthly,
    Weekly,
    Daily,
    Hourly,
    Minutely,
    Secondly,
}

impl Freq {
    pub(super) const NAMES: [(&'static str, Self); 7] = [
        ("YEARLY", Self::Yearly),
        ("MONTHLY", Self::Monthly),
        ("WEEKLY", Self::Weekly),
        ("DAILY", Self::Daily),
        ("HOURLY", Self::Hourly),
        ("MINUTELY", Self::Minutely),
        ("SECONDLY", Self::Secondly),
    ];
}

/// Is what a rule says, before its start fills the gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) freq: Freq,
    pub(super) interval: i64,
    pub(super) count: Option<u64>,
    pub(super) until: Option<NaiveDateTime>,
    /// The first day of a week, 0 for Monday.
    pub(super) week_start: u32,
    pub(super) positions: Vec<i32>,
    pub(super) months: Vec<i32>,
    pub(super) month_days: Vec<i32>,
    pub(super) year_days: Vec<i32>,
    pub(super) week_numbers: Vec<i32>,
    pub(super) easter: Vec<i32>,
    /// Weekdays, 0 for Monday.
    pub(super) weekdays: Vec<u32>,
    /// Weekdays that are counted within the month or the year, from its end when negative.
    pub(super) nth_weekdays: Vec<(u32, i32)>,
    pub(super) hours: Option<Vec<i32>>,
    pub(super) minutes: Option<Vec<i32>>,
    pub(super) seconds: Option<Vec<i32>>,
}

/// Is a rule with its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) parts: Parts,
    pub(super) start: NaiveDateTime,
    /// The times of a day; empty when the rule counts in less than days.
    pub(super) times: Vec<NaiveTime>,
}

impl Rule {
    /// Fills what the parts leave open from the start, as dateutil does.
    pub(super) fn new(mut parts: Parts, start: NaiveDateTime) -> Result<Self, Fault> {
        let free = parts.week_numbers.is_empty()
            && parts.year_days.is_empty()
            && parts.month_days.is_empty()
            && parts.weekdays.is_empty()
            && parts.nth_weekdays.is_empty()
            && parts.easter.is_empty();
        match parts.freq {
            Freq::Yearly if free => {
                if parts.months.is_empty() {
                    parts.months = vec![number(start.month())];
                }
                parts.month_days = vec![number(start.day())];
            }
            Freq::Monthly if free => parts.month_days = vec![number(start.day())],
            Freq::Weekly if free => parts.weekdays = vec![start.weekday().num_days_from_monday()],
            _ => {}
        }
        if parts.freq >= Freq::Weekly {
            // Only months and years count weekdays.
            parts.weekdays.extend(parts.nth_weekdays.drain(..).map(|(weekday, _)| weekday));
        }
        let (freq, interval) = (parts.freq, parts.interval);
        let fill = |given: &mut Option<Vec<i32>>, unit: Freq, from: u32, base: i64, name: &str| {
            match given {
                None if freq < unit => *given = Some(vec![number(from)]),
                Some(values) if freq == unit => {
                    let step = gcd(interval, base);
                    values.retain(|value| (i64::from(*value) - i64::from(from)).rem_euclid(step) == 0);
                    if values.is_empty() {
                        return Err(Fault::new(format!("{name} is never met by steps of {interval} from the start")));
                    }
                }
                _ => {}
            }
            Ok(())
        };
        fill(&mut parts.hours, Freq::Hourly, start.hour(), 24, "BYHOUR")?;
        fill(&mut parts.minutes, Freq::Minutely, start.minute(), 60, "BYMINUTE")?;
        fill(&mut parts.seconds, Freq::Secondly, start.second(), 60, "BYSECOND")?;
        let times = if freq < Freq::Hourly { times(&parts, None, None) } else { Vec::new() };
        Ok(Self { parts, start, times })
    }
}

/// Lists the times that the parts allow in a day, an hour of it, or a minute of that.
pub(super) fn times(parts: &Parts, hour: Option<u32>, minute: Option<u32>) -> Vec<NaiveTime> {
    let choose = |fixed: Option<u32>, given: &Option<Vec<i32>>| match fixed {
        Some(fixed) => vec![fixed],
        None => given.iter().flatten().filter_map(|value| u32::try_from(*value).ok()).collect(),
    };
    let minutes = choose(minute, &parts.minutes);
    let seconds = choose(None, &parts.seconds);
    let mut times = Vec::new();
    for hour in choose(hour, &parts.hours) {
        for minute in &minutes {
            times.extend(seconds.iter().filter_map(|second| NaiveTime::from_hms_opt(hour, *minute, *second)));
        }
    }
    times.sort_unstable();
    times.dedup();
    times
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(0)
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
