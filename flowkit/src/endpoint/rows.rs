//! What there is to list, with the fields that filters can look at.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::filter::{Field, Member, Members, Row};
use super::program::Program;
use super::show;
use crate::clock::Timestamp;
use crate::deploy::DeploymentDetails;
use crate::event::LogRecord;
use crate::id::id_of;
use crate::run::{FlowRun, TaskRun};

pub(super) const FLOW: Members = &[("id", Member::Id), ("name", Member::Text), ("tags", Member::Tags)];

pub(super) const DEPLOYMENT: Members = &[
    ("id", Member::Id),
    ("name", Member::Text),
    ("flow_or_deployment_name", Member::Text),
    ("tags", Member::Tags),
    ("paused", Member::Flag),
    ("work_queue_name", Member::Text),
];

pub(super) const FLOW_RUN: Members = &[
    ("id", Member::Id),
    ("name", Member::Text),
    ("tags", Member::Tags),
    ("deployment_id", Member::Id),
    ("state", Member::State),
    ("flow_version", Member::Text),
    ("start_time", Member::Time),
    ("end_time", Member::Time),
    ("expected_start_time", Member::Time),
    ("next_scheduled_start_time", Member::Time),
    ("parent_flow_run_id", Member::Id),
    ("parent_task_run_id", Member::Id),
    ("work_queue_name", Member::Text),
];

pub(super) const TASK_RUN: Members = &[
    ("id", Member::Id),
    ("name", Member::Text),
    ("tags", Member::Tags),
    ("state", Member::State),
    ("start_time", Member::Time),
    ("end_time", Member::Time),
    ("expected_start_time", Member::Time),
    ("flow_run_id", Member::Id),
];

pub(super) const LOG: Members =
    &[("level", Member::Number), ("timestamp", Member::Time), ("flow_run_id", Member::Id), ("task_run_id", Member::Id)];

/// A flow that has a deployment or a run.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct FlowRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) created: Timestamp,
}

/// All flows that there is something of, in the order of their names.
pub(super) fn flows(program: &dyn Program) -> Vec<FlowRow> {
    let history = program.history();
    let mut first: HashMap<String, Timestamp> = HashMap::new();
    for deployment in history.deployments() {
        first.entry(deployment.flow_name).or_insert(deployment.created);
    }
    for run in history.flow_runs() {
        if !first.contains_key(run.flow_name()) {
            let created = run.track.with(|states| states.first().map(crate::state::State::timestamp));
            first.insert(run.flow_name().to_owned(), created.unwrap_or(program.since()));
        }
    }
    let mut flows: Vec<FlowRow> =
        first.into_iter().map(|(name, created)| FlowRow { id: id_of("flow", &name), name, created }).collect();
    flows.sort_by(|one, other| one.name.cmp(&other.name));
    flows
}

/// The flow of a run or of a deployment, as filters see it.
#[derive(Debug)]
pub(super) struct FlowNamed<'a>(pub(super) &'a str);

impl Row for FlowNamed<'_> {
    fn field(&self, member: &str) -> Field<'_> {
        match member {
            "id" => Field::Id(id_of("flow", self.0)),
            "name" => Field::text(self.0),
            "tags" => Field::Tags(&[]),
            _ => Field::Nothing,
        }
    }
}

impl Row for DeploymentDetails {
    fn field(&self, member: &str) -> Field<'_> {
        match member {
            "id" => Field::Id(self.id),
            "name" => Field::text(&self.name),
            // Nothing that somebody looks for goes beyond a line.
            "flow_or_deployment_name" => Field::text(format!("{}\n{}", self.flow_name, self.name)),
            "tags" => Field::Tags(&self.tags),
            "paused" => Field::Flag(self.paused),
            _ => Field::Nothing,
        }
    }
}

impl Row for Arc<FlowRun> {
    fn field(&self, member: &str) -> Field<'_> {
        match member {
            "id" => Field::id(Some(self.id.uuid())),
            "name" => Field::text(&self.name),
            "tags" => Field::Tags(&self.tags),
            "deployment_id" => Field::id(self.deployment().map(|deployment| deployment.id)),
            "state.type" => Field::text(self.state().state_type().as_str()),
            "state.name" => Field::text(self.state().name().to_owned()),
            "flow_version" => Field::text(self.flow_version()),
            "start_time" => Field::time(self.start_time()),
            "end_time" => Field::time(self.effort().end_time),
            "expected_start_time" => Field::time(self.scheduled_start_time()),
            "next_scheduled_start_time" => Field::time(show::next_scheduled(&self.state())),
            "parent_flow_run_id" => Field::id(self.parent_flow_run_id().map(crate::id::FlowRunId::uuid)),
            "parent_task_run_id" => Field::id(self.parent_task_run.map(crate::id::TaskRunId::uuid)),
            _ => Field::Nothing,
        }
    }
}

impl Row for Arc<TaskRun> {
    fn field(&self, member: &str) -> Field<'_> {
        match member {
            "id" => Field::id(Some(self.id.uuid())),
            "name" => Field::text(self.name()),
            "tags" => Field::Tags(self.tags()),
            "state.type" => Field::text(self.state().state_type().as_str()),
            "state.name" => Field::text(self.state().name().to_owned()),
            "start_time" => Field::time(self.start_time()),
            "end_time" => Field::time(self.effort().end_time),
            "expected_start_time" => Field::time(self.effort().expected_start_time),
            "flow_run_id" => Field::id(self.flow_run().map(|run| run.id.uuid())),
            _ => Field::Nothing,
        }
    }
}

impl Row for LogRecord {
    fn field(&self, member: &str) -> Field<'_> {
        match member {
            "level" => Field::Number(self.level as i64),
            "timestamp" => Field::Time(self.timestamp),
            "flow_run_id" => Field::id(self.flow_run_id.map(crate::id::FlowRunId::uuid)),
            "task_run_id" => Field::id(self.task_run_id.map(crate::id::TaskRunId::uuid)),
            _ => Field::Nothing,
        }
    }
}
