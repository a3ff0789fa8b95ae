//! `println!` in a body as a log line.

use std::fmt;
use std::io::{IsTerminal, Write};

use crate::engine::context;
use crate::redact::redact;

/// Prints a line as `println!` does; in a run with `log_prints` it becomes a log line of the run.
///
/// Where standard output is not a terminal the plain line is printed as well, so that pipes lose nothing.
pub fn print_line(line: fmt::Arguments<'_>) {
    let log = context::with(|context| context.log_prints && (context.flow.is_some() || context.task.is_some()));
    if log != Some(true) {
        std::println!("{line}");
        return;
    }
    let line = redact(line.to_string());
    tracing::info!(target: "flowkit::print", "{line}");
    let mut stdout = std::io::stdout();
    if !stdout.is_terminal() {
        // That nobody reads it (a closed pipe) is no reason for the run to fail: the line is in its log.
        let _ = writeln!(stdout, "{line}");
    }
}

/// The `println!` of task and flow bodies.
#[doc(hidden)]
#[macro_export]
macro_rules! printed_line {
    () => {
        $crate::__private::print_line(::core::format_args!(""))
    };
    ($($arg:tt)*) => {
        $crate::__private::print_line(::core::format_args!($($arg)*))
    };
}
