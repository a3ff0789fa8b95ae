//! Which of a program's schedules is which of those that a place has known before. Pure.
//!
//! Schedules without slugs have other ids whenever their deployment is registered again, so they are known by what they say.

use serde_json::{Map, Value};

use super::ScheduleSpec;
use crate::schedule::Misfire;

/// A schedule as a place that keeps deployments knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) slug: Option<&'a str>,
    /// `cron`, `interval` or `rrule` with its own fields, in Prefect's form.
    pub(crate) rule: &'a Map<String, Value>,
    pub(crate) parameters: &'a Map<String, Value>,
}

impl Known<'_> {
    /// Finds the one among a program's schedules, by its number, that this one is or was.
    pub(crate) fn among(self, specs: &[ScheduleSpec]) -> Option<usize> {
        let mut same = specs.iter().enumerate().filter(|(_, spec)| self.is(spec));
        let first = same.clone().next();
        same.find(|(_, spec)| spec.parameters == *self.parameters).or(first).map(|(number, _)| number)
    }

    fn is(self, spec: &ScheduleSpec) -> bool {
        if spec.slug.is_some() || self.slug.is_some() {
            return spec.slug.as_deref() == self.slug
                || spec.replaces.as_ref().is_some_and(|old| Some(old.as_str()) == self.slug);
        }
        let says = |rule: &Map<String, Value>| {
            let field = |name: &str| rule.get(name).filter(|value| !value.is_null()).cloned();
            let zone = field("timezone").unwrap_or_else(|| "UTC".into());
            (field("cron"), field("interval").and_then(|value| value.as_f64()), field("rrule").map(without_start), zone)
        };
        says(&spec.rule) == says(self.rule)
    }
}

/// What becomes of missed dates of schedules that the program does not know, or not any more.
pub(crate) fn policy_of_others(specs: &[ScheduleSpec]) -> Misfire {
    let mut policies = specs.iter().map(|spec| spec.schedule.get_misfire());
    let first = policies.next().unwrap_or_default();
    if policies.all(|policy| policy == first) { first } else { Misfire::default() }
}

/// A recurrence without its start, which is moved forward whenever the schedule is registered.
fn without_start(rrule: Value) -> String {
    let lines = rrule.as_str().unwrap_or_default().lines();
    lines.filter(|line| !line.starts_with("DTSTART")).collect::<Vec<_>>().join("\n")
}
