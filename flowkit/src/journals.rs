//! What a place that keeps runs on disk can be asked so that a run goes on after its process has died: the port that
//! resumable flows go through.

use futures::future::BoxFuture;
use serde_json::Value;

use crate::backend::{Existing, NewFlowRun};
use crate::codec::ResultCodec;
use crate::error::Error;
use crate::id::FlowRunId;
use crate::run::FlowRun;
use std::sync::Arc;

/// A call as a flow run has made it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Asked {
    /// Stands for the call in every attempt.
    pub(crate) slot: u128,
    /// The call in whose body it was made; 0 for the flow itself.
    pub(crate) within: u128,
    /// How many calls of the flow run were made before.
    pub(crate) position: u32,
    /// What was called, for people.
    pub(crate) label: String,
}

/// What a call has given, written down.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Written {
    pub(crate) codec: ResultCodec,
    pub(crate) text: String,
}

/// A call that was read back.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Recorded {
    pub(crate) asked: Asked,
    /// What it gave, if it has finished.
    pub(crate) value: Option<Written>,
    /// The subflow run that was begun for it.
    pub(crate) subflow: Option<FlowRunId>,
}

/// A place that keeps the calls of resumable flow runs. What is noted is noted in this order, and at once for whoever
/// reads it in a later process.
pub(crate) trait Journals: Send + Sync {
    /// Notes a call.
    fn asked(&self, run: FlowRunId, asked: Asked);

    /// Notes what a call has given.
    fn finished(&self, run: FlowRunId, slot: u128, value: Written);

    /// Notes the subflow run that was begun for a call.
    fn begun(&self, run: FlowRunId, slot: u128, subflow: FlowRunId);

    /// Waits until everything noted so far outlives the machine, if the place is to be that careful.
    fn settled(&self) -> BoxFuture<'_, ()>;

    /// Lists the calls of a run of an earlier process.
    fn read(&self, run: FlowRunId) -> BoxFuture<'_, Result<Vec<Recorded>, Error>>;

    /// Finds the newest run of the flow with these parameters that its process has left under way.
    fn interrupted(&self, flow: String, parameters: Value) -> BoxFuture<'_, Result<Option<Existing>, Error>>;

    /// Lists all runs that their process has left under way, the oldest first; no subflow runs.
    fn all_interrupted(&self) -> BoxFuture<'_, Result<Vec<FlowRunId>, Error>>;

    /// Reads a run of an earlier process.
    fn find(&self, run: FlowRunId) -> BoxFuture<'_, Result<Existing, Error>>;

    /// Takes over a run of an earlier process, or brings back one that has ended.
    fn revive(&self, existing: Existing, new: NewFlowRun) -> Arc<FlowRun>;
}
