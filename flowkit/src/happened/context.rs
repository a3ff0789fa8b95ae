//! An event that a program tells, and the runs in which it does.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::{Event, MOST_RELATED, Resource};
use crate::run::{FlowRun, TaskRun};

/// An event, and the runs that have told it: what these are called is known when it is handed on.
#[derive(Clone, Debug)]
pub(crate) struct Emitted {
    pub(crate) event: Event,
    pub(crate) flow_run: Option<Arc<FlowRun>>,
    pub(crate) task_run: Option<Arc<TaskRun>>,
}

/// What the flow run at hand is called.
#[derive(Clone, Debug)]
pub(crate) struct Around {
    pub(crate) flow_run: Uuid,
    pub(crate) name: String,
    pub(crate) flow: Uuid,
}

impl Around {
    /// What it is called in this process.
    pub(crate) fn of(run: &FlowRun) -> Self {
        Self { flow_run: run.id.uuid(), name: run.name.clone(), flow: run.flow_id }
    }
}

impl Emitted {
    /// The event as it is in this process.
    pub(crate) fn here(&self) -> Event {
        self.within(self.flow_run.as_ref().map(|run| Around::of(run)).as_ref())
    }

    /// The event, related to the run at hand, its flow and its deployment, and to the tags of runs: as Prefect's client
    /// does it. What it names itself is not named again.
    pub(crate) fn within(&self, around: Option<&Around>) -> Event {
        let mut event = self.event.clone();
        let (Some(around), Some(run)) = (around, &self.flow_run) else { return event };
        let mut related = vec![resource("flow-run", around.flow_run).name(&around.name)];
        related.extend(self.task_run.as_ref().map(|task| resource("task-run", task.id.uuid()).name(task.name())));
        related.push(resource("flow", around.flow).name(run.flow_name()));
        related.extend(run.deployment().map(|of| resource("deployment", of.id).name(&of.name)));
        let of_task = self.task_run.iter().flat_map(|task| task.tags());
        let tags: BTreeSet<&String> = run.tags.iter().chain(of_task).collect();
        related.extend(tags.into_iter().map(|tag| tagged(tag)));
        let named: HashSet<String> =
            std::iter::once(&event.resource).chain(&event.related).map(|one| one.id().to_owned()).collect();
        let room = MOST_RELATED.saturating_sub(event.related.len());
        event.related.extend(related.into_iter().filter(|one| !named.contains(one.id())).take(room));
        event
    }
}

/// Something of Prefect's, in the role that is its kind.
pub(super) fn resource(kind: &str, id: Uuid) -> Resource {
    Resource::new(format!("prefect.{kind}.{id}")).with_role(kind)
}

/// A tag, in the role of one.
pub(super) fn tagged(tag: &str) -> Resource {
    Resource::new(format!("prefect.tag.{tag}")).with_role("tag")
}
