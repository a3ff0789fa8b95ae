//! Slots of concurrency limits: what a limit is, what is refused, and the port to where slots are counted.

mod lines;
mod refuse;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{FlowRunId, TaskRunId};
use crate::run::{FlowRun, TaskRun};

pub(crate) use lines::Lines;
pub(crate) use refuse::{bounds, check_decay, check_name, check_slots, exists, late, missing};

/// A named limit on how much goes on at once, or how often (Prefect's global concurrency limit).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConcurrencyLimit {
    /// The name. Limits called `tag:x` hold for task runs with the tag `x`.
    pub name: String,
    /// How many slots there are.
    pub limit: u32,
    /// Whether it limits anything at present.
    pub active: bool,
    /// How many taken slots come back by themselves in each second; 0 for none. A rate limit needs more than that.
    pub slot_decay_per_second: f64,
    /// How many slots are taken.
    pub active_slots: u32,
    /// When it was created.
    pub created: Timestamp,
    /// When it was changed last. A server counts it as a change that a slot is taken.
    pub updated: Timestamp,
}

/// Who holds slots of a concurrency limit.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SlotHolder {
    /// The flow run that holds them; `None` for code outside of any flow, and where a server does not tell.
    pub flow_run_id: Option<FlowRunId>,
    /// The task run that holds them, if it is one.
    pub task_run_id: Option<TaskRunId>,
    /// How many it holds.
    pub slots: u32,
    /// Since when; a server does not tell.
    pub since: Option<Timestamp>,
}

/// How a limit is to be.
#[derive(Clone, Debug)]
pub(crate) struct LimitChange {
    pub(crate) name: String,
    pub(crate) limit: u32,
    pub(crate) active: Option<bool>,
    pub(crate) slot_decay_per_second: Option<f64>,
    pub(crate) existing: ExistingLimit,
}

/// What becomes of a limit that is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ExistingLimit {
    Refused,
    Changed,
}

/// How slots are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SlotMode {
    /// Until they are given back.
    Held,
    /// They come back with time.
    Spent,
}

/// The run that takes slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taker {
    pub(crate) flow: Option<Arc<FlowRun>>,
    pub(crate) task: Option<Arc<TaskRun>>,
}

/// Called with the reason when slots are lost that somebody still counts on.
pub(crate) type OnLoss = Arc<dyn Fn(&str) + Send + Sync>;

/// Slots that somebody wants: so many of each limit, all or none.
#[derive(Clone)]
pub(crate) struct Wanted {
    /// Sorted, and each of them once.
    pub(crate) names: Vec<String>,
    pub(crate) slots: u32,
    pub(crate) mode: SlotMode,
    /// For how long they stay taken after the process has died.
    pub(crate) lease: Duration,
    /// How long they are waited for.
    pub(crate) patience: Option<Duration>,
    pub(crate) taker: Taker,
    pub(crate) on_loss: OnLoss,
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { names, slots, mode, .. } = self;
        f.debug_struct("Wanted").field("names", names).field("slots", slots).field("mode", mode).finish_non_exhaustive()
    }
}

/// Slots that somebody has got.
#[derive(Default)]
pub(crate) struct Granted {
    /// The limits that exist and were active; the others limit nothing.
    pub(crate) names: Vec<String>,
    /// The limits that do not exist.
    pub(crate) missing: Vec<String>,
    /// What gives them back when it is dropped; `None` where there is nothing to give back.
    pub(crate) hold: Option<Box<dyn HeldSlots>>,
}

/// The right to slots. Dropping it gives them back.
pub(crate) trait HeldSlots: Send + Sync {
    /// Tells whether the right is lost.
    fn is_lost(&self) -> bool;

    /// Waits until the right is lost, which it seldom is.
    fn lost(&self) -> BoxFuture<'_, ()>;

    /// Gives the slots back and waits until others can have them.
    fn give_back(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;
}

/// Where slots are counted. Names, numbers and times have been checked.
pub(crate) trait Slots: Send + Sync {
    /// Takes slots, and waits until they are free. Dropping the future gives up, and gives back what was got meanwhile.
    fn take(&self, wanted: Wanted) -> BoxFuture<'_, Result<Granted, Error>>;

    /// Tells at once whether tags of task runs may be limited: if not, nobody needs to ask.
    fn may_limit_tags(&self) -> bool;

    /// Names the limits that hold for these tags, as far as they are known here; asking may take a while.
    fn limits_of_tags(&self, tags: &[String]) -> BoxFuture<'_, Result<Vec<String>, Error>>;

    /// Reads a limit.
    fn limit(&self, name: String) -> BoxFuture<'_, Result<Option<ConcurrencyLimit>, Error>>;

    /// Lists the limits in the order of their names.
    fn limits(&self) -> BoxFuture<'_, Result<Vec<ConcurrencyLimit>, Error>>;

    /// Creates or changes a limit, or refuses to since there is one.
    fn set_limit(&self, change: LimitChange) -> BoxFuture<'_, Result<(), Error>>;

    /// Switches a limit on or off; tells whether there is one.
    fn set_active(&self, name: String, active: bool) -> BoxFuture<'_, Result<bool, Error>>;

    /// Removes a limit; tells whether there was one.
    fn delete_limit(&self, name: String) -> BoxFuture<'_, Result<bool, Error>>;

    /// Tells who holds slots of a limit, as far as it is known; `None` if there is no such limit.
    fn holders(&self, name: String) -> BoxFuture<'_, Result<Option<Vec<SlotHolder>>, Error>>;
}

/// What limits of tags begin with, as in Prefect.
pub(crate) const OF_TAGS: &str = "tag:";
