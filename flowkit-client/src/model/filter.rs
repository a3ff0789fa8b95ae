//! Filters: what a query picks. Conditions of one filter must all hold; values of one condition are alternatives.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{ResourceSpec, StateType, timestamp};

/// The condition of the API "is one of these".
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Any<T> {
    any_: Vec<T>,
}

fn any<T>(values: impl IntoIterator<Item = T>) -> Option<Any<T>> {
    Some(Any { any_: values.into_iter().collect() })
}

fn texts<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Option<Any<String>> {
    any(values.into_iter().map(Into::into))
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct StateFilter {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<Any<StateType>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Any<String>>,
}

/// The condition of the API "made by one of these".
#[derive(Debug, Clone, PartialEq, Serialize)]
struct CreatedBy {
    id_: Vec<Uuid>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Before {
    #[serde(with = "timestamp")]
    before_: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct All {
    all_: Vec<String>,
}

/// Picks flows. The default picks all.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FlowFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Any<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Any<String>>,
}

impl FlowFilter {
    /// Picks by id.
    #[must_use]
    pub fn ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.id = any(ids);
        self
    }

    /// Picks by name.
    #[must_use]
    pub fn names<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.name = texts(names);
        self
    }
}

/// Picks flow runs. The default picks all.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FlowRunFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Any<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Any<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<All>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<StateFilter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment_id: Option<Any<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_flow_run_id: Option<Any<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_task_run_id: Option<Any<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<Any<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<CreatedBy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_start_time: Option<Before>,
}

impl FlowRunFilter {
    /// Picks by id.
    #[must_use]
    pub fn ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.id = any(ids);
        self
    }

    /// Picks by name.
    #[must_use]
    pub fn names<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.name = texts(names);
        self
    }

    /// Picks runs that have all of these tags.
    #[must_use]
    pub fn all_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = Some(All { all_: tags.into_iter().map(Into::into).collect() });
        self
    }

    /// Picks by the type of the current state.
    #[must_use]
    pub fn state_types(mut self, kinds: impl IntoIterator<Item = StateType>) -> Self {
        self.state.get_or_insert_default().kind = any(kinds);
        self
    }

    /// Picks by the name of the current state.
    #[must_use]
    pub fn state_names<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.state.get_or_insert_default().name = texts(names);
        self
    }

    /// Picks by the deployment the run was started from.
    #[must_use]
    pub fn deployment_ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.deployment_id = any(ids);
        self
    }

    /// Picks the subflow runs of these flow runs.
    #[must_use]
    pub fn parent_flow_run_ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.parent_flow_run_id = any(ids);
        self
    }

    /// Picks the subflow runs that these task runs stand for.
    #[must_use]
    pub fn parent_task_run_ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.parent_task_run_id = any(ids);
        self
    }

    /// Picks by what made creating the run idempotent.
    #[must_use]
    pub fn idempotency_keys<T: Into<String>>(mut self, keys: impl IntoIterator<Item = T>) -> Self {
        self.idempotency_key = texts(keys);
        self
    }

    /// Picks by who made the run, such as a schedule of a deployment.
    #[must_use]
    pub fn creators(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.created_by = Some(CreatedBy { id_: ids.into_iter().collect() });
        self
    }

    /// Picks runs that should start at a time or before.
    #[must_use]
    pub fn expected_before(mut self, time: DateTime<Utc>) -> Self {
        self.expected_start_time = Some(Before { before_: time });
        self
    }
}

/// Picks task runs. The default picks all.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TaskRunFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Any<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Any<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<StateFilter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_run_id: Option<Any<Uuid>>,
}

