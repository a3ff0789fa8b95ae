//! Walks the times of one rule in order.

use std::collections::VecDeque;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

use super::days::allowed;
use super::rule::{Freq, Rule, times};

/// The calendar of Python ends here.
const LAST_YEAR: i32 = 9999;

/// Is a walk along a rule's times on the wall.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    rule: Rule,
    /// The number of the next period to look into; the rule's start lies in number 0.
    period: i64,
    found: VecDeque<NaiveDateTime>,
    left: Option<u64>,
}

impl Walk {
    /// Begins so that no time from `from` on is missed; earlier ones may come too.
    pub(super) fn new(rule: &Rule, from: NaiveDateTime) -> Self {
        // What is counted must be counted from the start.
        let period = if rule.parts.count.is_some() { 0 } else { (period_of(rule, from) - 1).max(0) };
        Self { left: rule.parts.count, rule: rule.clone(), period, found: VecDeque::new() }
    }

    /// Looks into the next period that may hold times; `None` when there is no further one.
    fn advance(&mut self) -> Option<()> {
        let rule = &self.rule;
        if rule.parts.freq >= Freq::Hourly {
            let (period, times) = next_short(rule, self.period)?;
            self.period = period + 1;
            self.found.extend(times);
            return Some(());
        }
        let (first, days) = long_period(rule, self.period)?;
        self.period += 1;
        let year = first.year();
        let open = first.iter_days().take(days).filter(|date| allowed(&rule.parts, *date, year));
        let all = open.flat_map(|date| rule.times.iter().map(move |time| date.and_time(*time)));
        let from = rule.start;
        if rule.parts.positions.is_empty() {
            self.found.extend(all.filter(|wall| *wall >= from));
        } else {
            let all: Vec<NaiveDateTime> = all.collect();
            self.found.extend(at_positions(&rule.parts.positions, &all).into_iter().filter(|wall| *wall >= from));
        }
        Some(())
    }
}

impl Iterator for Walk {
    type Item = NaiveDateTime;

    fn next(&mut self) -> Option<NaiveDateTime> {
        loop {
            if let Some(wall) = self.found.pop_front() {
                if self.rule.parts.until.is_some_and(|until| wall > until) || self.left == Some(0) {
                    self.left = Some(0);
                    return None;
                }
                self.left = self.left.map(|left| left - 1);
                return Some(wall);
            }
            if self.left == Some(0) {
                return None;
            }
            self.advance()?;
        }
    }
}

