//! Reads a cron string.

use super::Cron;
use super::field::{DAY, Field, KINDS, Kind, Nth, WEEKDAY};
use crate::schedule::fault::Fault;

/// The accepted names for whole strings.
const ALIASES: [(&str, &str); 7] = [
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

pub(super) fn parse(text: &str, day_or: bool) -> Result<Cron, Fault> {
    let text = text.trim().to_lowercase();
    let text = if text.starts_with('@') { alias(&text)? } else { &text };
    let columns: Vec<&str> = text.split_whitespace().collect();
    if !(5..=7).contains(&columns.len()) {
        return Err(Fault::new(format!(
            "there are {} fields, but 5 are needed (minute hour day month weekday), or 6 or 7 with second and year",
            columns.len()
        )));
    }
    let mut fields = Vec::with_capacity(7);
    let mut nth = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        let read = Reader { kind: &KINDS[place], place, columns: &columns };
        let (field, counted) = read.column(column).map_err(|fault| fault.at_field(place + 1))?;
        fields.push(field);
        nth.extend(counted);
    }
    let mut fields = fields.into_iter();
    let mut take = || fields.next();
    let (minutes, hours, days) = (take(), take(), take());
    let (months, weekdays, seconds, years) = (take(), take(), take(), take());
    Ok(Cron {
        seconds: seconds.map_or_else(|| vec![0], |field| listed(field, &KINDS[5])),
        minutes: listed(minutes.unwrap_or_default(), &KINDS[0]),
        hours: listed(hours.unwrap_or_default(), &KINDS[1]),
        days: days.unwrap_or_default(),
        months: months.unwrap_or_default(),
        weekdays: weekdays.unwrap_or_default(),
        nth,
        years: years.unwrap_or(Field { any: true, ..Field::default() }),
        day_or,
    })
}

fn alias(text: &str) -> Result<&'static str, Fault> {
    let found = ALIASES.iter().find(|(name, _)| *name == text);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let names: Vec<&str> = ALIASES.iter().map(|(name, _)| *name).collect();
        Fault::new(format!("`{text}` is not one of {}", names.join(", ")))
    })
}

fn listed(field: Field, kind: &Kind) -> Vec<u16> {
    if field.any { (kind.low..=kind.high).collect() } else { field.values }
}

/// Reads one field.
struct Reader<'a> {
    kind: &'a Kind,
    place: usize,
    columns: &'a [&'a str],
}

type Counted = Vec<(u16, Nth)>;

impl Reader<'_> {
    fn column(&self, text: &str) -> Result<(Field, Counted), Fault> {
        if text == "?" && (self.place == DAY || self.place == WEEKDAY) {
            return Ok((Field { any: true, ..Field::default() }, Counted::new()));
        }
        let mut field = Field::default();
        let mut counted = Counted::new();
        for element in text.split(',') {
            self.element(element, &mut field, &mut counted)?;
        }
        field.values.sort_unstable();
        field.values.dedup();
        if !counted.is_empty() && !field.any && field.values.len() < 7 {
            let plain = field.values.iter().find(|value| counted.iter().all(|(weekday, _)| weekday != *value));
            if let Some(plain) = plain {
                return Err(Fault::new(format!("weekday {plain} is given beside one that is counted with `#` or `l`")));
            }
        }
        field.any |= self.is_everything(&field);
        Ok((field, counted))
    }

    /// Tells whether a list of all values means the same as `*`.
    ///
    /// For day and weekday it makes a difference: what is not `*` takes part in the "or" of the two.
    fn is_everything(&self, field: &Field) -> bool {
        let full = field.values.len() + usize::from(field.last) == usize::from(self.kind.high - self.kind.low + 1);
        let other = match self.place {
            DAY => WEEKDAY,
            WEEKDAY => DAY,
            _ => return full,
        };
        full && self.columns[other].contains('*')
    }

    fn element(&self, text: &str, field: &mut Field, counted: &mut Counted) -> Result<(), Fault> {
        if text == "*" {
            field.any = true;
        } else if self.place == DAY && text == "l" {
            field.last = true;
        } else if let Some((weekdays, nth)) = self.counted(text)? {
            for weekday in weekdays {
                field.values.push(weekday);
                counted.push((weekday, nth));
            }
        } else if text.contains(['-', '/']) {
            field.values.extend(self.range(text)?);
        } else {
            field.values.push(self.value(text)?);
        }
        Ok(())
    }

    /// Reads `fri#2`, `mon-fri#1` and `l5`.
    fn counted(&self, text: &str) -> Result<Option<(Vec<u16>, Nth)>, Fault> {
        if self.place != WEEKDAY {
            return Ok(None);
        }
        if let Some((weekdays, nth)) = text.split_once('#') {
            let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth));
            let nth =
                nth.ok_or_else(|| Fault::new(format!("`{text}` counts weekdays with another number than 1-5")))?;
            let named = weekdays.split('-').all(|name| self.kind.names.contains(&name));
            let weekdays = match weekdays.contains('-') {
                true if named => self.range(weekdays)?,
                true => {
                    return Err(Fault::new(format!("`{text}` counts a range, which needs names such as mon-fri#2")));
                }
                false => vec![self.value(weekdays)?],
            };
            return Ok(Some((weekdays, Nth::At(nth))));
        }
        match text.strip_prefix('l') {
            Some(digits) if is_number(digits) => Ok(Some((vec![self.value(digits)?], Nth::Last))),
            _ => Ok(None),
        }
    }

    /// Reads `a-b`, `a-b/n`, `a/n` and `*/n`.
    fn range(&self, text: &str) -> Result<Vec<u16>, Fault> {
        let Kind { low: min, high: max, name, .. } = *self.kind;
        let (band, step) = match text.split_once('/') {
            None => (text, 1),
            Some((band, step)) => {
                let number = Some(step).filter(|step| is_number(step)).and_then(|step| step.parse().ok());
                let number = number.filter(|step| *step > 0);
                (
                    band,
                    number.ok_or_else(|| Fault::new(format!("`{step}` in `{text}` is not a step, a number from 1")))?,
                )
            }
        };
        let (low, high) = match band.split_once('-') {
            None if band == "*" => (min, max),
            None => (self.value(band)?, max),
            Some((low, high)) if !low.is_empty() => (self.value(low)?, self.range_end(high)?),
            Some(_) => return Err(Fault::new(format!("{name} `{text}` is negative"))),
        };
        Ok(steps(min, max, low, high, step))
    }

    fn range_end(&self, text: &str) -> Result<u16, Fault> {
        if self.place == DAY && text == "l" { Ok(31) } else { self.value(text) }
    }

    fn value(&self, text: &str) -> Result<u16, Fault> {
        let Kind { name, low, high, names, first } = *self.kind;
        if let Some(found) = names.iter().position(|name| *name == text) {
            return Ok(first + u16::try_from(found).unwrap_or(0));
        }
        if !is_number(text) {
            let hashed = text.starts_with(['h', 'r']).then_some("; hashed and random fields are not supported");
            let named = match names {
                [first, .., last] => format!(" or {first}-{last}"),
                _ => String::new(),
            };
            let hashed = hashed.unwrap_or_default();
            return Err(Fault::new(format!("`{text}` is not a {name}, which is {low}-{high}{named}{hashed}")));
        }
        match text.parse() {
            // Sunday has two numbers, but croniter knows the second one in strings of five fields only.
            Ok(7) if self.place == WEEKDAY && self.columns.len() == 5 => Ok(0),
            Ok(value) if (low..=high).contains(&value) => Ok(value),
            _ => Err(Fault::new(format!("{name} {text} is not within {low}-{high}"))),
        }
    }
}