impl TaskRunFilter {
    /// Picks by id.
    #[must_use]
    pub fn ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.id = any(ids);
        self
    }

    /// Picks by name.
    #[must_use]
    pub fn names<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.name = texts(names);
        self
    }

    /// Picks by the type of the current state.
    #[must_use]
    pub fn state_types(mut self, kinds: impl IntoIterator<Item = StateType>) -> Self {
        self.state.get_or_insert_default().kind = any(kinds);
        self
    }

    /// Picks by the name of the current state.
    #[must_use]
    pub fn state_names<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.state.get_or_insert_default().name = texts(names);
        self
    }

    /// Picks by the flow run the task run belongs to.
    #[must_use]
    pub fn flow_run_ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.flow_run_id = any(ids);
        self
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct AtLeast {
    ge_: u8,
}

/// Picks lines of run logs. The default picks all.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LogFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<AtLeast>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_run_id: Option<Any<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_run_id: Option<Any<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Between>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Between {
    #[serde(with = "timestamp")]
    after_: DateTime<Utc>,
    #[serde(with = "timestamp")]
    before_: DateTime<Utc>,
}

impl LogFilter {
    /// Picks lines that were written in this time, both ends included.
    #[must_use]
    pub fn between(mut self, first: DateTime<Utc>, last: DateTime<Utc>) -> Self {
        self.timestamp = Some(Between { after_: first, before_: last });
        self
    }

    /// Picks lines of this level or worse.
    #[must_use]
    pub fn min_level(mut self, level: u8) -> Self {
        self.level = Some(AtLeast { ge_: level });
        self
    }

    /// Picks by flow run.
    #[must_use]
    pub fn flow_run_ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.flow_run_id = any(ids);
        self
    }

    /// Picks by task run.
    #[must_use]
    pub fn task_run_ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.task_run_id = any(ids);
        self
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct NameFilter {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    name: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prefix: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Ids<T> {
    id: Vec<T>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct ResourceFilter {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    id: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: ResourceSpec,
}

/// Holds the order in which events are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Order {
    Asc,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Occurred {
    #[serde(with = "timestamp")]
    since: DateTime<Utc>,
    #[serde(with = "timestamp")]
    until: DateTime<Utc>,
}

/// Picks events, newest first unless it says otherwise. The default picks those of the server's default span, about the last week.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct EventFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred: Option<Occurred>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<NameFilter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<ResourceFilter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    related: Option<ResourceFilter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Ids<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Order>,
}

impl EventFilter {
    /// Picks by the name of the event.
    #[must_use]
    pub fn names<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.event.get_or_insert_default().name = names.into_iter().map(Into::into).collect();
        self
    }

    /// Picks by how the name of the event begins, such as `prefect.task-run.`.
    #[must_use]
    pub fn prefixes<T: Into<String>>(mut self, prefixes: impl IntoIterator<Item = T>) -> Self {
        self.event.get_or_insert_default().prefix = prefixes.into_iter().map(Into::into).collect();
        self
    }

    /// Picks by the resource it happened to.
    #[must_use]
    pub fn resource_ids<T: Into<String>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.resource.get_or_insert_default().id = ids.into_iter().map(Into::into).collect();
        self
    }

    /// Picks by labels of the resource it happened to.
    #[must_use]
    pub fn resource_labels(mut self, labels: ResourceSpec) -> Self {
        self.resource.get_or_insert_default().labels = labels;
        self
    }

    /// Picks by labels of a resource it is related to. The server heeds it where it lists events, and not where it pushes
    /// them.
    #[must_use]
    pub fn related_labels(mut self, labels: ResourceSpec) -> Self {
        self.related.get_or_insert_default().labels = labels;
        self
    }

    /// Lists the oldest first.
    #[must_use]
    pub fn oldest_first(mut self) -> Self {
        self.order = Some(Order::Asc);
        self
    }

    /// Picks by id.
    #[must_use]
    pub fn ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.id = Some(Ids { id: ids.into_iter().collect() });
        self
    }

    /// Picks by when it happened.
    #[must_use]
    pub fn between(mut self, since: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        self.occurred = Some(Occurred { since, until });
        self
    }
}