/// Chooses the times at positions counted from 1, or from the end when negative.
fn at_positions(positions: &[i32], all: &[NaiveDateTime]) -> Vec<NaiveDateTime> {
    let mut chosen: Vec<NaiveDateTime> = positions
        .iter()
        .filter_map(|position| {
            let distance = usize::try_from(position.unsigned_abs()).ok()?;
            let index = if *position > 0 { distance - 1 } else { all.len().checked_sub(distance)? };
            all.get(index).copied()
        })
        .collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// Returns the first day of a period and how many days it has, for rules that count in days or more.
fn long_period(rule: &Rule, period: i64) -> Option<(NaiveDate, usize)> {
    let start = rule.start.date();
    let steps = period.checked_mul(rule.parts.interval)?;
    let (first, days) = match rule.parts.freq {
        Freq::Yearly => {
            let year = i32::try_from(i64::from(start.year()).checked_add(steps)?).ok()?;
            let first = NaiveDate::from_ymd_opt(year, 1, 1)?;
            (first, if first.leap_year() { 366 } else { 365 })
        }
        Freq::Monthly => {
            let months = (i64::from(start.year()) * 12 + i64::from(start.month0())).checked_add(steps)?;
            let year = i32::try_from(months.div_euclid(12)).ok()?;
            let month = u32::try_from(months.rem_euclid(12)).ok()? + 1;
            let first = NaiveDate::from_ymd_opt(year, month, 1)?;
            (first, first.num_days_in_month().into())
        }
        Freq::Weekly => {
            let into = (start.weekday().num_days_from_monday() + 7 - rule.parts.week_start) % 7;
            if period == 0 {
                // The first week begins with the rule.
                (start, usize::try_from(7 - into).ok()?)
            } else {
                let days = steps.checked_mul(7)? - i64::from(into);
                (start.checked_add_signed(TimeDelta::try_days(days)?)?, 7)
            }
        }
        _ => (start.checked_add_signed(TimeDelta::try_days(steps)?)?, 1),
    };
    (first.year() <= LAST_YEAR).then_some((first, days))
}

/// Returns the number of the period that holds `wall`, roughly: at most one too many.
fn period_of(rule: &Rule, wall: NaiveDateTime) -> i64 {
    let start = rule.start;
    let elapsed = wall - start;
    let units = match rule.parts.freq {
        Freq::Yearly => i64::from(wall.year() - start.year()),
        Freq::Monthly => {
            i64::from(wall.year() - start.year()) * 12 + i64::from(wall.month()) - i64::from(start.month())
        }
        Freq::Weekly => elapsed.num_days().div_euclid(7),
        Freq::Daily => elapsed.num_days(),
        _ => elapsed.num_seconds().div_euclid(unit(rule.parts.freq)),
    };
    units.div_euclid(rule.parts.interval)
}

/// Returns the seconds of a unit that is shorter than a day.
fn unit(freq: Freq) -> i64 {
    match freq {
        Freq::Hourly => 3600,
        Freq::Minutely => 60,
        _ => 1,
    }
}

/// Finds the first period from `period` on that has times, for rules that count in less than days.
fn next_short(rule: &Rule, mut period: i64) -> Option<(i64, Vec<NaiveDateTime>)> {
    let parts = &rule.parts;
    let unit = unit(parts.freq);
    let base = rule.start - TimeDelta::seconds(rule.start.and_utc().timestamp().rem_euclid(unit));
    let step = unit.checked_mul(parts.interval)?;
    let at = |period: i64| base.checked_add_signed(TimeDelta::try_seconds(period.checked_mul(step)?)?);
    let from = |wall: NaiveDateTime| {
        let distance = (wall - base).num_seconds();
        distance.div_euclid(step) + i64::from(distance.rem_euclid(step) > 0)
    };
    let fits = |given: &Option<Vec<i32>>, value: u32| {
        given.as_ref().is_none_or(|given| given.iter().any(|wanted| u32::try_from(*wanted) == Ok(value)))
    };
    loop {
        let wall = at(period)?;
        if wall.year() > LAST_YEAR {
            return None;
        }
        let (date, hour, minute) = (wall.date(), wall.hour(), wall.minute());
        let limit = parts.until.is_some_and(|until| wall - TimeDelta::seconds(unit) > until);
        if limit {
            return None;
        }
        let hour_start = date.and_hms_opt(hour, 0, 0)?;
        let skip_to = if !allowed(parts, date, date.year()) {
            date.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN)
        } else if !fits(&parts.hours, hour) {
            hour_start + TimeDelta::hours(1)
        } else if parts.freq >= Freq::Minutely && !fits(&parts.minutes, minute) {
            hour_start + TimeDelta::minutes(i64::from(minute) + 1)
        } else if parts.freq == Freq::Secondly && !fits(&parts.seconds, wall.second()) {
            wall + TimeDelta::seconds(1)
        } else {
            let times: Vec<NaiveDateTime> = match parts.freq {
                Freq::Hourly => times(parts, Some(hour), None).into_iter().map(|time| date.and_time(time)).collect(),
                Freq::Minutely => {
                    times(parts, Some(hour), Some(minute)).into_iter().map(|time| date.and_time(time)).collect()
                }
                _ => vec![wall],
            };
            let chosen = if parts.positions.is_empty() { times } else { at_positions(&parts.positions, &times) };
            let chosen: Vec<NaiveDateTime> = chosen.into_iter().filter(|wall| *wall >= rule.start).collect();
            if !chosen.is_empty() {
                return Some((period, chosen));
            }
            wall + TimeDelta::seconds(1)
        };
        period = from(skip_to).max(period + 1);
    }
}
