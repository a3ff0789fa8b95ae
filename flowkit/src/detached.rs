//! Runs that outlive the run that called them.

use crate::call::TaskCall;
use crate::flow::FlowCall;
use crate::flow_future::FlowFuture;
use crate::future::TaskFuture;

/// A call that is not bound to the run that makes it. See [`TaskCall::detached`] and [`FlowCall::detached`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is submitted"]
pub struct Detached<C>(C);

/// Whether a submitted run belongs to the run that submits it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bond {
    /// That one waits for it, and is cancelled together with it.
    Bound,
    Free,
}

impl<T: Send + 'static> TaskCall<T> {
    /// Makes the run one of its own: the flow run that calls it does not wait for it, and neither the end nor the
    /// cancellation of that flow run reaches it. It is in no transaction.
    ///
    /// It still is reported as a task run of that flow run. It lives no longer than the tokio runtime: when `main`
    /// returns, it is dropped and Cancelled; after `std::process::exit`, a server is told that it has Crashed. Keep its
    /// future, and await it before `main` ends, if it matters. `cancel` of its future stops it, and so does a signal that ends the process.
    ///
    /// ```
    /// # use flowkit::prelude::*;
    /// # #[task]
    /// # async fn warm_up_cache() {}
    /// #[flow]
    /// async fn nightly() {
    ///     drop(warm_up_cache().detached().submit());
    /// }
    /// ```
    pub fn detached(self) -> Detached<Self> {
        Detached(self)
    }
}

impl<T: Send + 'static> FlowCall<T> {
    /// Makes the run one of its own: the flow run that calls it does not wait for it, and neither the end nor the
    /// cancellation of that flow run reaches it. It is in no transaction.
    ///
    /// It still is reported as a subflow run of that flow run. It lives no longer than the tokio runtime: when `main`
    /// returns, it is dropped and Cancelled; after `std::process::exit`, a server is told that it has Crashed. Keep its
    /// future, and await it before `main` ends, if it matters. It is stopped by `cancel` of its future, by whoever cancels it by its id, and by a signal that ends the
    /// process.
    pub fn detached(self) -> Detached<Self> {
        Detached(self)
    }
}

impl<T: Send + 'static> Detached<TaskCall<T>> {
    /// Starts the run. Outside of a tokio runtime the future fails.
    pub fn submit(self) -> TaskFuture<T> {
        self.0.start(Bond::Free)
    }
}

impl<T: Send + 'static> Detached<FlowCall<T>> {
    /// Starts the run. Outside of a tokio runtime the future fails.
    pub fn submit(self) -> FlowFuture<T> {
        self.0.start(Bond::Free)
    }
}
