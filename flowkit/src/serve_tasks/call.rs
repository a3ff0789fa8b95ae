//! Serving that has not begun yet.

use std::future::IntoFuture;
use std::time::Duration;

use futures::future::BoxFuture;

use super::choice::{TaskChoice, choose};
use super::worker;
use crate::duration::IntoDuration;
use crate::error::{Error, ErrorKind};

/// How many runs there are at the same time, as in Prefect.
const LIMIT: usize = 10;

/// Runs what is [delayed](crate::TaskCall::delay) of some background tasks, in this process, until it is asked to stop.
///
/// ```no_run
/// use flowkit::prelude::*;
///
/// #[task(background, retries = 2)]
/// async fn send_mail(to: String) -> Result<usize, String> {
///     Ok(to.len())
/// }
///
/// #[tokio::main]
/// async fn main() -> flowkit::Result<()> {
///     flowkit::serve_tasks(["send_mail"]).limit(20).await
/// }
/// ```
pub fn serve_tasks<C: Into<TaskChoice>>(tasks: impl IntoIterator<Item = C>) -> ServeTasksCall {
    let tasks = tasks.into_iter().map(Into::into).collect();
    ServeTasksCall { tasks, options: Options { limit: LIMIT, poll: None, refused: None } }
}

/// Background tasks that are served, by `.await`: see [`serve_tasks`].
///
/// Runs are handed out by the server over a websocket, each to one of those who serve the task; and it is looked from time to
/// time for what nobody was handed, such as while there is no websocket or after the server was started anew, and for runs whose
/// process has died. Those are run again, at most three times, by one of those who serve the task: a run is held by a lock in the
/// result store while it goes on, which the system lets go of when a process dies (30 s later where the store is one of objects).
///
/// SIGTERM or SIGINT end it: nothing new starts, runs have `FLOWKIT_SHUTDOWN_GRACE` (default: 30 s) to end. Those that
/// have not are stopped and given back: they wait for another process, which runs them from the beginning. A second signal does
/// that at once.
///
/// Without a server delayed tasks run in the process that delays them; then this waits for a signal, and for them.
#[must_use = "nothing is served until it is awaited"]
#[derive(Clone, Debug)]
pub struct ServeTasksCall {
    tasks: Vec<TaskChoice>,
    options: Options,
}

/// How tasks are served.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) limit: usize,
    pub(super) poll: Option<Duration>,
    pub(super) refused: Option<Error>,
}

impl ServeTasksCall {
    /// Sets how many runs there may be at the same time in this process. Default: 10.
    pub fn limit(mut self, runs: usize) -> Self {
        if runs == 0 {
            let why = "a limit of no runs at the same time would start none";
            self.options.refused.get_or_insert(Error::new(ErrorKind::Definition, why));
        }
        self.options.limit = runs;
        self
    }

    /// Sets how often it is looked for runs, give or take 30 %, while none are handed out: `"5s"`, a `Duration`, or seconds. While
    /// they are, it is looked a third as often. Default: `PREFECT_RUNNER_POLL_FREQUENCY`, else 10 s.
    pub fn poll_interval(mut self, interval: impl IntoDuration) -> Self {
        match interval.into_duration() {
            Ok(interval) => self.options.poll = Some(interval),
            Err(error) => drop(self.options.refused.get_or_insert(error)),
        }
        self
    }
}

impl IntoFuture for ServeTasksCall {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    /// Serves until a signal.
    ///
    /// # Errors
    /// Of the `.await`: of kind [`Definition`](ErrorKind::Definition) if there is no such background task in this program.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let entries = choose(&self.tasks)?;
            if let Some(refused) = self.options.refused {
                return Err(refused);
            }
            worker::serve(entries, self.options.limit, self.options.poll).await
        })
    }
}
