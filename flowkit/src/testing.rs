//! Tests of tasks and flows: no server, no set-up, no waiting.
//!
//! `#[flowkit::test]` (feature `test-util`) gives a test a [`Runtime`](crate::Runtime) of its own, in memory, and a
//! paused clock: whenever all there is to do is to wait, the time is there at once, so that a task that waits an hour
//! between two attempts is tested in microseconds. Tests run in parallel and see nothing of each other.
//!
//! Switch the feature on for tests alone:
//!
//! ```toml
//! [dev-dependencies]
//! flowkit = { version = "0.1", features = ["test-util"] }
//! ```
//!
//! | to test | do |
//! | --- | --- |
//! | a body and nothing else | [`untracked`](crate::TaskCall::untracked) |
//! | retries, timeouts, delays | call the task, look at the states of its run |
//! | a flow's states and logs | take the runtime as argument, ask its [`history`](crate::Runtime::history) |
//! | a flow without what its tasks do | [`Runtime::stub`](crate::Runtime::stub) |
//!
//! ```
//! use std::error::Error as _;
//!
//! use flowkit::prelude::*;
//! use flowkit::testing::any;
//!
//! #[task(retries = 2, retry_delay = "30m")]
//! async fn price_of(product: u32) -> Result<f64, String> {
//!     Err(format!("no network for {product}"))
//! }
//!
//! #[flow]
//! async fn total(products: u32) -> flowkit::Result<f64> {
//!     tracing::info!("{products} products");
//!     Ok(flowkit::map(1..=products, price_of).await?.iter().sum())
//! }
//!
//! # #[cfg(feature = "test-util")]
//! # mod tests {
//! # use super::*;
//! #[flowkit::test]
//! async fn a_body_alone() {
//!     let error = price_of(7).untracked().await.unwrap_err();
//!     assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("no network for 7"));
//! }
//!
//! #[flowkit::test]
//! async fn two_retries_within_an_hour() {
//!     let ended = price_of(7).return_state().await;
//!     assert_eq!(ended.name(), "Failed");
//!     let error = ended.result().unwrap_err();
//!     assert_eq!((error.attempts(), error.elapsed().map(|time| time.as_secs_f64().round())), (Some(3), Some(3600.0)));
//! }
//!
//! #[flowkit::test]
//! async fn a_flow_with_a_stub(runtime: flowkit::Runtime) -> flowkit::Result<()> {
//!     runtime.stub(price_of(any()), || Ok(1.5));
//!     assert_eq!(total(4).await?, 6.0);
//!
//!     let history = runtime.history().expect("it is kept in memory");
//!     let states: Vec<_> = history.flow_runs()[0].states().iter().map(|state| state.name().to_owned()).collect();
//!     assert_eq!(states, ["Pending", "Running", "Completed"]);
//!     assert!(history.logs().iter().any(|line| line.message == "4 products"));
//!     Ok(())
//! }
//! # }
//! # fn main() {}
//! ```

use std::error::Error as StdError;
use std::marker::PhantomData;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use crate::error::{Error, ErrorKind};
use crate::input::{Input, Source};
use crate::run::TaskInput;

/// What a stub gives: the value of the task it stands in for, or any error, `Err("no network".into())`.
pub type Stubbed<T> = Result<T, Box<dyn StdError + Send + Sync>>;

/// Stands for an argument whose value does not matter: `runtime.stub(fetch_page(any(), any()), ..)`.
///
/// A call that has it tells which task is meant. It cannot be run.
#[must_use]
pub fn any<T: Send + 'static>() -> Input<T> {
    Input::pending(Any(PhantomData))
}

struct Any<T>(PhantomData<fn() -> T>);

impl<T: Send + 'static> Source<T> for Any<T> {
    fn runs(&self) -> Vec<TaskInput> {
        Vec::new()
    }

    fn value(self: Box<Self>) -> BoxFuture<'static, Result<T, Error>> {
        ready(Err(Error::new(ErrorKind::Definition, "a call with `any()` only tells which task is meant"))).boxed()
    }
}

/// Runs a test on a paused clock and in a runtime of its own. What `#[flowkit::test]` expands to.
#[cfg(feature = "test-util")]
pub(crate) fn run<F: Future>(test: impl FnOnce(crate::Runtime) -> F) -> F::Output {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = crate::Runtime::ephemeral();
    tokio.expect("the system gives a test a tokio runtime").block_on(runtime.clone().run(test(runtime)))
}
