//! The slots that a task run needs because of its tags.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::task_run::LiveTask;
use crate::engine::timers;
use crate::error::Error;
use crate::slots::{SlotMode, Taker, Wanted};

/// As in Prefect.
const LEASE: Duration = Duration::from_secs(60);

impl<T: Send + 'static> LiveTask<T> {
    /// Tells whether there may be limits for its tags.
    pub(super) fn may_need_slots(&self) -> bool {
        let is_tagged = self.run().extra.as_ref().is_some_and(|extra| !extra.tags.is_empty());
        is_tagged && self.context.ports.backend.slots().may_limit_tags()
    }

    /// Takes a slot of each limit that holds for the tags, and waits for it in the pending state.
    pub(super) async fn take_slots(&mut self) -> Result<(), Error> {
        let cancel = self.context.cancel.clone();
        match cancel.run_until_cancelled(self.wait_for_slots()).await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(self.refuse(error)),
            None => Err(self.cancelled()),
        }
    }

    async fn wait_for_slots(&mut self) -> Result<(), Error> {
        let ports = Arc::clone(&self.context.ports);
        let names = ports.backend.slots().limits_of_tags(self.run().tags()).await?;
        if names.is_empty() {
            return Ok(());
        }
        timers::check(format_args!("task `{}` waits for slots of a concurrency limit", self.job.def.name))?;
        let context = self.context.clone();
        let tell = |why: &str| tracing::warn!(target: "flowkit::run", "Slots are lost, others may take them: {why}");
        let wanted = Wanted {
            names,
            slots: 1,
            mode: SlotMode::Held,
            lease: LEASE,
            patience: None,
            taker: Taker { flow: context.flow_run().cloned(), task: Some(Arc::clone(self.run())) },
            on_loss: Arc::new(move |why| context.enter(|| tell(why))),
        };
        self.slots = ports.backend.slots().take(wanted).await?.hold;
        Ok(())
    }
}
