//! A flow run that waits for what others give it.

use std::time::Duration;

use crate::clock;
use crate::engine::context::Context;
use crate::error::{Error, ErrorKind};
use crate::interact::Given;
use crate::run::lock;

/// What a flow run would like to receive.
#[derive(Clone, Debug)]
pub(crate) struct Receive {
    /// What the keys begin with.
    pub(crate) prefix: String,
    /// How long to wait.
    pub(crate) timeout: Duration,
    /// How long to wait before looking again, where nobody says that there is something.
    pub(crate) interval: Duration,
}

/// Waits for the first thing that the present attempt of the flow run has not received yet; `None` if none comes in time.
pub(crate) async fn receive(context: Option<&Context>, what: &Receive) -> Result<Option<Given>, Error> {
    let refuse =
        || Error::new(ErrorKind::Refused, "input can only be received by a flow run, and this code is in no flow");
    let context = context.ok_or_else(refuse)?;
    let scope = context.flow.as_ref().ok_or_else(refuse)?;
    let (interact, run) = (context.ports.backend.interact(), scope.run.id);
    let mut changes = interact.changes(run);
    let until = clock::now().after(what.timeout);
    loop {
        let left = until.since(clock::now());
        let received = lock(&scope.progress).received.clone();
        match interact.next_given(run, what.prefix.clone(), received).await {
            Ok(Some(given)) => {
                let mut progress = lock(&scope.progress);
                // Somebody else in the run may have taken it meanwhile.
                if !progress.received.contains(&given.key) {
                    progress.received.push(given.key.clone());
                    return Ok(Some(given));
                }
                continue;
            }
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::Backend => {
                tracing::debug!(target: "flowkit::run", "{}", error.chain());
            }
            Err(error) => return Err(error),
        }
        if left.is_zero() {
            return Ok(None);
        }
        let _ = clock::within(left, changes.next(what.interval)).await;
    }
}
