//! The hooks of runs whose process was gone before it could call them.

use std::sync::Arc;

use crate::engine::context::{Context, Ports};
use crate::engine::hooks;
use crate::id::FlowRunId;
use crate::registry;
use crate::retry_delay::Delays;
use crate::run::{FlowRun, Track};

/// Calls the hooks of the state that a run has ended in, with what is known of the run.
pub(super) async fn call(ports: &Arc<Ports>, run: FlowRunId) {
    let Ok(existing) = ports.backend.find_flow_run(run).await else { return };
    let Ok(entry) = registry::named(&existing.flow) else { return };
    let Some(of_flow) = entry.def.hooks else { return };
    let track = Track::default();
    track.push(existing.state);
    let run = Arc::new(FlowRun {
        id: existing.id,
        def: entry.def,
        name: existing.name,
        flow_id: existing.flow_id,
        parameters: existing.parameters,
        tags: existing.tags,
        retries: 0,
        retry_delay: Delays::default(),
        parent_task_run: existing.parent_task_run,
        background: existing.background,
        track,
    });
    Context::outside(Arc::clone(ports)).scope(hooks::of_flow(of_flow, &run)).await;
}
