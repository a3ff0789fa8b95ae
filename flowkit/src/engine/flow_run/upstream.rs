//! Waiting for what a flow run depends on.

use crate::engine::flow_run::LiveFlow;
use crate::engine::transition::Fact;
use crate::engine::wait;
use crate::error::{Error, ErrorKind};

impl<T: Send + 'static> LiveFlow<T> {
    /// Waits for the runs that the call has named. If one of them has not completed, this run never starts.
    pub(super) async fn wait_for_upstream(&mut self) -> Result<(), Error> {
        let mut dependencies = std::mem::take(&mut self.job.wait_for);
        if dependencies.is_empty() {
            return Ok(());
        }
        let cancel = self.context.cancel.clone();
        match cancel.run_until_cancelled(wait::all(&mut dependencies)).await {
            // A run that was cancelled meanwhile ends when it would start.
            Some(Ok(())) | None => Ok(()),
            Some(Err(error)) => {
                self.conclude(Fact::UpstreamFailed { message: format!("{error}.") }).await?;
                Err(self.error(ErrorKind::NotReady, "was not started").with_source(error))
            }
        }
    }
}
