//! Run logs out of plain `tracing` events.
//!
//! An event inside of a run, at any depth, is a log line of that run: on the console in Prefect's format, and at
//! the backend. Helpers that were spawned belong to the run if they carry its span
//! (`tokio::spawn(work.in_current_span())`). That holds for log lines; a helper that calls tasks needs
//! [`in_current_run`](crate::runtime::in_current_run).
//!
//! Without a subscriber flowkit installs one at the first run. A program with a subscriber of its own adds
//! [`layer`] to it.

use std::sync::Arc;

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::engine::context;
use crate::event::Level;
use crate::logs::{Console, Lean, Owner, RunLogs};
use crate::settings;

/// Makes the layer that turns `tracing` events into run logs, for programs with a subscriber of their own.
///
/// It writes no console lines; the program's own layers do that.
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let subscriber = tracing_subscriber::registry().with(flowkit::logging::layer());
/// # drop(subscriber);
/// ```
pub fn layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    RunLogs::new(Level::Info, None, present)
}

/// Installs the default subscriber unless the program has one.
pub(crate) fn install(settings: &settings::Logging) {
    if tracing::dispatcher::has_been_set() {
        return;
    }
    let logs = RunLogs::new(settings.level, Some(Console::new(settings.colors)), present);
    let subscriber = Lean::new(Registry::default().with(logs.as_filter()).with(logs), present);
    // Another thread may have been first; then its subscriber is the one.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

fn present() -> Option<Owner> {
    context::with(|context| Owner {
        backend: Arc::clone(&context.ports.backend),
        flow: context.flow_run().cloned(),
        task: context.task.clone(),
    })
}
