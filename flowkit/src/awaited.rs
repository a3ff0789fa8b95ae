//! The future of a task's call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;

use crate::engine::task_run::{self, TaskJob};
use crate::engine::untold::Untold;
use crate::error::Error;
use crate::runtime;

/// What a call of a task is awaited as. The run begins when it is first polled.
///
/// # Cancel safety
/// Dropping it stops the task at its present `.await` and leaves the run Cancelled.
#[must_use = "futures do nothing unless polled"]
pub struct Awaited<T>(Stage<T>);

enum Stage<T> {
    Asked(Option<TaskJob<T>>),
    Begun(BoxFuture<'static, Result<T, Error>>, Untold),
}

impl<T> Awaited<T> {
    pub(crate) fn new(job: TaskJob<T>) -> Self {
        Self(Stage::Asked(Some(job)))
    }
}

impl<T: Send + 'static> Future for Awaited<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Asked(job) = &mut self.0
            && let Some(job) = job.take()
        {
            let (ambient, refused) = runtime::ambient();
            if let Some(error) = refused {
                return Poll::Ready(Err(error));
            }
            let live = task_run::begin_untold(job, ambient);
            let untold = live.untold();
            self.0 = Stage::Begun(Box::pin(live.finish()), untold);
        }
        match &mut self.0 {
            Stage::Begun(run, untold) => {
                let polled = run.as_mut().poll(cx);
                if polled.is_pending() {
                    untold.tell();
                }
                polled
            }
            // It was refused, and has said so.
            Stage::Asked(_) => Poll::Pending,
        }
    }
}

impl<T> fmt::Debug for Awaited<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Stage::Asked(_) => "Awaited(asked)",
            Stage::Begun(..) => "Awaited(begun)",
        })
    }
}
