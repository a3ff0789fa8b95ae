//! Tags for everything that is called in some part of the code.

use std::future::Future;
use std::sync::Arc;

use crate::engine::context::Context;
use crate::runtime;

/// Names tags; [`scope`](Tags::scope) adds them to all runs that are called in a piece of code.
///
/// They add to those of the definition and the call, reach down into subflows and tasks of tasks, and add up when
/// scopes are nested (Prefect's `tags`).
///
/// ```
/// use flowkit::prelude::*;
///
/// #[task(tags = ["net"])]
/// async fn fetch(page: u32) -> Vec<String> {
///     assert!(page > 0);
///     flowkit::runtime::task_run().map(|run| run.tags().to_vec()).unwrap_or_default()
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
/// let tags = flowkit::tags(["nightly"]).scope(async { fetch(1).await }).await?;
/// assert_eq!(tags, ["net", "nightly"]);
/// # Ok::<_, flowkit::Error>(())
/// # }).expect("it succeeds");
/// ```
pub fn tags<S: Into<String>>(tags: impl IntoIterator<Item = S>) -> Tags {
    Tags(tags.into_iter().map(Into::into).collect())
}

/// Tags for a piece of code; see [`tags`].
#[derive(Clone, Debug)]
#[must_use = "tags count in their `scope`"]
pub struct Tags(Vec<String>);

impl Tags {
    /// Runs `future`, and adds the tags to every run that is called in it.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        let (ambient, refused) = runtime::ambient();
        if refused.is_some() {
            // Every call in there says what is wrong.
            return future.await;
        }
        let mut tags = self.0;
        tags.extend(ambient.tags.iter().flat_map(|outer| outer.iter().cloned()));
        Context { tags: Some(Arc::from(tags)), ..ambient }.scope(future).await
    }
}
