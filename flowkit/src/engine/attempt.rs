//! One execution of a body, and how it ended.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::clock;
use crate::engine::panic;
use crate::engine::stop::{Stop, last_turns};
use crate::error::{Error, ErrorKind};
use crate::user_error::{UserError, causes, chain, first_line};

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

type Caught<T> = Result<Result<T, UserError>, Box<dyn Any + Send>>;

/// Starts a body and drives it to its end, its timeout or its cancellation, whichever comes first.
///
/// The body is polled before anything else, so that one that is ready at once costs neither a timer nor a
/// place in the token's list of waiters. `told` is called once if the body is told to stop.
pub(crate) async fn attempt<T>(
    start: impl FnOnce() -> Started<T>,
    timeout: Option<Duration>,
    stop: Stop<'_>,
    told: impl FnOnce(),
) -> Ending<T> {
    // Arguments are cloned here, which is the user's code as well.
    let body = match panic::contain(start) {
        Ok(body) => body,
        Err(message) => return Ending::Panicked(message),
    };
    let mut body = AssertUnwindSafe(body).catch_unwind();
    if timeout.is_none()
        && let Poll::Ready(ended) = futures::poll!(&mut body)
    {
        return judge(Some(ended), stop);
    }
    let first = async {
        tokio::select! {
            biased;
            ended = &mut body => Some(ended),
            () = stop.cancel.cancelled() => None,
        }
    };
    let ended = match timeout {
        None => first.await,
        Some(limit) => match clock::within(limit, first).await {
            Some(ended) => ended,
            None => return Ending::TimedOut(limit),
        },
    };
    let ended = match ended {
        Some(ended) => Some(ended),
        None => {
            told();
            last_turns(&mut body, stop).await
        }
    };
    judge(ended, stop)
}

/// Tells what an end means for the run, which may have been told to stop meanwhile.
fn judge<T>(ended: Option<Caught<T>>, stop: Stop<'_>) -> Ending<T> {
    if !stop.cancel.is_cancelled() {
        return ended.map_or(Ending::Cancelled, ending);
    }
    // However a body ends after it was told to stop, the run is cancelled.
    match ended {
        Some(Ok(Err(error))) if run_error(&error) != Some(ErrorKind::Cancelled) => {
            let text = chain(error.as_std());
            tracing::warn!(target: "flowkit::run", "Encountered exception after being told to stop: {text}");
        }
        Some(Err(payload)) => {
            let text = panic::describe(&*payload);
            tracing::warn!(target: "flowkit::run", "Encountered exception after being told to stop: {text}");
        }
        _ => {}
    }
    Ending::Cancelled
}

fn ending<T>(ended: Caught<T>) -> Ending<T> {
    match ended {
        Ok(Ok(value)) => Ending::Returned(value),
        Ok(Err(error)) => Ending::Errored(error),
        Err(payload) => {
            let text = panic::describe(&*payload);
            if let Some(trace) = panic::take_trace() {
                tracing::error!(target: "flowkit::run", "Stack backtrace of the panic:\n{trace}");
            }
            Ending::Panicked(text)
        }
    }
}

/// What the log has of an error: its whole chain and its backtrace at the run where it happened, and one line at the
/// runs above that it is passed on to.
pub(super) fn told(error: &UserError) -> String {
    let text = chain(error.as_std());
    match (run_error(error), error.backtrace()) {
        (Some(_), _) => first_line(&text).to_owned(),
        (None, Some(trace)) => format!("{text}\nStack backtrace:\n{trace}"),
        (None, None) => text,
    }
}

/// The kind of the run error that a body passed on, if it did.
pub(crate) fn run_error(error: &UserError) -> Option<ErrorKind> {
    causes(Some(error.as_std())).find_map(|error| error.downcast_ref::<Error>()).map(Error::kind)
}
