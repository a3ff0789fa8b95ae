//! The text of a `tracing` event.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};

/// Collects an event's message, followed by its other fields as `name=value`.
#[derive(Default)]
pub(super) struct Text {
    message: String,
    others: String,
}

impl Text {
    pub(super) fn of(event: &tracing::Event<'_>) -> String {
        let mut text = Self::default();
        event.record(&mut text);
        if text.message.is_empty() { text.others.trim_start().to_owned() } else { text.message + &text.others }
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.others, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = match field.name() {
            "message" => self.message.write_str(value),
            name => write!(self.others, " {name}={value}"),
        };
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let _ = write!(self.others, " {}={}", field.name(), crate::user_error::chain(value));
    }
}
