//! Reads the text of a rule or of a set of rules.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::moment::{Moment, read};
use super::rule::{Freq, Parts, Rule};
use super::set::RuleSet;
use crate::schedule::fault::Fault;

/// The longest text that Prefect's server takes, in characters.
const LONGEST: usize = 6500;

/// The start of a rule that has none, as in Prefect.
pub(in crate::schedule) const DEFAULT_START: NaiveDateTime = match NaiveDate::from_ymd_opt(2020, 1, 1) {
    Some(date) => date.and_time(NaiveTime::MIN),
    None => NaiveDateTime::MIN,
};

const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

impl RuleSet {
    /// Reads lines of `DTSTART`, `RRULE`, `RDATE`, `EXRULE` and `EXDATE`; a line without a name is an `RRULE`.
    pub(in crate::schedule) fn parse(text: &str) -> Result<Self, Fault> {
        if text.chars().count() > LONGEST {
            return Err(Fault::new(format!("it is longer than {LONGEST} characters")));
        }
        let text = text.to_uppercase();
        let mut start = Moment { wall: DEFAULT_START, placed: false };
        let mut lines = Lines::default();
        for line in text.split_whitespace() {
            let (name, value) = line.split_once(':').unwrap_or(("RRULE", line));
            let (name, place) = name.split_once(';').unwrap_or((name, ""));
            match name {
                "RRULE" | "EXRULE" if !place.is_empty() => {
                    return Err(Fault::new(format!("{name} takes no parameters, but has `{place}`")));
                }
                "RRULE" => lines.rules.push(value),
                "EXRULE" => lines.exrules.push(value),
                "RDATE" => lines.dates.extend(moments(name, place, value)?),
                "EXDATE" => lines.exdates.extend(moments(name, place, value)?),
                "DTSTART" => match moments(name, place, value)?.as_slice() {
                    [one] => start = *one,
                    _ => return Err(Fault::new(format!("DTSTART `{value}` is more than one date"))),
                },
                _ => {
                    return Err(Fault::new(format!("`{name}` is not one of DTSTART, RRULE, RDATE, EXRULE, EXDATE")));
                }
            }
        }
        lines.finish(start)
    }
}

#[derive(Default)]
struct Lines<'a> {
    rules: Vec<&'a str>,
    exrules: Vec<&'a str>,
    dates: Vec<Moment>,
    exdates: Vec<Moment>,
}

impl Lines<'_> {
    fn finish(self, start: Moment) -> Result<RuleSet, Fault> {
        if self.rules.is_empty() && self.dates.is_empty() {
            return Err(Fault::new("there is neither an RRULE nor an RDATE"));
        }
        let rules = |texts: Vec<&str>| texts.into_iter().map(|text| rule(text, start)).collect::<Result<Vec<_>, _>>();
        let walls = |moments: Vec<Moment>| {
            let mut walls: Vec<_> = moments.into_iter().map(|moment| moment.wall).collect();
            walls.sort_unstable();
            walls.dedup();
            walls
        };
        let set = RuleSet {
            rules: rules(self.rules)?,
            exrules: rules(self.exrules)?,
            dates: walls(self.dates),
            exdates: walls(self.exdates),
        };
        match set.walk(NaiveDateTime::MIN).next() {
            Some(_) => Ok(set),
            None => Err(Fault::new("it never fires, since no such day exists")),
        }
    }
}

fn moments(name: &str, place: &str, value: &str) -> Result<Vec<Moment>, Fault> {
    let mut zoned = false;
    for parameter in place.split(';').filter(|parameter| !parameter.is_empty()) {
        match parameter {
            "VALUE=DATE-TIME" | "VALUE=DATE" => {}
            _ if parameter.starts_with("TZID=") => zoned = true,
            _ => return Err(Fault::new(format!("{name} does not know `{parameter}`"))),
        }
    }
    let mut moments = Vec::new();
    for text in value.split(',') {
        let moment = read(name, text)?;
        moments.push(Moment { placed: moment.placed || zoned, ..moment });
    }
    Ok(moments)
}

fn rule(text: &str, start: Moment) -> Result<Rule, Fault> {
    let mut freq = None;
    let mut until = None;
    let mut parts = Parts {
        freq: Freq::Daily,
        interval: 1,
        count: None,
        until: None,
        week_start: 0,
        positions: Vec::new(),
        months: Vec::new(),
        month_days: Vec::new(),
        year_days: Vec::new(),
        week_numbers: Vec::new(),
        easter: Vec::new(),
        weekdays: Vec::new(),
        nth_weekdays: Vec::new(),
        hours: None,
        minutes: None,
        seconds: None,
    };
    for pair in text.split(';') {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| Fault::new(format!("`{pair}` is not of the form NAME=VALUE")))?;
        match name {
            "FREQ" => freq = Some(frequency(value)?),
            "INTERVAL" => parts.interval = positive(name, value)?,
            "COUNT" => parts.count = Some(positive(name, value)?.unsigned_abs()),
            "UNTIL" => until = Some(read(name, value)?),
            "WKST" => parts.week_start = weekday(name, value)?,
            "BYSETPOS" => parts.positions = numbers(name, value, 1, 366, Sign::Both)?,
            "BYMONTH" => parts.months = numbers(name, value, 1, 12, Sign::Plus)?,
            "BYMONTHDAY" => parts.month_days = numbers(name, value, 1, 31, Sign::Both)?,
            "BYYEARDAY" => parts.year_days = numbers(name, value, 1, 366, Sign::Both)?,
            "BYWEEKNO" => parts.week_numbers = numbers(name, value, 1, 53, Sign::Both)?,
            "BYEASTER" => parts.easter = numbers(name, value, 0, 366, Sign::Both)?,
            "BYDAY" | "BYWEEKDAY" => (parts.weekdays, parts.nth_weekdays) = weekdays(name, value)?,
            "BYHOUR" => parts.hours = Some(numbers(name, value, 0, 23, Sign::Plus)?),
            "BYMINUTE" => parts.minutes = Some(numbers(name, value, 0, 59, Sign::Plus)?),
            "BYSECOND" => parts.seconds = Some(numbers(name, value, 0, 59, Sign::Plus)?),
            _ => return Err(Fault::new(format!("`{name}` is not a part of a rule, such as FREQ, INTERVAL or BYDAY"))),
        }
    }
    parts.freq = freq.ok_or_else(|| Fault::new(format!("`{text}` has no FREQ")))?;
    if until.is_some_and(|until| until.placed != start.placed) {
        let (one, other) = if start.placed { ("DTSTART", "UNTIL") } else { ("UNTIL", "DTSTART") };
        return Err(Fault::new(format!("{one} has a time zone and {other} has none: write both with Z, or neither")));
    }
    parts.until = until.map(|until| until.wall);
    Rule::new(parts, start.wall)
}

