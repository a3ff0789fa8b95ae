//! Follows assets from the tasks that make them to those that use them, and tells what became of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use crate::asset::{Asset, AssetEvent, AssetsDef};
use crate::backend::Backend;
use crate::clock;
use crate::engine::context::FlowScope;
use crate::event::Event;
use crate::id::TaskRunId;
use crate::run::{TaskInput, TaskRun, lock};
use crate::state::{State, StateName};

/// Which assets the task runs of a flow run pass on with their results. Empty, and next to free, where no task of the
/// flow says anything about assets.
#[derive(Debug, Default)]
pub(crate) struct Trail(OnceLock<Mutex<HashMap<TaskRunId, Arc<[Asset]>>>>);

/// Notes what a run, whose arguments are there, makes its assets of, and what it passes on itself.
pub(super) fn follow(run: &TaskRun, scope: Option<&FlowScope>) {
    let def = run.def.assets;
    let trail = scope.map(|scope| &scope.assets);
    let known = trail.and_then(|trail| trail.0.get());
    if def.is_none() && known.is_none() {
        return;
    }
    let mut upstream = Vec::new();
    if let Some(known) = known {
        let known = lock(known);
        for (_, runs) in run.inputs().iter().filter(|(name, _)| *name != "__parents__") {
            let assets = runs.iter().filter_map(|origin| match origin {
                TaskInput::TaskRun(id) => known.get(id),
                TaskInput::FlowRun(_) => None,
            });
            assets.for_each(|assets| add(&mut upstream, assets));
        }
    }
    if let Some(def) = def {
        add(&mut upstream, def.deps);
    }
    let passed_on: Arc<[Asset]> = match def {
        Some(AssetsDef { materializes: made @ [_, ..], .. }) => Arc::from(*made),
        _ => Arc::from(&upstream[..]),
    };
    if let (Some(trail), false) = (trail, passed_on.is_empty()) {
        lock(trail.0.get_or_init(Mutex::default)).insert(run.id, passed_on);
    }
    if let Some(notes) = run.extra.as_ref().and_then(|extra| extra.assets.as_ref()) {
        let _ = notes.upstream.set(upstream);
    }
}

fn add(all: &mut Vec<Asset>, more: &[Asset]) {
    for asset in more {
        if !all.iter().any(|known| known.key() == asset.key()) {
            all.push(*asset);
        }
    }
}

/// Tells what has become of the assets that a run makes. One that was not run, or whose result was found, made none.
pub(super) fn tell(run: &Arc<TaskRun>, backend: &dyn Backend) {
    let Some(def) = run.def.assets.filter(|def| !def.materializes.is_empty()) else { return };
    let Some(notes) = run.extra.as_ref().and_then(|extra| extra.assets.as_ref()) else { return };
    let Some(event) = what_happened(&run.state()) else { return };
    let upstream = notes.upstream.get().cloned().unwrap_or_default();
    let of = |event, asset: &Asset| AssetEvent {
        id: uuid::Uuid::now_v7(),
        occurred: clock::now(),
        event,
        asset: *asset,
        upstream: Vec::new(),
        materialized_by: None,
        metadata: None,
        task_run: Arc::clone(run),
    };
    for asset in &upstream {
        backend.emit(Event::Asset(Box::new(of("prefect.asset.referenced", asset))));
    }
    for asset in def.materializes {
        let metadata = lock(&notes.metadata).get(asset.key()).cloned();
        let made = AssetEvent { upstream: upstream.clone(), materialized_by: def.by, metadata, ..of(event, asset) };
        backend.emit(Event::Asset(Box::new(made)));
    }
}

fn what_happened(state: &State) -> Option<&'static str> {
    if state.is(StateName::Cached) {
        None
    } else if state.is_failed() {
        Some("prefect.asset.materialization.failed")
    } else if state.is_completed() {
        Some("prefect.asset.materialization.succeeded")
    } else {
        None
    }
}
