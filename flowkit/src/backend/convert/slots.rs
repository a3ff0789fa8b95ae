//! What happened to slots of a concurrency limit, as the event that the server keeps. Pure.

use flowkit_client::model as wire;

use super::Known;
use crate::slots::Taker;

/// Makes the event. `flow_run` is the flow run that has taken the slots, `all` are the limits of which they were taken.
pub(crate) fn slots_event(
    what: &str,
    limit: &wire::LimitRef,
    all: &[wire::LimitRef],
    slots: u32,
    taker: &Taker,
    flow_run: Option<&Known>,
) -> wire::Event {
    let id = |limit: &wire::LimitRef| format!("prefect.concurrency-limit.{}", limit.id);
    let resource = wire::Resource::new(id(limit))
        .name(&limit.name)
        .label("slots-acquired", slots.to_string())
        .label("limit", limit.limit.to_string());
    let mut event = wire::Event::new(format!("prefect.concurrency-limit.{what}"), resource);
    let others = all.iter().filter(|other| other.id != limit.id);
    event.related = others.map(|other| wire::RelatedResource::new("concurrency-limit", id(other))).collect();
    let task = taker.task.as_ref();
    event.related.extend(
        task.map(|run| wire::RelatedResource::new("task-run", format!("prefect.task-run.{}", run.id)).name(run.name())),
    );
    if let (Some(known), Some(run)) = (flow_run, &taker.flow) {
        event.related.extend(known.related(run.def.name));
    }
    event
}