fn frequency(value: &str) -> Result<Freq, Fault> {
    Freq::NAMES.iter().find(|(name, _)| *name == value).map(|(_, freq)| *freq).ok_or_else(|| {
        let names: Vec<&str> = Freq::NAMES.iter().map(|(name, _)| *name).collect();
        Fault::new(format!("FREQ `{value}` is not one of {}", names.join(", ")))
    })
}

fn positive(name: &str, value: &str) -> Result<i64, Fault> {
    let number = value.parse::<u32>().ok().filter(|number| *number > 0);
    number.map(i64::from).ok_or_else(|| Fault::new(format!("{name} `{value}` is not a number from 1")))
}

#[derive(PartialEq)]
enum Sign {
    Plus,
    Both,
}

fn numbers(name: &str, value: &str, low: i32, high: i32, sign: Sign) -> Result<Vec<i32>, Fault> {
    let mut found = Vec::new();
    for text in value.split(',') {
        let fits =
            |number: &i32| (low..=high).contains(&if sign == Sign::Both { number.saturating_abs() } else { *number });
        let number = text.parse::<i32>().ok().filter(fits).ok_or_else(|| {
            let negative = if sign == Sign::Both { format!(" or -{high} to -{low}") } else { String::new() };
            Fault::new(format!("{name} {text} is not within {low}-{high}{negative}"))
        })?;
        found.push(number);
    }
    Ok(found)
}

fn weekday(name: &str, text: &str) -> Result<u32, Fault> {
    let found = WEEKDAYS.iter().position(|weekday| *weekday == text).and_then(|found| u32::try_from(found).ok());
    found.ok_or_else(|| Fault::new(format!("{name} `{text}` is not one of {}", WEEKDAYS.join(", "))))
}

type Counted = (u32, i32);

/// Reads `MO`, `+1MO`, `-1FR` and `MO(+1)`.
fn weekdays(name: &str, value: &str) -> Result<(Vec<u32>, Vec<Counted>), Fault> {
    let (mut plain, mut counted) = (Vec::new(), Vec::new());
    for text in value.split(',') {
        let (count, day) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            Some((day, count)) => (count, day),
            None => text.split_at(text.find(|c: char| !matches!(c, '+' | '-' | '0'..='9')).unwrap_or(text.len())),
        };
        let day = weekday(name, day)?;
        if count.is_empty() {
            plain.push(day);
            continue;
        }
        let number = count.parse::<i32>().ok().filter(|number| (1..=53).contains(&number.saturating_abs()));
        let number =
            number.ok_or_else(|| Fault::new(format!("{name} `{text}` counts with another number than 1-53")))?;
        counted.push((day, number));
    }
    Ok((plain, counted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, expect: &str) {
        let fault = RuleSet::parse(text).expect_err(text);
        assert_eq!(fault.to_string(), expect, "{text}");
    }

    #[test]
    fn errors_name_the_part_and_what_is_accepted() {
        refused("FREQ=DALY", "FREQ `DALY` is not one of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY, SECONDLY");
        refused("INTERVAL=2", "`INTERVAL=2` has no FREQ");
        refused("FREQ=DAILY;BYHOUR=24", "BYHOUR 24 is not within 0-23");
        refused("FREQ=DAILY;BYSETPOS=0", "BYSETPOS 0 is not within 1-366 or -366 to -1");
        refused("FREQ=WEEKLY;BYDAY=XX", "BYDAY `XX` is not one of MO, TU, WE, TH, FR, SA, SU");
        refused(
            "FREQ=DAILY;UNTIL=soon",
            "UNTIL `SOON` is not a date: write 20240131, 20240131T090000 or 20240131T090000Z",
        );
        refused("FOO:FREQ=DAILY", "`FOO` is not one of DTSTART, RRULE, RDATE, EXRULE, EXDATE");
        refused(
            "FREQ=DAILY;UNTIL=20300101T000000Z",
            "UNTIL has a time zone and DTSTART has none: write both with Z, or neither",
        );
        refused("FREQ=HOURLY;INTERVAL=2;BYHOUR=1", "BYHOUR is never met by steps of 2 from the start");
        refused("RDATE:20240101\nEXDATE:20240101", "it never fires, since no such day exists");
    }
}
