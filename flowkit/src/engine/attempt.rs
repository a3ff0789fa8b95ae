//! One execution of a body, and how it ended.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::engine::panic;
use crate::user_error::UserError;

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

/// Drives a body to its end, its timeout or its cancellation, whichever comes first.
///
/// The body is polled before anything else, so that one that is ready at once costs neither a timer nor a
/// place in the token's list of waiters.
pub(crate) async fn attempt<T>(body: Started<T>, timeout: Option<Duration>, cancel: &CancellationToken) -> Ending<T> {
    if cancel.is_cancelled() {
        return Ending::Cancelled;
    }
    let caught = AssertUnwindSafe(body).catch_unwind();
    let cancellable = async {
        tokio::select! {
            biased;
            ended = caught => match ended {
                Ok(Ok(value)) => Ending::Returned(value),
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
