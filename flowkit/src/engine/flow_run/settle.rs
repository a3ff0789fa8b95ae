//! Waiting for the work that an attempt has submitted.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock;

/// How the wait for submitted work ended.
pub(super) enum Settled {
    InTime,
    OutOfTime,
    Cancelled,
}

/// Waits for the work that the attempt has submitted, for as long as the attempt may take.
pub(super) async fn settle(submitted: &TaskTracker, cancel: &CancellationToken, limit: Option<Duration>) -> Settled {
    submitted.close();
    let before_stopped = cancel.run_until_cancelled(submitted.wait());
    let settled = match limit {
        None => before_stopped.await,
        Some(limit) => match clock::within(limit, before_stopped).await {
            Some(settled) => settled,
            None => {
                cancel.cancel();
                submitted.wait().await;
                submitted.reopen();
                return Settled::OutOfTime;
            }
        },
    };
    submitted.wait().await;
    submitted.reopen();
    match settled {
        // The work may have ended by being cancelled before this was looked at.
        Some(()) if !cancel.is_cancelled() => Settled::InTime,
        _ => Settled::Cancelled,
    }
}
