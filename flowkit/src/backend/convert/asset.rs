//! What happened to an asset, as the event that the server keeps. Pure.

use std::collections::BTreeSet;

use flowkit_client::model as wire;

use super::Known;
use crate::asset::AssetEvent;

/// An event may name this many resources beside its own.
const MAX_RELATED: usize = 100;

/// Makes the event. `flow_run` is the flow run that the task run belongs to.
pub(crate) fn asset_event(told: &AssetEvent, flow_run: Option<&Known>) -> wire::Event {
    let resource = wire::Resource::new(told.asset.key());
    let resource =
        told.asset.labels().into_iter().fold(resource, |resource, (label, value)| resource.label(label, value));
    let mut event = wire::Event::new(told.event, resource);
    event.id = told.id;
    event.occurred = told.occurred.to_utc();
    let run = &told.task_run;
    let mut related: Vec<wire::RelatedResource> =
        told.upstream.iter().map(|asset| wire::RelatedResource::new("asset", asset.key())).collect();
    related.extend(told.materialized_by.map(|tool| wire::RelatedResource::new("asset-materialized-by", tool)));
    if let (Some(known), Some(flow_run)) = (flow_run, &run.flow_run) {
        let [of_flow_run, of_flow] = known.related(flow_run.def.name);
        let task = wire::RelatedResource::new("task-run", format!("prefect.task-run.{}", run.id)).name(run.name());
        related.extend([of_flow_run, task, of_flow]);
        let tags: BTreeSet<&String> = flow_run.tags.iter().chain(run.tags()).collect();
        related.extend(tags.into_iter().map(|tag| wire::RelatedResource::tag(tag)));
    }
    related.truncate(MAX_RELATED);
    event.related = related;
    event.payload = told.metadata.clone().unwrap_or_default();
    event
}
