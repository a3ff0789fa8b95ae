//! What outlives a process that keeps deployments itself: plain data, and the port of whoever keeps it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Known;
#[cfg(feature = "embedded")]
use crate::backend::Existing;
use crate::clock::Timestamp;
use crate::id::FlowRunId;
use crate::run::FlowRun;
#[cfg(feature = "embedded")]
use crate::schedule::Schedule;
use crate::state::State;

/// A deployment as it is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct KeptDeployment {
    pub(crate) id: Uuid,
    pub(crate) flow: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) version: String,
    pub(crate) tags: Vec<String>,
    pub(crate) parameters: Map<String, Value>,
    pub(crate) schema: Map<String, Value>,
    pub(crate) enforce_schema: bool,
    pub(crate) schedules: Vec<KeptSchedule>,
    pub(crate) paused: bool,
    /// Whether the program says that it is to be paused.
    pub(crate) said_paused: bool,
    /// Whether it is paused because nobody serves it any more.
    pub(crate) left: bool,
    pub(crate) concurrency_limit: Option<u32>,
    pub(crate) entrypoint: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// A schedule as it is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct KeptSchedule {
    pub(crate) id: Uuid,
    pub(crate) slug: Option<String>,
    /// `cron`, `interval` or `rrule` with its own fields, in Prefect's form.
    pub(crate) rule: Map<String, Value>,
    pub(crate) parameters: Map<String, Value>,
    pub(crate) active: bool,
    /// Whether the program says that it is active.
    pub(crate) said_active: bool,
}

impl KeptSchedule {
    pub(crate) fn known(&self) -> Known<'_> {
        Known { slug: self.slug.as_deref(), rule: &self.rule, parameters: &self.parameters }
    }

    /// The dates after one, up to now, the oldest first; none if the rule is not understood.
    #[cfg(feature = "embedded")]
    pub(crate) fn dates(&self, after: Timestamp, now: Timestamp) -> impl Iterator<Item = Timestamp> + use<> {
        let dates = Schedule::of_rule(&self.rule).and_then(|schedule| schedule.dates_from(after).ok());
        dates.into_iter().flatten().skip_while(move |date| *date <= after).take_while(move |date| *date <= now)
    }
}

/// A run that has not begun, as it is kept.
#[cfg(feature = "embedded")]
#[derive(Clone, Debug)]
pub(crate) struct KeptRun {
    /// What is known of it, its deployment included.
    pub(crate) run: Existing,
    /// All its states.
    pub(crate) states: Vec<State>,
    /// The schedule that has made it.
    pub(crate) schedule: Option<Uuid>,
    pub(crate) due: Timestamp,
}

/// What an earlier process has left of a deployment.
#[cfg(feature = "embedded")]
#[derive(Clone, Debug)]
pub(crate) struct Before {
    pub(crate) deployment: KeptDeployment,
    /// Its runs that had not begun.
    pub(crate) waiting: Vec<KeptRun>,
    /// The dates to come of its schedules whose runs wait no longer, or are not to be.
    pub(crate) gone: Vec<(Uuid, Timestamp)>,
}

/// Why a run waits.
#[cfg_attr(not(feature = "embedded"), expect(dead_code, reason = "only a file is told"))]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cause<'a> {
    /// The schedule that has made it.
    pub(crate) schedule: Option<Uuid>,
    /// The idempotency key that it was started with.
    pub(crate) key: Option<&'a str>,
}

/// Keeps what a process knows of its deployments beyond the end of the process. It is told in the order in which things
/// happen, with locks held: nothing in it may take long.
pub(crate) trait Keeper: Send + Sync + fmt::Debug {
    /// A deployment is so from now on.
    fn deployment(&self, deployment: KeptDeployment);

    /// A run waits for its time, or for somebody to begin it.
    fn waits(&self, run: &Arc<FlowRun>, due: Timestamp, cause: Cause<'_>);

    /// A run that no engine has entered a state.
    fn entered(&self, run: &Arc<FlowRun>, state: &State);

    /// A run that had not begun is not to be, and never was.
    fn forgotten(&self, run: FlowRunId);
}
