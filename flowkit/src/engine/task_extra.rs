//! The rarer parts of a task run's record: most runs have none.

use std::sync::OnceLock;

use crate::engine::context::Context;
use crate::engine::task_run::TaskJob;
use crate::options::{self, Effective};
use crate::run::{Adopted, TaskExtra};

/// Makes what this run has of them.
pub(super) fn of<T>(
    job: &TaskJob<T>,
    effective: &Effective,
    ambient: &Context,
    adopted: Option<Box<Adopted>>,
) -> Option<Box<TaskExtra>> {
    let has_assets = job.def.assets.is_some();
    let is_named = effective.run_name.is_some() || job.body.is_named();
    let plain = job.overrides.is_none() && job.def.options.tags.is_empty() && ambient.tags.is_none();
    if adopted.is_none()
        && plain
        && !job.body.has_inputs()
        && job.wait_for.is_empty()
        && effective.retries == 0
        && !is_named
        && !has_assets
    {
        return None;
    }
    let tags = match &adopted {
        Some(adopted) => adopted.tags.clone(),
        None => ambient.with_scoped(options::tags(job.overrides.as_deref(), &job.def.options)),
    };
    let known = adopted.as_ref().filter(|adopted| !adopted.inputs.is_empty()).map(|adopted| adopted.inputs.clone());
    Some(Box::new(TaskExtra {
        name: OnceLock::new(),
        tags,
        inputs: known.map_or_else(OnceLock::new, OnceLock::from),
        retries: effective.retries,
        retry_delays: effective.retry_delay.reported(effective.retries),
        retry_jitter_factor: effective.retry_jitter_factor,
        assets: has_assets.then(Box::default),
        adopted,
        of_map: job.overrides.as_ref().and_then(|call| call.of_map.clone()),
    }))
}
