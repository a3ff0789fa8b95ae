//! What starts runs of a deployment besides schedules: events (Prefect's deployment triggers).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::duration::IntoDuration;
use crate::error::{Error, ErrorKind};

/// The least time over which the absence of events counts, as the server has it.
const LEAST_ABSENCE: Duration = Duration::from_secs(10);

/// A condition over the events that a Prefect server sees (Prefect's event, compound and sequence triggers).
///
/// ```
/// use flowkit::Trigger;
///
/// let uploaded = Trigger::event("s3.uploaded").about("prefect.resource.id", "bucket.raw.*");
/// let quiet = Trigger::event("sensor.reading").absent().within("5m");
/// let both = Trigger::all([uploaded, quiet]).within("1h");
/// ```
#[derive(Clone, Debug)]
#[must_use = "a trigger does nothing until a deployment has it"]
pub struct Trigger {
    pub(crate) condition: Condition,
    pub(crate) within: Option<Duration>,
    pub(crate) refused: Option<Error>,
}

/// What a trigger waits for.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Event(Box<EventCondition>),
    /// So many of these, in any order.
    Several(Needed, Vec<Trigger>),
    /// These, in this order.
    InOrder(Vec<Trigger>),
}

/// How many triggers must fire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Needed {
    Any,
    All,
    AtLeast(u32),
}

/// Which events count.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct EventCondition {
    pub(crate) expect: BTreeSet<String>,
    pub(crate) about: BTreeMap<String, Vec<String>>,
    pub(crate) related: BTreeMap<String, Vec<String>>,
    pub(crate) after: BTreeSet<String>,
    pub(crate) for_each: BTreeSet<String>,
    pub(crate) threshold: u32,
    pub(crate) absent: bool,
}

impl Trigger {
    fn new(condition: Condition) -> Self {
        Self { condition, within: None, refused: None }
    }

    /// Fires when an event of this name happens; a `*` at the end stands for the rest, as in `prefect.flow-run.*`.
    pub fn event(name: impl Into<String>) -> Self {
        let expect = [name.into()].into();
        Self::new(Condition::Event(Box::new(EventCondition { expect, threshold: 1, ..EventCondition::default() })))
    }

    /// Fires when any one of these fires.
    pub fn any(triggers: impl IntoIterator<Item = Trigger>) -> Self {
        Self::several(Needed::Any, triggers)
    }

    /// Fires when all of these have fired, in any order.
    pub fn all(triggers: impl IntoIterator<Item = Trigger>) -> Self {
        Self::several(Needed::All, triggers)
    }

    /// Fires when so many of these have fired, in any order.
    pub fn at_least(count: u32, triggers: impl IntoIterator<Item = Trigger>) -> Self {
        let mut trigger = Self::several(Needed::AtLeast(count), triggers);
        let Condition::Several(_, among) = &trigger.condition else { return trigger };
        if count == 0 || usize::try_from(count).is_ok_and(|count| count > among.len()) {
            let why = format!("a trigger needs {count} of {} triggers: from 1 to all of them can be", among.len());
            trigger.refuse(Error::new(ErrorKind::Definition, why));
        }
        trigger
    }

    /// Fires when all of these have fired, in this order.
    pub fn sequence(triggers: impl IntoIterator<Item = Trigger>) -> Self {
        Self::of(Condition::InOrder, triggers)
    }

    fn several(needed: Needed, triggers: impl IntoIterator<Item = Trigger>) -> Self {
        Self::of(|triggers| Condition::Several(needed, triggers), triggers)
    }

    fn of(condition: impl FnOnce(Vec<Trigger>) -> Condition, triggers: impl IntoIterator<Item = Trigger>) -> Self {
        let mut triggers: Vec<Trigger> = triggers.into_iter().collect();
        let refused = triggers.iter_mut().find_map(|trigger| trigger.refused.take());
        Self { refused, ..Self::new(condition(triggers)) }
    }

    /// Adds a further event that counts.
    pub fn or_event(self, name: impl Into<String>) -> Self {
        self.edit("or_event", |event| {
            event.expect.insert(name.into());
        })
    }

    /// Counts only events about a resource with this label: `.about("prefect.resource.id", "bucket.raw.*")`. Saying it
    /// again for the same label allows a further value.
    pub fn about(self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.edit("about", |event| event.about.entry(label.into()).or_default().push(value.into()))
    }

    /// Counts only events that are related to a resource with this label.
    pub fn related(self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.edit("related", |event| event.related.entry(label.into()).or_default().push(value.into()))
    }

    /// Counts events only after one of this name has been seen.
    pub fn after(self, name: impl Into<String>) -> Self {
        self.edit("after", |event| {
            event.after.insert(name.into());
        })
    }

    /// Counts events each by itself for every value of this label, such as `related:flow:prefect.resource.id`.
    pub fn for_each(self, label: impl Into<String>) -> Self {
        self.edit("for_each", |event| {
            event.for_each.insert(label.into());
        })
    }

    /// Sets how many events there must be. Default: 1.
    pub fn threshold(self, count: u32) -> Self {
        self.edit("threshold", |event| event.threshold = count)
    }

    /// Fires when the events do *not* happen within the time (Prefect's proactive posture). Default time: 10 s, which
    /// is also the least.
    pub fn absent(self) -> Self {
        self.edit("absent", |event| event.absent = true)
    }

    /// Sets the time within which all that is waited for must happen: `"5m"`, a `Duration`, or seconds. Default: for
    /// one event none is needed, for several triggers any time will do.
    pub fn within(mut self, time: impl IntoDuration) -> Self {
        match time.into_duration() {
            Ok(time) => self.within = Some(time),
            Err(error) => self.refuse(error),
        }
        self
    }

