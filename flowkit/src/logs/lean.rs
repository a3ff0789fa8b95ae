//! The default subscriber: spans of runs cost nothing until somebody asks for one.
//!
//! A run's own log lines find their run by the task-local context. Only a helper that is spawned with the run's
//! span needs that span, and it gets it from `Span::current()`. So the span is made there and then, and the spans
//! that the engine would open for every attempt are switched off.

use std::cell::Cell;

use tracing::callsite::{Callsite, Identifier};
use tracing::field::FieldSet;
use tracing::metadata::Kind;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::registry::SpanRef;

use super::run_logs::{Owner, RUN};

thread_local! {
    /// The span that was made for a `Span::current()` that has not taken it yet.
    static FRESH: Cell<Option<u64>> = const { Cell::new(None) };
}

/// A subscriber whose present span is that of the present run.
pub(crate) struct Lean<S> {
    inner: S,
    present: fn() -> Option<Owner>,
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Lean<S> {
    pub(crate) fn new(inner: S, present: fn() -> Option<Owner>) -> Self {
        Self { inner, present }
    }

    /// Makes a span of the present run. It is counted once, for the `Span::current()` that asks.
    fn make(&self) -> Id {
        let none: [(&tracing::field::Field, Option<&dyn tracing::field::Value>); 0] = [];
        let id = self.inner.new_span(&Attributes::new(&METADATA, &METADATA.fields().value_set(&none)));
        if let Some(unused) = FRESH.replace(Some(id.into_u64())) {
            self.inner.try_close(Id::from_u64(unused));
        }
        id
    }
}

struct RunSpan;

static RUN_SPAN: RunSpan = RunSpan;

static METADATA: Metadata<'static> =
    Metadata::new("run", RUN, Level::ERROR, None, None, None, FieldSet::new(&[], Identifier(&RUN_SPAN)), Kind::SPAN);

impl Callsite for RunSpan {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &METADATA
    }
}

/// Tells whether a span was made in the run that `owner` stands for.
fn belongs<'a, R: LookupSpan<'a>>(span: &SpanRef<'a, R>, owner: &Owner) -> bool {
    span.extensions().get::<Owner>().is_some_and(|other| other.is_same_run(owner))
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Subscriber for Lean<S> {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_span() && metadata.target() == RUN {
            return Interest::never();
        }
        self.inner.register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !(metadata.is_span() && metadata.target() == RUN) && self.inner.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        self.inner.max_level_hint()
    }

    fn current_span(&self) -> tracing_core::span::Current {
        let current = self.inner.current_span();
        let Some(owner) = (self.present)().filter(Owner::is_run) else { return current };
        if current.id().and_then(|id| self.inner.span(id)).is_some_and(|span| belongs(&span, &owner)) {
            return current;
        }
        tracing_core::span::Current::new(self.make(), &METADATA)
    }

    fn clone_span(&self, id: &Id) -> Id {
        if FRESH.get() == Some(id.into_u64()) {
            FRESH.set(None);
            return id.clone();
        }
        self.inner.clone_span(id)
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.inner.new_span(attributes)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.inner.record(span, values);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.inner.record_follows_from(span, follows);
    }

    fn event_enabled(&self, event: &Event<'_>) -> bool {
        self.inner.event_enabled(event)
    }

    fn event(&self, event: &Event<'_>) {
        self.inner.event(event);
    }

    fn enter(&self, span: &Id) {
        self.inner.enter(span);
    }

    fn exit(&self, span: &Id) {
        self.inner.exit(span);
    }

    fn try_close(&self, id: Id) -> bool {
        self.inner.try_close(id)
    }
}
