//! Reading one setting, with an error that says what was wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use super::known;
use super::origin::Origin;
use super::sources::{Found, Sources};
use crate::durability::Durability;
use crate::error::{Error, ErrorKind};
use crate::event::Level;
use crate::options::Defaults;
use crate::report::Report;
use crate::retention::{self, Retention};
use crate::retry_delay::Delays;

/// Where settings are looked up.
pub(super) struct Source<'a>(pub(super) &'a Sources);

impl Source<'_> {
    /// A value that is not empty. One that is empty says that the default holds, whatever is said farther away.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = match known::find(name) {
            Some(known) => self.0.find(known).map(|found| found.text),
            // What others tell this process, such as which run it is for.
            None => self.0.variable(name),
        };
        text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    fn found(&self, name: &str) -> Option<Found<'_>> {
        known::find(name).and_then(|known| self.0.find(known))
    }

    /// As [`text`](Self::text), with the name that it is set by.
    pub(super) fn text_and_name(&self, name: &str) -> Option<(&'static str, String)> {
        let by = self.found(name)?.name;
        self.text(name).map(|text| (by, text))
    }

    /// Where the value comes from.
    pub(super) fn origin(&self, name: &str) -> Origin {
        self.found(name).map_or(Origin::Default, |found| found.origin)
    }

    /// The name that it is set by, with the file and line if it is in one.
    pub(super) fn named(&self, name: &str) -> String {
        match self.found(name) {
            None => name.to_owned(),
            Some(Found { origin: Origin::Environment | Origin::Default, name, .. }) => name.to_owned(),
            Some(found) => format!("{} ({})", found.name, found.origin),
        }
    }

    /// The error for a value that cannot be used; that of a secret is not shown.
    pub(super) fn refused(&self, name: &str, text: &str, accepted: &str) -> Error {
        let secret = known::find(name).is_some_and(|known| known.secret);
        let text = if secret { "********" } else { text };
        let why = format!("the setting {} is `{text}`, and must be {accepted}", self.named(name));
        Error::new(ErrorKind::Settings, why)
    }

    fn parsed<T>(&self, name: &str, accepted: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let value = parse(&text).ok_or_else(|| self.refused(name, &text, accepted))?;
        Ok(Some(value))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Error> {
        self.parsed(name, "true or false", |text| match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
            "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
            _ => None,
        })
    }

    /// Reads HTTP headers.
    pub(super) fn headers(&self, name: &str) -> Result<Vec<(String, String)>, Error> {
        let accepted = "a table, or a JSON object, of texts such as {\"X-Team\": \"data\"}";
        let read = |text: &str| serde_json::from_str::<BTreeMap<String, String>>(text).ok();
        Ok(self.parsed(name, accepted, read)?.into_iter().flatten().collect())
    }

    /// Reads a time that is not 0.
    pub(super) fn limit(&self, name: &str) -> Result<Option<Duration>, Error> {
        self.parsed(name, "a number of seconds, more than 0", |text| {
            Duration::try_from_secs_f64(text.parse().ok()?).ok().filter(|limit| !limit.is_zero())
        })
    }

    /// Reads a whole number that is not 0.
    pub(super) fn at_least_one(&self, name: &str) -> Result<Option<usize>, Error> {
        self.parsed(name, "a whole number, 1 or more", |text| text.parse().ok().filter(|count| *count > 0))
    }

    pub(super) fn count<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Error> {
        self.parsed(name, "a whole number, 0 or more", |text| text.parse().ok())
    }

    pub(super) fn port(&self, name: &str) -> Result<Option<u16>, Error> {
        self.parsed(name, "the number of a port, 0 (any that is free) to 65535", |text| text.parse().ok())
    }

    pub(super) fn level(&self, name: &str) -> Result<Option<Level>, Error> {
        self.parsed(name, "one of DEBUG, INFO, WARNING, ERROR", |text| match text.to_ascii_uppercase().as_str() {
            "TRACE" | "NOTSET" => Some(Level::Trace),
            "DEBUG" => Some(Level::Debug),
            "INFO" => Some(Level::Info),
            "WARN" | "WARNING" => Some(Level::Warning),
            "ERROR" | "CRITICAL" => Some(Level::Error),
            _ => None,
        })
    }

    pub(super) fn retries(&self, count: &str, delay: &str) -> Result<Defaults, Error> {
        let retries = self.parsed(count, "a whole number, 0 or more", |text| text.parse().ok())?;
        let delays = self.parsed(delay, "seconds, or a list of seconds such as [1, 5]", |text| {
            let seconds: Vec<f64> = match serde_json::from_str(text).ok()? {
                serde_json::Value::Array(list) => list.iter().map(serde_json::Value::as_f64).collect::<Option<_>>()?,
                single => vec![single.as_f64()?],
            };
            seconds.into_iter().map(|seconds| Duration::try_from_secs_f64(seconds).ok()).collect::<Option<Vec<_>>>()
        })?;
        Ok(Defaults {
            retries: retries.unwrap_or(0),
            retry_delay: delays.map(|delays| Delays::Given(delays.into())).unwrap_or_default(),
            ..Defaults::default()
        })
    }

    /// Reads how careful the file of runs is.
    pub(super) fn durability(&self, name: &str) -> Result<Option<Durability>, Error> {
        self.parsed(name, "commit or fast", |text| match text.to_ascii_lowercase().as_str() {
            "commit" => Some(Durability::Commit),
            "fast" => Some(Durability::Fast),
            _ => None,
        })
    }

    /// Reads how much a server is told of task runs.
    pub(super) fn report(&self, name: &str) -> Result<Option<Report>, Error> {
        self.parsed(name, "auto, all, final or aggregate", |text| match text.to_ascii_lowercase().as_str() {
            "auto" => Some(Report::Auto),
            "all" => Some(Report::All),
            "final" => Some(Report::Final),
            "aggregate" => Some(Report::Aggregate),
            _ => None,
        })
    }

    /// Reads what the file of runs keeps.
    pub(super) fn retention(&self, age: &str, size: &str) -> Result<Retention, Error> {
        let default = Retention::default();
        Ok(Retention {
            age: self.parsed(age, retention::AGES, retention::parse_age)?.unwrap_or(default.age),
            size: self.parsed(size, retention::SIZES, retention::parse_size)?.unwrap_or(default.size),
        })
    }

    pub(super) fn id(&self, name: &str) -> Result<Option<uuid::Uuid>, Error> {
        self.parsed(name, "the id of a flow run, a UUID", |text| text.parse().ok())
    }

    pub(super) fn seconds(&self, name: &str) -> Result<Option<Duration>, Error> {
        self.parsed(name, "a number of seconds, 0 or more", |text| Duration::try_from_secs_f64(text.parse().ok()?).ok())
    }

    pub(super) fn poll(&self, name: &str) -> Result<Option<Duration>, Error> {
        self.parsed(name, "a whole number of seconds, 1 or more", |text| {
            text.parse().ok().filter(|seconds| *seconds >= 1).map(Duration::from_secs)
        })
    }

    pub(super) fn heartbeat(&self, name: &str) -> Result<Option<Duration>, Error> {
        self.parsed(name, "a whole number of seconds, 30 or more", |text| {
            text.parse().ok().filter(|seconds| *seconds >= 30).map(Duration::from_secs)
        })
    }
}