/// Lists the values of a range, which may wrap around the end of the field.
fn steps(min: u16, max: u16, low: u16, high: u16, step: u16) -> Vec<u16> {
    let every = |from: u16, to: u16| (from..=to).step_by(step.into());
    match low.cmp(&high) {
        std::cmp::Ordering::Less => every(low, high).collect(),
        // `mon-mon` is the whole week.
        std::cmp::Ordering::Equal => every(min, max).collect(),
        std::cmp::Ordering::Greater => {
            let head: Vec<u16> = every(low, max).collect();
            let left = max - head.last().copied().unwrap_or(max);
            let skip = if step > left + 1 { step - left } else { 0 };
            head.into_iter().chain(every(min.saturating_add(skip), high)).collect()
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, expect: &str) {
        let fault = parse(text, true).expect_err(text);
        assert_eq!(fault.to_string(), expect, "{text}");
    }

    #[test]
    fn errors_point_at_the_field() {
        refused("61 8 * * *", "minute 61 is not within 0-59 (field 1)");
        refused("0 8 0 * *", "day 0 is not within 1-31 (field 3)");
        refused("0 8 * foo *", "`foo` is not a month, which is 1-12 or jan-dec (field 4)");
        refused("*/0 * * * *", "`0` in `*/0` is not a step, a number from 1 (field 1)");
        refused("0 8 * * fri#6", "`fri#6` counts weekdays with another number than 1-5 (field 5)");
        refused("0 8 * * 1,fri#2", "weekday 1 is given beside one that is counted with `#` or `l` (field 5)");
        refused("0 8 * * -1", "weekday `-1` is negative (field 5)");
        refused(
            "h 8 * * *",
            "`h` is not a minute, which is 0-59; hashed and random fields are not supported (field 1)",
        );
        refused("0 0 * * 7 0", "weekday 7 is not within 0-6 (field 5)");
        refused("? 8 * * *", "`?` is not a minute, which is 0-59 (field 1)");
        refused(", 8 * * *", "`` is not a minute, which is 0-59 (field 1)");
    }

    #[test]
    fn errors_of_the_whole_string_say_what_is_accepted() {
        refused(
            "0 8 * *",
            "there are 4 fields, but 5 are needed (minute hour day month weekday), or 6 or 7 with second and year",
        );
        refused("@reboot", "`@reboot` is not one of @midnight, @hourly, @daily, @weekly, @monthly, @yearly, @annually");
    }

    #[test]
    fn ranges_wrap_around_the_end() {
        assert_eq!(steps(0, 6, 5, 1, 1), [5, 6, 0, 1]);
        assert_eq!(steps(1, 12, 4, 1, 3), [4, 7, 10, 1]);
        assert_eq!(steps(0, 59, 59, 59, 20), [0, 20, 40]);
    }
}
