//! An argument that may have failed.

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::error::Error;
use crate::future::TaskFuture;
use crate::input::{Input, Source};
use crate::run::TaskInput;

/// Gives a task the outcome of another, good or bad, as an argument of type `Result<T, flowkit::Error>`.
///
/// Without it a task whose upstream has failed is NotReady and never starts. The upstream is waited for and recorded
/// as the origin of the argument all the same (Prefect's `allow_failure`).
///
/// ```
/// use flowkit::prelude::*;
///
/// #[task]
/// async fn fetch(page: u32) -> Result<String, String> {
///     Err(format!("page {page} is gone"))
/// }
///
/// #[task]
/// async fn report(page: Result<String, flowkit::Error>) -> String {
///     page.unwrap_or_else(|error| error.chain())
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
/// let page = fetch(7).submit();
/// let text = report(flowkit::allow_failure(&page)).await?;
/// assert!(text.ends_with("page 7 is gone"));
/// # Ok::<_, flowkit::Error>(())
/// # }).expect("it succeeds");
/// ```
#[must_use]
pub fn allow_failure<T: Clone + Send + 'static>(future: &TaskFuture<T>) -> Input<Result<T, Error>> {
    Input::pending(Outcome(future.clone()))
}

struct Outcome<T>(TaskFuture<T>);

impl<T: Clone + Send + 'static> Source<Result<T, Error>> for Outcome<T> {
    fn runs(&self) -> Vec<TaskInput> {
        self.0.runs()
    }

    fn value(self: Box<Self>) -> BoxFuture<'static, Result<Result<T, Error>, Error>> {
        self.0.take().map(Ok).boxed()
    }
}
