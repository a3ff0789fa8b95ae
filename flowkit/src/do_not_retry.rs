//! Says of an error that trying again cannot help.

use std::error::Error as StdError;
use std::fmt;

use crate::error::Error;
use crate::user_error::{UserError, causes};

/// Wraps an error so that the run whose body returns it fails at once, whatever retries are left.
///
/// The error is shown as before and can be had back from the run's error by
/// [`downcast_ref`](crate::Error::downcast_ref). A run that calls the failed one and passes its error on is retried as
/// it would be.
///
/// ```
/// use flowkit::prelude::*;
///
/// #[task(retries = 3, retry_delay = "10s")]
/// async fn price_of(product: String) -> anyhow::Result<f64> {
///     if product.is_empty() {
///         return Err(flowkit::do_not_retry(anyhow::anyhow!("a product needs a name")).into());
///     }
///     Ok(1.5)
/// }
/// ```
pub fn do_not_retry(error: impl Into<Box<dyn StdError + Send + Sync>>) -> DoNotRetry {
    DoNotRetry(error.into())
}

/// An error that is not to be retried; made by [`do_not_retry`].
pub struct DoNotRetry(Box<dyn StdError + Send + Sync>);

impl fmt::Display for DoNotRetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for DoNotRetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl StdError for DoNotRetry {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

/// Tells whether a body's error says this, for itself rather than for a run that the body has called.
pub(crate) fn says_so(error: &UserError) -> bool {
    let own = causes(Some(error.as_std())).take_while(|error| !error.is::<Error>());
    own.into_iter().any(|error| error.is::<DoNotRetry>())
}
