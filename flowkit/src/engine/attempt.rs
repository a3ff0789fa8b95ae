//! One execution of a body, and how it ended.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::engine::panic;
use crate::error::{Error, ErrorKind};
use crate::user_error::{UserError, causes};

/// A body that has been started.
pub(crate) type Started<T> = BoxFuture<'static, Result<T, UserError>>;

/// How an execution ended.
pub(crate) enum Ending<T> {
    Returned(T),
    Errored(UserError),
    Panicked(String),
    TimedOut(Duration),
    Cancelled,
}

/// Starts a body and drives it to its end, its timeout or its cancellation, whichever comes first.
///
/// The body is polled before anything else, so that one that is ready at once costs neither a timer nor a
/// place in the token's list of waiters.
pub(crate) async fn attempt<T>(
    start: impl FnOnce() -> Started<T>,
    timeout: Option<Duration>,
    cancel: &CancellationToken,
) -> Ending<T> {
    // Arguments are cloned here, which is the user's code as well.
    let body = match panic::contain(start) {
        Ok(body) => body,
        Err(message) => return Ending::Panicked(message),
    };
    let caught = AssertUnwindSafe(body).catch_unwind();
    let cancellable = async {
        tokio::select! {
            biased;
            ended = caught => match ended {
                Ok(Ok(value)) => Ending::Returned(value),
                Ok(Err(error)) if cancel.is_cancelled() && run_error(&error) == Some(ErrorKind::Cancelled) => {
                    Ending::Cancelled
                }
                Ok(Err(error)) => Ending::Errored(error),
                Err(payload) => Ending::Panicked(panic::describe(&*payload)),
            },
            () = cancel.cancelled() => Ending::Cancelled,
        }
    };
    match timeout {
        None => cancellable.await,
        Some(limit) => clock::within(limit, cancellable).await.unwrap_or(Ending::TimedOut(limit)),
    }
}

/// The kind of the run error that a body passed on, if it did.
pub(crate) fn run_error(error: &UserError) -> Option<ErrorKind> {
    causes(Some(error.as_std())).find_map(|error| error.downcast_ref::<Error>()).map(Error::kind)
}
