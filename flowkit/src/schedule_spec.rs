//! Schedules in Prefect's form.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::deploy::ScheduleSpec;
use crate::error::{Error, ErrorKind};

/// What an rrule counts from if it does not say so itself, as in Prefect.
const DTSTART: &str = "DTSTART:20200101T000000\n";

fn active(rule: Value) -> ScheduleSpec {
    let rule = rule.as_object().cloned().unwrap_or_default();
    ScheduleSpec { rule, active: true, max_scheduled_runs: None, parameters: Map::new(), slug: None, replaces: None }
}

fn refuse(why: &str) -> Error {
    Error::new(ErrorKind::Definition, why)
}

pub(crate) fn cron(expression: String) -> Result<ScheduleSpec, Error> {
    Ok(active(json!({"cron": expression, "timezone": "UTC", "day_or": true})))
}

pub(crate) fn interval(interval: Duration) -> Result<ScheduleSpec, Error> {
    if interval.is_zero() {
        return Err(refuse("the interval of a schedule must be longer than nothing"));
    }
    Ok(active(json!({"interval": interval.as_secs_f64(), "timezone": "UTC"})))
}

pub(crate) fn rrule(rule: String) -> Result<ScheduleSpec, Error> {
    if rule.trim().is_empty() {
        return Err(refuse("the rule of a schedule is empty"));
    }
    let start = if rule.to_ascii_uppercase().contains("DTSTART") { "" } else { DTSTART };
    Ok(active(json!({"rrule": format!("{start}{rule}"), "timezone": "UTC"})))
}
