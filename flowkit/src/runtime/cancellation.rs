//! Whether the present run is asked to stop.

use tokio_util::sync::CancellationToken;

use crate::engine::context::{self, Context};

/// What stops the present run, which listens from now on.
fn token(context: &Context) -> Option<&CancellationToken> {
    context.heed()?.ask();
    Some(&context.cancel)
}

/// Waits until the present run is asked to stop; for ever outside of any run.
///
/// A run is asked to stop by `cancel` of its future, by whoever cancels the flow run it belongs to (in this process, in
/// the UI, or over the API), and by a signal that ends the process. From then on no task or subflow starts in it: those
/// that are called are Cancelled without having run. Code that has asked by this function or by [`is_cancelled`] is given
/// `FLOWKIT_CANCEL_GRACE` (in seconds, default 30) to end by itself; other code is dropped at its next `.await`.
/// However code ends after it was asked to stop, its run is Cancelled.
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
/// Blocking code cannot be stopped from outside. Its run is Cancelled at once, or after the grace that [`cancelled`]
/// tells of if the code has asked, and what the code does then is not seen any more. A long loop asks now and then:
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
