//! The schedule that users write.

use std::time::Duration;

use chrono::DateTime;
use serde::Serialize;
use serde_json::{Map, Value};

use super::cron::Cron;
use super::dates::{Dates, Source};
use super::fault::Fault;
use super::interval::Interval;
use super::misfire::Misfire;
use super::rrule::RuleSet;
use super::zone::Zone;
use crate::clock::Timestamp;
use crate::duration::IntoDuration;
use crate::error::{Error, ErrorKind, Result};

/// Says when a deployment's flow runs by itself: Prefect's schedule.
///
/// Mistakes are kept and told by [`check`](Self::check), which a deployment calls when it is built.
#[derive(Debug, Clone)]
#[must_use]
pub struct Schedule {
    pub(super) rule: Rule,
    pub(super) timezone: Option<String>,
    pub(super) active: bool,
    pub(super) parameters: Map<String, Value>,
    pub(super) slug: Option<String>,
    pub(super) replaces: Option<String>,
    pub(super) max_scheduled_runs: Option<u32>,
    misfire: Misfire,
    /// The first mistake of a builder's method.
    mistake: Option<Error>,
}

/// Is what the dates follow from.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    Cron { text: String, day_or: bool },
    Interval { every: Duration, anchor: Option<Timestamp> },
    Recurrence { text: String },
}

impl Schedule {
    /// Makes a schedule from a cron string of five fields: minute, hour, day, month, weekday.
    ///
    /// Names (`mon`, `jan`), ranges (`fri-mon`), steps (`*/15`), `l` for the last day of the month, `fri#2` for the
    /// second Friday, `l5` for the last one, and aliases such as `@daily` are understood; a sixth field has seconds, a
    /// seventh years. Lists of day and weekday are joined by "or"; see [`day_or`](Self::day_or).
    pub fn cron(text: impl Into<String>) -> Self {
        Self::new(Rule::Cron { text: text.into(), day_or: true })
    }

    /// Makes a schedule that runs every so often: `"1h"`, `"90s"`, a number of seconds, or a [`Duration`].
    ///
    /// It is counted from its [`anchor`](Self::anchor). The longest are centuries, the shortest is a microsecond.
    pub fn interval(every: impl IntoDuration) -> Self {
        let (every, mistake) = match every.into_duration() {
            Ok(every) => (every, None),
            Err(error) => (Duration::ZERO, Some(error)),
        };
        Self { mistake, ..Self::new(Rule::Interval { every, anchor: None }) }
    }

    /// Makes a schedule from a recurrence rule of iCalendar: `"FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=9"`.
    ///
    /// Several lines (`DTSTART:`, `RRULE:`, `RDATE:`, `EXRULE:`, `EXDATE:`) make a set. Without `DTSTART` a rule starts
    /// at midnight of 2020-01-01. Dates are those of the schedule's time zone; as in Prefect, a zone given in the
    /// text has no effect.
    pub fn rrule(text: impl Into<String>) -> Self {
        Self::new(Rule::Recurrence { text: text.into() })
    }

    fn new(rule: Rule) -> Self {
        Self {
            rule,
            timezone: None,
            active: true,
            parameters: Map::new(),
            slug: None,
            replaces: None,
            max_scheduled_runs: None,
            misfire: Misfire::default(),
            mistake: None,
        }
    }

    /// Sets the time zone by its IANA name, such as `"Europe/Berlin"`. UTC by default.
    pub fn timezone(self, name: impl Into<String>) -> Self {
        Self { timezone: Some(name.into()), ..self }
    }

    /// Sets how a cron schedule joins day and weekday when both are restricted: by "or" (the default), or by "and".
    pub fn day_or(mut self, day_or: bool) -> Self {
        match &mut self.rule {
            Rule::Cron { day_or: kept, .. } => *kept = day_or,
            _ => self.blame("day_or", "cron"),
        }
        self
    }

    /// Sets the moment that an interval is counted from, in both directions.
    ///
    /// By default it is counted from the moment at which the deployment is registered; without a server, from the first
    /// time that it was registered with this interval, as far as that is known.
    pub fn anchor(mut self, anchor: impl Into<Timestamp>) -> Self {
        match &mut self.rule {
            Rule::Interval { anchor: kept, .. } => *kept = Some(anchor.into()),
            _ => self.blame("anchor", "interval"),
        }
        self
    }

    /// Names the schedule, so that registering the deployment again keeps and updates it.
    pub fn slug(self, slug: impl Into<String>) -> Self {
        Self { slug: Some(slug.into()), ..self }
    }

    /// Names the slug of an existing schedule that this one takes the place of, to rename it.
    pub fn replaces(self, slug: impl Into<String>) -> Self {
        Self { replaces: Some(slug.into()), ..self }
    }

    /// Sets whether the schedule starts runs. It does by default.
    pub fn active(self, active: bool) -> Self {
        Self { active, ..self }
    }

