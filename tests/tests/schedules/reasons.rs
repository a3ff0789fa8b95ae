//! Why dates differ from Prefect's.

use chrono::{Datelike as _, NaiveDateTime, TimeDelta};
use flowkit::Timestamp;

use super::cases::{Case, Rule};
use super::zones::offset;

/// How the error ends of a schedule that Prefect accepts although it has no dates.
pub(crate) const NEVER: &str = "it never fires, since no such day exists";

/// Is a known difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// croniter looks for a listed day beyond the end of a short month, ends up within the next one, and so leaves out
    /// dates at its beginning: `1,31` has no first of March. We leave out none.
    SkippedDay,
    /// Prefect says that a daily interval keeps its clock hour, but it jumps from the anchor to the start in seconds:
    /// when the clocks stand differently at the two, the hour is another one, and which one depends on the moment it
    /// is asked at. Once such an hour falls into a gap, it stays moved. Ours always is the anchor's.
    ClockHour,
    /// When clocks go back, Prefect takes the second of two moments that look alike on the wall for a repetition, and an
    /// interval of minutes or hours pauses until the clock shows something new. Ours counts elapsed time, which is what
    /// Prefect's documentation says.
    RepeatedHour,
    /// croniter fails when years run out, or when no day is both listed and counted (`l * sun#2`), and then Prefect has
    /// no date at all, not even those before. Ours ends, or goes on with the counted weekdays.
    GivesUp,
    /// In Morocco the clocks go back for Ramadan, which the tables call winter time of a zone whose other time is the
    /// normal one. dateutil takes the change of such a zone for an hour later or earlier than it is, so that recurrences
    /// within these hours are off. Ours follow the rule of all other zones.
    Morocco,
}

/// Finds the reason of a difference, if it is a known one and nothing else differs.
pub(crate) fn find(case: &Case, ours: &[Timestamp], theirs: &[Timestamp], error: Option<&str>) -> Option<Reason> {
    match &case.rule {
        Rule::Cron { text, .. } if error == Some("failed to find next date") => {
            let fields: Vec<&str> = text.split(' ').collect();
            let counted = fields[2] != "*" && fields[4].contains(['#', 'l']);
            (fields.len() == 7 || counted).then_some(Reason::GivesUp)
        }
        _ if error.is_some() => None,
        Rule::Interval { seconds, .. } if *seconds < 86_400 && only_repeated(case, ours, theirs) => {
            Some(Reason::RepeatedHour)
        }
        Rule::Cron { text, .. } if only_skipped_days(case, text, ours, theirs) => Some(Reason::SkippedDay),
        Rule::Recurrence { .. } if case.zone.name.ends_with("Casablanca") || case.zone.name.ends_with("El_Aaiun") => {
            only_at_changes(case, ours, theirs).then_some(Reason::Morocco)
        }
        Rule::Interval { seconds, anchor } if keeps_the_hour(case, *seconds, *anchor, ours, theirs) => {
            Some(Reason::ClockHour)
        }
        _ => None,
    }
}

fn wall(case: &Case, date: Timestamp) -> NaiveDateTime {
    let utc = date.to_utc();
    utc.naive_utc() + TimeDelta::seconds(offset(case.zone.tz, utc.timestamp()).into())
}

/// Tells whether all of Prefect's dates are ours too, and each of ours that is missing there is in a month after one
/// that has not all of the listed days, or at its end.
fn only_skipped_days(case: &Case, text: &str, ours: &[Timestamp], theirs: &[Timestamp]) -> bool {
    let day = text.split(' ').nth(2).unwrap_or_default();
    let beyond = ["31", "30", "28-31", "1-31", "15-l"].iter().any(|end| day.contains(end)) || day.contains('l');
    let last = ours.last().copied();
    let inner = theirs.iter().filter(|date| last.is_some_and(|last| **date <= last));
    let missing = ours.iter().filter(|date| !theirs.contains(date));
    beyond
        && inner.clone().all(|date| ours.contains(date))
        && missing.clone().next().is_some()
        && missing.clone().all(|date| {
            let wall = wall(case, *date);
            let early = wall.day() <= 3
                && wall.date().with_day(1).and_then(|first| first.pred_opt()).is_some_and(|end| end.day() < 31);
            let end = wall.day() >= 28 && wall.date().num_days_in_month() < 31;
            early || end
        })
}

/// Tells whether all dates that only one side has are within three hours of a change of the clocks.
fn only_at_changes(case: &Case, ours: &[Timestamp], theirs: &[Timestamp]) -> bool {
    let end = ours.last().min(theirs.last()).copied();
    let only = |these: &[Timestamp], those: &[Timestamp]| {
        let inner = these.iter().filter(|date| end.is_some_and(|end| **date <= end));
        inner.filter(|date| !those.contains(date)).map(|date| date.to_utc().timestamp()).collect::<Vec<_>>()
    };
    let near = |at: &i64| case.zone.changes.iter().any(|change| (at - change).abs() <= 3 * 3600);
    only(ours, theirs).iter().chain(&only(theirs, ours)).all(near)
}

/// Tells whether what is missing in Prefect's dates are moments whose time on the wall came before.
fn only_repeated(case: &Case, ours: &[Timestamp], theirs: &[Timestamp]) -> bool {
    let end = ours.last().copied();
    let repeated = |date: &Timestamp| {
        let at = date.to_utc().timestamp();
        let back = i64::from(offset(case.zone.tz, at - 3 * 3600) - offset(case.zone.tz, at));
        back > 0 && offset(case.zone.tz, at - back) > offset(case.zone.tz, at)
    };
    theirs.iter().filter(|date| end.is_some_and(|end| **date <= end)).all(|date| ours.contains(date))
        && ours.iter().filter(|date| !theirs.contains(date)).all(repeated)
}

/// Tells whether our dates have the clock hours that follow from the anchor, which Prefect promises for intervals of
/// a day or more, and the clocks changed between the anchor and the last date.
fn keeps_the_hour(case: &Case, seconds: i64, anchor: Timestamp, ours: &[Timestamp], theirs: &[Timestamp]) -> bool {
    let every = TimeDelta::seconds(seconds);
    let begin = wall(case, anchor);
    let gap = |date: Timestamp| {
        let at = date.to_utc().timestamp();
        offset(case.zone.tz, at) > offset(case.zone.tz, at - 3 * 3600)
    };
    let on_the_clock = |date: &Timestamp| {
        let distance = (wall(case, *date) - begin).num_seconds().rem_euclid(every.num_seconds());
        distance == 0 || (gap(*date) && distance <= 3 * 3600)
    };
    let offsets = |dates: &[Timestamp]| {
        dates.iter().map(|date| offset(case.zone.tz, date.to_utc().timestamp())).collect::<Vec<_>>()
    };
    let here = offset(case.zone.tz, anchor.to_utc().timestamp());
    seconds >= 86_400
        && ours.len() == theirs.len()
        && ours.iter().all(on_the_clock)
        && offsets(ours).iter().chain(&offsets(theirs)).chain(&offsets(&[case.start])).any(|there| *there != here)
}
