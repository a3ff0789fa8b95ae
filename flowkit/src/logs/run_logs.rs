//! The layer that gives each `tracing` event to the run it belongs to.

use std::sync::Arc;

use tracing::{Event, Metadata, Subscriber, span};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context as Around, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::backend::Backend;
use crate::clock;
use crate::event::{self, Level, LogRecord};
use crate::id::FlowRunId;
use crate::logs::console::{Console, Speaker};
use crate::logs::fields::Text;
use crate::redact::redact;
use crate::run::{FlowRun, TaskRun};

/// The target of the spans and log lines of runs.
pub(super) const RUN: &str = "flowkit::run";

/// Turns events into log records of runs.
pub(crate) struct RunLogs {
    level: Level,
    console: Option<Console>,
    present: fn() -> Option<Owner>,
}

/// The run that an event or a span belongs to, and where its log lines go.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) flow: Option<Arc<FlowRun>>,
    pub(crate) task: Option<Arc<TaskRun>>,
}

impl RunLogs {
    /// `present` tells which run the code at hand belongs to.
    pub(crate) fn new(level: Level, console: Option<Console>, present: fn() -> Option<Owner>) -> Self {
        Self { level, console, present }
    }

    /// A filter that lets through what this layer wants, for a subscriber that has no other use.
    pub(crate) fn as_filter(&self) -> LevelFilter {
        match self.level {
            Level::Trace => LevelFilter::TRACE,
            Level::Debug => LevelFilter::DEBUG,
            Level::Info => LevelFilter::INFO,
            Level::Warning => LevelFilter::WARN,
            Level::Error => LevelFilter::ERROR,
        }
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        Level::from(metadata.level()) >= self.level
    }
}

impl Owner {
    pub(super) fn is_same_run(&self, other: &Self) -> bool {
        let flow = |owner: &Self| owner.flow.as_ref().map(|run| run.id);
        let task = |owner: &Self| owner.task.as_ref().map(|run| run.id);
        flow(self) == flow(other) && task(self) == task(other)
    }

    fn flow_run_id(&self) -> Option<FlowRunId> {
        let flow = self.flow.as_ref().map(|run| run.id);
        flow.or_else(|| self.task.as_ref()?.flow_run_id())
    }

    pub(super) fn is_run(&self) -> bool {
        self.flow.is_some() || self.task.is_some()
    }
}

impl<S> Layer<S> for RunLogs
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, _: &span::Attributes<'_>, id: &span::Id, around: Around<'_, S>) {
        if let (Some(span), Some(owner)) = (around.span(id), (self.present)().filter(Owner::is_run)) {
            span.extensions_mut().insert(owner);
        }
    }

    fn on_event(&self, event: &Event<'_>, around: Around<'_, S>) {
        if !self.wants(event.metadata()) {
            return;
        }
        let owner = (self.present)().filter(Owner::is_run).or_else(|| {
            let mut scope = around.event_scope(event)?;
            scope.find_map(|span| span.extensions().get::<Owner>().cloned())
        });
        let record = LogRecord {
            level: event.metadata().level().into(),
            message: redact(Text::of(event)),
            timestamp: clock::now(),
            flow_run_id: owner.as_ref().and_then(Owner::flow_run_id),
            task_run_id: owner.as_ref().and_then(|owner| owner.task.as_ref()).map(|run| run.id),
        };
        if let Some(console) = &self.console {
            let speaker = match &owner {
                Some(Owner { task: Some(task), .. }) => Speaker::Task(task.name()),
                Some(Owner { flow: Some(flow), .. }) => Speaker::Flow(&flow.name),
                _ => Speaker::Other(event.metadata().target()),
            };
            console.print(&record, &speaker);
        }
        if let Some(owner) = owner {
            owner.backend.emit(event::Event::Log(record));
        }
    }
}
