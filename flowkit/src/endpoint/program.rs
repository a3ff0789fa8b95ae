//! What the endpoint asks of the program behind it.

use futures::future::BoxFuture;

use crate::backend::History;
use crate::clock::Timestamp;
use crate::deploy::Deploy;
use crate::error::Error;
use crate::id::FlowRunId;
use crate::state::State;

/// The program that has an endpoint, or rather what it reports to.
pub(crate) trait Program: Send + Sync + 'static {
    /// Lends the runs, logs and deployments.
    fn history(&self) -> &dyn History;

    /// Lends the place that keeps the deployments.
    fn deploy(&self) -> &dyn Deploy;

    /// Cancels a flow run, with everything below it, and gives the state that it is in then.
    fn cancel(&self, run: FlowRunId) -> BoxFuture<'_, Result<State, Error>>;

    /// Tells since when there is an endpoint.
    fn since(&self) -> Timestamp;

    /// Tells whether the program is about to end, so that it starts nothing new.
    fn is_ending(&self) -> bool;
}
