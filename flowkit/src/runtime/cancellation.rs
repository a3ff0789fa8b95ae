//! Whether the present run is asked to stop.

use tokio_util::sync::CancellationToken;

use crate::engine::context::{self, Context};

fn token(context: &Context) -> Option<&CancellationToken> {
    (context.flow.is_some() || context.task.is_some()).then_some(&context.cancel)
}

/// Waits until the present run is asked to stop; for ever outside of any run.
///
/// Asynchronous code that is asked to stop gets one turn and is dropped at the `.await` after it: this is the place
/// for last words that need no waiting.
///
/// ```
/// use flowkit::prelude::*;
/// use flowkit::runtime::cancelled;
///
/// #[task]
/// async fn watch() {
///     cancelled().await;
///     println!("nobody wants to know any more");
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
/// let watching = watch().submit();
/// watching.cancel();
/// assert!(watching.wait().await.is_final());
/// # });
/// ```
///
/// # Cancel safety
/// Dropping it loses nothing.
pub async fn cancelled() {
    match context::with(|context| token(context).cloned()).flatten() {
        Some(token) => token.cancelled().await,
        None => std::future::pending().await,
    }
}

/// Tells whether the present run is asked to stop; never outside of any run.
///
/// Blocking code cannot be stopped from outside. A long loop asks this now and then:
///
/// ```
/// use flowkit::prelude::*;
///
/// #[task]
/// fn count_up(limit: u64) -> u64 {
///     (0..limit).take_while(|_| !flowkit::runtime::is_cancelled()).count() as u64
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
/// let counting = count_up(u64::MAX).submit();
/// counting.cancel();
/// assert!(counting.wait().await.is_final());
/// # });
/// ```
#[must_use]
pub fn is_cancelled() -> bool {
    context::with(|context| token(context).is_some_and(CancellationToken::is_cancelled)).unwrap_or(false)
}
