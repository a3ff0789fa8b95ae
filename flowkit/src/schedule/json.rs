//! A schedule in the JSON form of Prefect's API.

use chrono::{NaiveDateTime, SecondsFormat};
use serde_json::{Value, json};

use super::rrule::{DEFAULT_START, RuleSet};
use super::spec::{Rule, Schedule};
use crate::clock::Timestamp;
use crate::error::Result;

impl Schedule {
    /// Returns the JSON that a Prefect server gets when the schedule is registered at `now`, which anchors an interval
    /// that has no anchor.
    ///
    /// # Errors
    /// Those of [`check`](Self::check).
    pub fn to_json(&self, now: Timestamp) -> Result<Value> {
        self.check()?;
        Ok(json!({
            "schedule": self.rule_json(now),
            "active": self.active,
            "max_scheduled_runs": self.max_scheduled_runs,
            "parameters": self.parameters,
            "slug": self.slug,
            "replaces": self.replaces,
        }))
    }

    /// Makes a schedule again from the rule in its JSON; `None` if that is none.
    #[cfg(any(test, feature = "embedded"))]
    pub(crate) fn of_rule(rule: &serde_json::Map<String, Value>) -> Option<Self> {
        let text = |name: &str| rule.get(name).and_then(Value::as_str);
        let schedule = if let Some(cron) = text("cron") {
            Self::cron(cron).day_or(rule.get("day_or").and_then(Value::as_bool).unwrap_or(true))
        } else if let Some(rrule) = text("rrule") {
            Self::rrule(rrule)
        } else {
            let interval = Self::interval(rule.get("interval")?.as_f64()?);
            match text("anchor_date").and_then(|anchor| super::moment(anchor).ok()) {
                Some(anchor) => interval.anchor(anchor),
                None => interval,
            }
        };
        let schedule = match text("timezone") {
            Some(zone) => schedule.timezone(zone),
            None => schedule,
        };
        schedule.check().is_ok().then_some(schedule)
    }

    fn rule_json(&self, now: Timestamp) -> Value {
        let zone = self.timezone.as_deref();
        match &self.rule {
            Rule::Cron { text, day_or } => json!({ "cron": text, "timezone": zone, "day_or": day_or }),
            Rule::Interval { every, anchor } => json!({
                "interval": every.as_secs_f64(),
                "anchor_date": anchor.unwrap_or(now).to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true),
                "timezone": zone.unwrap_or("UTC"),
            }),
            Rule::Recurrence { text } => {
                json!({ "rrule": self.started(text, now), "timezone": zone.unwrap_or("UTC") })
            }
        }
    }

    /// Writes the start that a rule has by default into its text, as Prefect's client does.
    ///
    /// A rule of minutes or seconds starts at its last time before `now`: from 2020 on, the server would walk through
    /// millions of times.
    fn started(&self, text: &str, now: Timestamp) -> String {
        if text.to_uppercase().contains("DTSTART") {
            return text.to_owned();
        }
        let start = self.recent_start(text, now).unwrap_or(DEFAULT_START);
        format!("DTSTART:{}\n{text}", start.format("%Y%m%dT%H%M%S"))
    }

    fn recent_start(&self, text: &str, now: Timestamp) -> Option<NaiveDateTime> {
        let period = RuleSet::parse(text).ok()?.short_period()?;
        let elapsed = (self.zone().ok()?.wall(now) - DEFAULT_START).num_seconds();
        let periods = i32::try_from(elapsed.div_euclid(period.num_seconds())).ok().filter(|periods| *periods > 0)?;
        DEFAULT_START.checked_add_signed(period.checked_mul(periods)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::moment;

    #[track_caller]
    fn check(schedule: &Schedule, expect: &Value) {
        let now = moment("2026-11-21T08:00:30Z").expect("a moment");
        assert_eq!(&schedule.to_json(now).expect("a schedule without mistakes"), expect);
    }

    #[test]
    fn schedules_are_what_prefects_client_sends() {
        check(
            &Schedule::cron("0 0 * * *").timezone("UTC").slug("midnight"),
            &json!({
                "schedule": { "cron": "0 0 * * *", "timezone": "UTC", "day_or": true },
                "active": true, "max_scheduled_runs": null, "parameters": {}, "slug": "midnight", "replaces": null,
            }),
        );
        let anchor = moment("2024-01-01T00:00:00Z").expect("a moment");
        check(
            &Schedule::interval("6h").anchor(anchor).timezone("UTC").active(false).parameter("x", 7),
            &json!({
                "schedule": { "interval": 21600.0, "anchor_date": "2024-01-01T00:00:00Z", "timezone": "UTC" },
                "active": false, "max_scheduled_runs": null, "parameters": { "x": 7 }, "slug": null, "replaces": null,
            }),
        );
        check(
            &Schedule::rrule("FREQ=DAILY;BYHOUR=9;BYMINUTE=0"),
            &json!({
                "schedule": { "rrule": "DTSTART:20200101T000000\nFREQ=DAILY;BYHOUR=9;BYMINUTE=0", "timezone": "UTC" },
                "active": true, "max_scheduled_runs": null, "parameters": {}, "slug": null, "replaces": null,
            }),
        );
    }

    #[test]
    fn a_schedule_made_of_its_rule_has_the_same_dates() {
        let now = moment("2026-11-21T08:00:30Z").expect("a moment");
        for schedule in [
            Schedule::cron("0 9 13 * fri").day_or(false),
            Schedule::cron("*/7 * * * *"),
            Schedule::interval(0.75).anchored(now),
            Schedule::interval("6h").anchor(moment("2024-01-01T00:00:00.123456Z").expect("a moment")),
            Schedule::rrule("FREQ=MINUTELY;INTERVAL=7"),
            Schedule::rrule("FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=9"),
        ] {
            let json = schedule.to_json(now).expect("a schedule");
            let again = Schedule::of_rule(json["schedule"].as_object().expect("an object")).expect("a rule");
            assert_eq!(again.next_dates(now, 9).expect("dates"), schedule.next_dates(now, 9).expect("dates"), "{json}");
        }
        assert!(Schedule::of_rule(&serde_json::Map::new()).is_none());
    }

    #[test]
    fn a_rule_of_minutes_starts_near_now() {
        let now = moment("2026-11-21T08:00:30Z").expect("a moment");
        let json = Schedule::rrule("FREQ=MINUTELY;INTERVAL=7").to_json(now).expect("a schedule");
        let text = json["schedule"]["rrule"].as_str().expect("a text");
        let start = NaiveDateTime::parse_from_str(text.lines().next().expect("a line"), "DTSTART:%Y%m%dT%H%M%S");
        let elapsed = (start.expect("a start") - DEFAULT_START).num_minutes();
        assert_eq!(elapsed % 7, 0);
        assert!((now.to_utc().naive_utc() - start.expect("a start")).num_minutes() < 7, "{text}");
    }
}
