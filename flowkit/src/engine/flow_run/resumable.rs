//! Flow runs that go on after their process has died.

use std::sync::Arc;

use serde_json::Value;

use crate::backend::Existing;
use crate::def::FlowDef;
use crate::engine::context::{Context, Ports};
use crate::engine::flow_run::LiveFlow;
use crate::engine::journal::{Disk, Journal};
use crate::engine::transition::Fact;
use crate::error::Error;
use crate::id::FlowRunId;
use crate::options::Effective;
use crate::run::{FlowRun, lock};

/// Whether runs of the flow are to outlive the process, and can.
pub(super) fn is(effective: &Effective, ports: &Ports) -> bool {
    effective.resumable && ports.backend.journals().is_some()
}

/// Finds the run that an earlier process has left under way and that this call goes on with.
pub(super) async fn interrupted(
    def: &'static FlowDef,
    parameters: Value,
    ambient: &Context,
) -> Result<Option<Box<Existing>>, Error> {
    let Some(journals) = ambient.ports.backend.journals().filter(|_| ambient.flow.is_none()) else { return Ok(None) };
    Ok(journals.interrupted(def.name.to_owned(), parameters).await?.map(Box::new))
}

/// Makes the journal of a run, from what another run has left if there is one.
pub(super) async fn journal(
    run: &Arc<FlowRun>,
    done_by: Option<FlowRunId>,
    for_retries: bool,
    ambient: &Context,
) -> Result<Arc<Journal>, Error> {
    let ports = Arc::clone(&ambient.ports);
    let disk = match done_by {
        None => Disk::new(ports, run.id),
        Some(earlier) => Disk::read(ports, run.id, earlier).await?,
    };
    Ok(Arc::new(Journal::on_disk(disk, for_retries)))
}

/// Says that a run goes on, if it does.
pub(super) fn tell(context: &Context) {
    let disk = context.journal.as_ref().and_then(|place| place.journal.disk());
    if let Some(disk) = disk.filter(|disk| disk.is_resumed()) {
        let finished = disk.finished_before();
        tracing::info!(target: "flowkit::run", "Resuming where an earlier process has left it: {finished} of its calls have finished");
    }
}

impl<T: Send + 'static> LiveFlow<T> {
    /// Leaves a run that cannot go on as it is, for a program that can.
    pub(super) async fn leave_if_refused(&mut self) -> Result<(), Error> {
        let Some(refused) = lock(&self.scope.progress).refused.take() else { return Ok(()) };
        tracing::error!(target: "flowkit::run", "The flow run cannot be resumed: {refused}");
        self.conclude(Fact::Interrupted { message: refused.to_string() }).await?;
        self.record.left_alone = true;
        let why = format!("flow run '{}' cannot be resumed", self.run().name);
        Err(Error::new(refused.kind(), why).with_source(refused))
    }
}
