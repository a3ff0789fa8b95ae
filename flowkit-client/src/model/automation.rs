//! Automations: what the server does when events happen, or do not.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::JsonObject;

/// Labels of resources and what they must be, one value or any of several; a `*` at the end stands for the rest.
pub type ResourceSpec = BTreeMap<String, OneOrMany>;

/// Holds what a label may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// This.
    One(String),
    /// Any one of these.
    Many(Vec<String>),
}

impl From<Vec<String>> for OneOrMany {
    fn from(mut values: Vec<String>) -> Self {
        match values.pop() {
            Some(only) if values.is_empty() => Self::One(only),
            last => Self::Many(values.into_iter().chain(last).collect()),
        }
    }
}

/// Says whether events or their absence count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Posture {
    /// The events happen.
    #[default]
    Reactive,
    /// The events do not happen, for at least ten seconds.
    Proactive,
}

/// Says how many of the triggers below must fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Require {
    /// So many.
    Count(u32),
    /// One or all.
    Word(RequireWord),
}

/// The words of [`Require`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequireWord {
    /// Any one of them.
    Any,
    /// Every one of them.
    All,
}

/// Says which events count.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct EventTrigger {
    /// Labels of the resource the event is about.
    #[serde(rename = "match")]
    pub matches: ResourceSpec,
    /// Labels of the resources it is related to.
    pub match_related: ResourceSpec,
    /// Events that must have been seen before.
    pub after: BTreeSet<String>,
    /// The events; none means any.
    pub expect: BTreeSet<String>,
    /// Labels whose values are counted each for itself.
    pub for_each: BTreeSet<String>,
    /// Whether the events or their absence count.
    pub posture: Posture,
    /// How many there must be.
    pub threshold: u32,
    /// Within how many seconds.
    pub within: f64,
}

/// Says what fires an automation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Trigger {
    /// Events, or their absence.
    Event(EventTrigger),
    /// Some of several triggers, in any order.
    Compound {
        /// The triggers.
        triggers: Vec<Trigger>,
        /// Within how many seconds; none means any time.
        within: Option<f64>,
        /// How many of them.
        require: Require,
    },
    /// Several triggers, in this order.
    Sequence {
        /// The triggers.
        triggers: Vec<Trigger>,
        /// Within how many seconds; none means any time.
        within: Option<f64>,
    },
}

/// Says what an automation does.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Action {
    /// Creates a run of a deployment.
    RunDeployment {
        /// Always `selected`: the deployment named here.
        source: &'static str,
        /// The deployment.
        deployment_id: Uuid,
        /// Parameters, in which `{{ event... }}` is rendered; none means the deployment's own.
        parameters: Option<JsonObject>,
        /// Variables of the infrastructure's template.
        job_variables: Option<JsonObject>,
        /// How many seconds after the trigger the run is scheduled.
        schedule_after: f64,
    },
}

/// Creates an automation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AutomationCreate {
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// Whether it is evaluated.
    pub enabled: bool,
    /// Tags.
    pub tags: Vec<String>,
    /// What fires it.
    pub trigger: Trigger,
    /// What it does then.
    pub actions: Vec<Action>,
    /// The resource it belongs to, such as `prefect.deployment.<uuid>`, and is deleted with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_resource: Option<String>,
}

/// Describes an automation, as far as it is used.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Automation {
    /// The id.
    pub id: Uuid,
    /// The name.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_automation_has_the_recorded_shape() {
        let id: Uuid = "620f6264-53d3-4cb7-8b73-0bbe4a9f4003".parse().expect("valid");
        let create = AutomationCreate {
            name: "trig-1".into(),
            description: String::new(),
            enabled: true,
            tags: Vec::new(),
            trigger: Trigger::Event(EventTrigger {
                matches: [("prefect.resource.id".to_owned(), vec!["some.res.*".to_owned()].into())].into(),
                expect: ["ext.event".to_owned()].into(),
                threshold: 1,
                ..EventTrigger::default()
            }),
            actions: vec![Action::RunDeployment {
                source: "selected",
                deployment_id: id,
                parameters: json!({"name": "{{ event.name }}"}).as_object().cloned(),
                job_variables: None,
                schedule_after: 0.0,
            }],
            owner_resource: Some(format!("prefect.deployment.{id}")),
        };
        // The recorded one has empty lists of further actions beside.
        assert_eq!(
            serde_json::to_value(create).expect("json"),
            json!({"name": "trig-1", "description": "", "enabled": true, "tags": [],
                "trigger": {"type": "event", "match": {"prefect.resource.id": "some.res.*"}, "match_related": {},
                    "after": [], "expect": ["ext.event"], "for_each": [], "posture": "Reactive", "threshold": 1,
                    "within": 0.0},
                "actions": [{"type": "run-deployment", "source": "selected", "deployment_id": id,
                    "parameters": {"name": "{{ event.name }}"}, "job_variables": null, "schedule_after": 0.0}],
                "owner_resource": format!("prefect.deployment.{id}")})
        );
    }

    #[test]
    fn triggers_of_triggers_say_how_many() {
        let any = Trigger::Compound { triggers: vec![], within: Some(60.0), require: Require::Word(RequireWord::Any) };
        assert_eq!(
            serde_json::to_value(any).expect("json"),
            json!({"type": "compound", "triggers": [], "within": 60.0, "require": "any"})
        );
        let two = Trigger::Compound { triggers: vec![], within: None, require: Require::Count(2) };
        assert_eq!(serde_json::to_value(two).expect("json")["require"], 2);
        let sequence = Trigger::Sequence { triggers: vec![], within: None };
        assert_eq!(
            serde_json::to_value(sequence).expect("json"),
            json!({"type": "sequence", "triggers": [], "within": null})
        );
    }
}