    /// Names what is made of it at the server (a deployment trigger is an automation there).
    pub fn named(self, name: impl Into<String>) -> DeploymentTrigger {
        DeploymentTrigger::from(self).named(name)
    }

    /// Sets the parameters of the runs it starts, an object; see [`DeploymentTrigger::parameters`].
    pub fn parameters(self, parameters: Value) -> DeploymentTrigger {
        DeploymentTrigger::from(self).parameters(parameters)
    }

    /// Sets how long after it has fired the run is due.
    pub fn schedule_after(self, delay: impl IntoDuration) -> DeploymentTrigger {
        DeploymentTrigger::from(self).schedule_after(delay)
    }

    fn edit(mut self, what: &str, edit: impl FnOnce(&mut EventCondition)) -> Self {
        match &mut self.condition {
            Condition::Event(event) => edit(event),
            _ => {
                let why = format!("`{what}` is for triggers of events, and not for those of several triggers");
                self.refuse(Error::new(ErrorKind::Definition, why));
            }
        }
        self
    }

    fn refuse(&mut self, error: Error) {
        self.refused.get_or_insert(error);
    }

    /// Finds what the server would refuse.
    pub(crate) fn checked(mut self) -> Result<Self, Error> {
        if let Some(error) = self.refused.take() {
            return Err(error);
        }
        let absent = matches!(&self.condition, Condition::Event(event) if event.absent);
        match self.within {
            None if absent => self.within = Some(LEAST_ABSENCE),
            Some(within) if absent && within < LEAST_ABSENCE => {
                let why = format!("the absence of events counts after 10 s or more, and not after {within:?}");
                return Err(Error::new(ErrorKind::Definition, why));
            }
            _ => {}
        }
        self.condition = match self.condition {
            Condition::Event(event) => Condition::Event(event),
            Condition::Several(needed, below) => Condition::Several(needed, all_checked(below)?),
            Condition::InOrder(below) => Condition::InOrder(all_checked(below)?),
        };
        Ok(self)
    }
}

fn all_checked(triggers: Vec<Trigger>) -> Result<Vec<Trigger>, Error> {
    if triggers.is_empty() {
        return Err(Error::new(ErrorKind::Definition, "a trigger of several triggers has none"));
    }
    triggers.into_iter().map(Trigger::checked).collect()
}

/// A [`Trigger`] together with what it starts.
#[derive(Clone, Debug)]
#[must_use = "a trigger does nothing until a deployment has it"]
pub struct DeploymentTrigger {
    pub(crate) trigger: Trigger,
    pub(crate) name: Option<String>,
    pub(crate) description: String,
    pub(crate) enabled: bool,
    pub(crate) parameters: Option<Map<String, Value>>,
    pub(crate) job_variables: Option<Map<String, Value>>,
    pub(crate) schedule_after: Duration,
}

impl From<Trigger> for DeploymentTrigger {
    fn from(trigger: Trigger) -> Self {
        Self {
            trigger,
            name: None,
            description: String::new(),
            enabled: true,
            parameters: None,
            job_variables: None,
            schedule_after: Duration::ZERO,
        }
    }
}

impl DeploymentTrigger {
    /// Names what is made of it at the server. Default: the deployment's name and a number.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Describes what is made of it at the server.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Leaves it switched off at the server.
    pub fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    /// Sets the parameters of the runs it starts, an object. The server renders templates in them, as in
    /// `{"path": "{{ event.resource.name }}"}`, so only their names are checked here. Default: the deployment's.
    pub fn parameters(mut self, parameters: Value) -> Self {
        match object(parameters, "the parameters of a trigger") {
            Ok(parameters) => self.parameters = Some(parameters),
            Err(error) => self.trigger.refuse(error),
        }
        self
    }

    /// Sets the job variables of the runs it starts, an object. Default: the deployment's.
    pub fn job_variables(mut self, variables: Value) -> Self {
        match object(variables, "the job variables of a trigger") {
            Ok(variables) => self.job_variables = Some(variables),
            Err(error) => self.trigger.refuse(error),
        }
        self
    }

    /// Sets how long after it has fired the run is due: `"10m"`, a `Duration`, or seconds. Default: at once.
    pub fn schedule_after(mut self, delay: impl IntoDuration) -> Self {
        match delay.into_duration() {
            Ok(delay) => self.schedule_after = delay,
            Err(error) => self.trigger.refuse(error),
        }
        self
    }
}

/// Takes a JSON object.
pub(crate) fn object(value: Value, what: &str) -> Result<Map<String, Value>, Error> {
    match value {
        Value::Object(object) => Ok(object),
        other => Err(Error::new(ErrorKind::Definition, format!("{what} must be a JSON object, and are `{other}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(trigger: Trigger) -> String {
        trigger.checked().expect_err("it is refused").to_string()
    }

    #[test]
    fn what_the_server_would_refuse_is_refused_at_once() {
        let event = || Trigger::event("a");
        assert!(refusal(event().within("soon")).contains("`soon` is not a duration"));
        assert!(refusal(event().absent().within("3s")).contains("after 10 s or more, and not after 3s"));
        assert!(refusal(Trigger::at_least(3, [event(), event()])).contains("3 of 2 triggers"));
        assert!(refusal(Trigger::all([])).contains("has none"));
        assert!(refusal(Trigger::any([event()]).about("a", "b")).contains("`about` is for triggers of events"));
        assert!(refusal(Trigger::sequence([event().within("x")])).contains("`x` is not a duration"));
    }

    #[test]
    fn the_absence_of_events_counts_after_ten_seconds() {
        let trigger = Trigger::event("a").absent().checked().expect("valid");
        assert_eq!(trigger.within, Some(Duration::from_secs(10)));
        assert_eq!(Trigger::event("a").checked().expect("valid").within, None);
    }
}
