//! Whether time can be waited for here, and work be done beside the run.

use std::fmt;

use crate::clock;
use crate::engine::panic;
use crate::error::{Error, ErrorKind};

/// Tells whether there is a tokio runtime here that has timers. Tokio says so only by a panic.
pub(crate) fn are_there() -> bool {
    tokio::runtime::Handle::try_current().is_ok() && panic::silently(clock::make_timer)
}

/// Refuses what needs timers where there are none, such as a task that has a timeout.
pub(crate) fn check(needs: fmt::Arguments<'_>) -> Result<(), Error> {
    if are_there() {
        return Ok(());
    }
    let why = format!(
        "{needs}, and there are no timers here: run it on a tokio runtime \
         that is built with `enable_time` or `enable_all`, as `#[tokio::main]` does"
    );
    Err(Error::new(ErrorKind::Definition, why))
}

/// Refuses what needs a tokio runtime where there is none, such as a result that goes to files.
pub(crate) fn check_tokio(needs: fmt::Arguments<'_>) -> Result<(), Error> {
    if tokio::runtime::Handle::try_current().is_ok() {
        return Ok(());
    }
    let why = format!("{needs}, and there is no tokio runtime here: run it on one, as `#[tokio::main]` does");
    Err(Error::new(ErrorKind::Definition, why))
}