    /// Sets one parameter for the runs of this schedule, over those of the deployment.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        let name = name.into();
        match serde_json::to_value(value) {
            Ok(value) => drop(self.parameters.insert(name, value)),
            Err(error) => {
                let message = format!("{}: parameter `{name}` cannot be written as JSON", self.rule.describe());
                self.mistake.get_or_insert(Error::new(ErrorKind::Parameters, message).with_source(error));
            }
        }
        self
    }

    /// Sets how many runs a Prefect server plans ahead. The server's own limits by default.
    pub fn max_scheduled_runs(self, runs: u32) -> Self {
        Self { max_scheduled_runs: Some(runs), ..self }
    }

    /// Sets which dates are made up for that were missed while nothing could run them. [`Misfire::Latest`] by default.
    pub fn misfire(self, misfire: Misfire) -> Self {
        Self { misfire, ..self }
    }

    /// Tells whether the schedule starts runs.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Returns the slug, if the schedule has one.
    #[must_use]
    pub fn get_slug(&self) -> Option<&str> {
        self.slug.as_deref()
    }

    /// Returns the parameters for the runs of this schedule.
    #[must_use]
    pub fn parameters(&self) -> &Map<String, Value> {
        &self.parameters
    }

    /// Returns which missed dates are made up for.
    #[must_use]
    pub fn get_misfire(&self) -> Misfire {
        self.misfire
    }

    /// Looks for mistakes. Without the feature `timezones` the name of a zone is only checked for its form.
    ///
    /// # Errors
    /// An error of kind [`ErrorKind::Definition`] that names the text, what is wrong in it, where, and what is accepted.
    pub fn check(&self) -> Result<()> {
        if let Some(mistake) = &self.mistake {
            return Err(mistake.clone());
        }
        let told = |fault: Fault| fault.into_error(self.rule.describe());
        self.source(Timestamp::from_unix_micros(0), Zone::Utc).map_err(told)?;
        self.timezone.as_deref().map_or(Ok(()), Zone::check).map_err(told)?;
        if self.max_scheduled_runs == Some(0) {
            return Err(told(Fault::new("max_scheduled_runs 0 would plan nothing: give a number from 1")));
        }
        Ok(())
    }

    /// Returns the dates from `start` on, with `start` itself if it is one. An interval without an anchor begins there.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), and that of a zone other than UTC without the feature `timezones`.
    pub fn dates_from(&self, start: Timestamp) -> Result<Dates> {
        self.check()?;
        let told = |fault: Fault| fault.into_error(self.rule.describe());
        let zone = self.zone().map_err(told)?;
        Ok(Dates::new(self.source(start, zone).map_err(told)?, zone, start))
    }

    /// Returns the next `n` dates after a moment.
    ///
    /// # Errors
    /// Those of [`dates_from`](Self::dates_from).
    pub fn next_dates(&self, after: Timestamp, n: usize) -> Result<Vec<Timestamp>> {
        Ok(self.dates_from(after)?.filter(|date| *date > after).take(n).collect())
    }

    /// Has an interval without an anchor be counted from this moment.
    pub(crate) fn anchored(mut self, now: Timestamp) -> Self {
        if let Rule::Interval { anchor, .. } = &mut self.rule {
            anchor.get_or_insert(now);
        }
        self
    }

    /// Tells whether this is an interval without an anchor.
    pub(crate) fn is_unanchored(&self) -> bool {
        matches!(self.rule, Rule::Interval { anchor: None, .. })
    }

    pub(super) fn zone(&self) -> Result<Zone, Fault> {
        Zone::find(self.timezone.as_deref().unwrap_or("UTC"))
    }

    fn source(&self, start: Timestamp, zone: Zone) -> Result<Source, Fault> {
        match &self.rule {
            Rule::Cron { text, day_or } => Ok(Source::cron(Cron::parse(text, *day_or)?, start, zone)),
            Rule::Recurrence { text } => Ok(Source::recurrence(&RuleSet::parse(text)?, start, zone)),
            Rule::Interval { every, anchor } => Interval::new(*every, anchor.unwrap_or(start))
                .map(|interval| Source::interval(interval, start, zone))
                .ok_or_else(|| Fault::new("it is not within a microsecond and a thousand centuries")),
        }
    }

    fn blame(&mut self, method: &str, of: &str) {
        let message = format!("{}: `{method}` is for {of} schedules only", self.rule.describe());
        self.mistake.get_or_insert(Error::new(ErrorKind::Definition, message));
    }
}

impl Rule {
    /// Returns the words that errors begin with.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Cron { text, .. } => format!("cron `{text}`"),
            Self::Interval { every, .. } if every.is_zero() => "interval `0s`".to_owned(),
            Self::Interval { every, .. } => format!("interval `{every:?}`"),
            Self::Recurrence { text } => format!("rrule `{text}`"),
        }
    }
}

/// Reads a moment in RFC 3339, such as `2026-11-21T08:00:00+01:00`: for anchors, and for questions about dates.
///
/// # Errors
/// An error of kind [`ErrorKind::Definition`] that names the text.
pub fn moment(text: &str) -> Result<Timestamp> {
    let read = DateTime::parse_from_rfc3339(text);
    read.map(|moment| moment.to_utc().into()).map_err(|error| {
        let message = format!("`{text}` is not a moment: write it with its offset, such as 2026-11-21T08:00:00+01:00");
        Error::new(ErrorKind::Definition, message).with_source(error)
    })
}
