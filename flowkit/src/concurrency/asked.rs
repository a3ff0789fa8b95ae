//! What is asked for in either way of taking slots, its checks, and the asking.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::blocking;
use crate::engine::context;
use crate::engine::timers;
use crate::error::{Error, ErrorKind};
use crate::runtime;
use crate::slots::{Granted, OnLoss, SlotMode, Taker, Wanted, bounds, check_name, missing};

/// As in Prefect.
const LEASE: Duration = Duration::from_secs(300);

/// Slots that are to be taken.
#[derive(Debug)]
pub(super) struct Asked {
    names: Vec<String>,
    pub(super) slots: u32,
    pub(super) strict: bool,
    mode: SlotMode,
    lease: Duration,
    timeout: Option<Duration>,
    refused: Option<Error>,
}

impl Asked {
    pub(super) fn new(mut names: Vec<String>, slots: u32, mode: SlotMode) -> Self {
        names.sort_unstable();
        names.dedup();
        let no_slots = || {
            let why = "0 slots of a concurrency limit are wanted: at least 1 is accepted";
            (slots == 0).then(|| Error::new(ErrorKind::Input, why))
        };
        let refused = names.iter().find_map(|name| check_name(name).err()).or_else(no_slots);
        Self { names, slots, strict: false, mode, lease: LEASE, timeout: None, refused }
    }

    pub(super) fn timeout(&mut self, limit: Result<Duration, Error>) {
        match limit {
            Ok(limit) => self.timeout = Some(limit),
            Err(error) => self.refuse(error),
        }
    }

    pub(super) fn lease(&mut self, duration: Result<Duration, Error>) {
        match duration {
            Ok(duration) if (bounds::SHORTEST_LEASE..=bounds::LONGEST_LEASE).contains(&duration) => {
                self.lease = duration;
            }
            Ok(duration) => {
                let why = format!("a lease of {duration:?} on slots is wanted: 60 seconds to one day are accepted");
                self.refuse(Error::new(ErrorKind::Input, why));
            }
            Err(error) => self.refuse(error),
        }
    }

    fn refuse(&mut self, error: Error) {
        self.refused.get_or_insert(error);
    }

    /// Takes the slots.
    pub(super) async fn take(self) -> Result<Granted, Error> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        if self.names.is_empty() {
            return Ok(Granted::default());
        }
        timers::check(format_args!("waiting for slots of a concurrency limit may take time"))?;
        let wanted = Wanted {
            names: self.names,
            slots: self.slots,
            mode: self.mode,
            lease: self.lease,
            patience: self.timeout,
            taker: taker(),
            on_loss: on_loss(),
        };
        let granted = runtime::ports()?.backend.slots().take(wanted).await?;
        if !granted.missing.is_empty() {
            let error = missing(&granted.missing);
            if self.strict {
                return Err(error);
            }
            tracing::warn!(target: "flowkit::run", "Nothing is limited by what does not exist: {error}");
        }
        Ok(granted)
    }
}

/// The run that the code at hand belongs to.
fn taker() -> Taker {
    let of = |context: &context::Context| Taker { flow: context.flow_run().cloned(), task: context.task.clone() };
    context::with(of).unwrap_or_default()
}

/// Tells of lost slots in the log of the run that the code at hand belongs to.
fn on_loss() -> OnLoss {
    let context = context::current();
    let tell = |why: &str| tracing::warn!(target: "flowkit::run", "Slots are lost, others may take them: {why}");
    Arc::new(move |why| match &context {
        Some(context) => context.enter(|| tell(why)),
        None => tell(why),
    })
}

/// Waits on this thread. Where there is no async runtime, one is made that measures time.
pub(super) fn on_this_thread<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    if tokio::runtime::Handle::try_current().is_ok() {
        return blocking::wait(future);
    }
    let timers = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let failed = |error| Error::new(ErrorKind::Backend, "there is no clock to wait by").with_source(error);
    timers.map_err(failed)?.block_on(future)
}
