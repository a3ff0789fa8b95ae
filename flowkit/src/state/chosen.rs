//! States that code chooses for its own run.

use crate::clock;
use crate::error::{Error, ErrorKind};
use crate::state::{State, StateName, StateType};

/// Ends the present run in a state of one's own choice, by `?` or `return Err(..)` from wherever an error is accepted.
///
/// A Failed state counts as a failure: it is retried if retries are left. A Completed state has no value, so whoever
/// awaits the run gets an error of kind [`ErrorKind::NoValue`], unless the value is `()`. A function that returns
/// [`State`], or a `Result` of it, ends in the state it returns without this.
///
/// ```
/// use flowkit::{State, StateType, prelude::*};
///
/// #[task]
/// async fn load(rows: u32) -> anyhow::Result<()> {
///     if rows == 0 {
///         return Err(flowkit::end_as(State::completed().with_name("Skipped").with_message("no rows")).into());
///     }
///     Ok(())
/// }
///
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
/// let state = load(0).submit().wait().await;
/// assert_eq!((state.name(), state.state_type()), ("Skipped", StateType::Completed));
/// # });
/// ```
#[must_use = "the run goes on unless this is returned as an error"]
pub fn end_as(state: State) -> Error {
    Error::of_choice(state.chosen())
}

impl State {
    /// Chooses to end well; to be returned, or given to [`end_as`].
    #[must_use]
    pub fn completed() -> Self {
        Self::new(StateName::Completed, clock::now()).chosen()
    }

    /// Chooses to fail.
    #[must_use]
    pub fn failed() -> Self {
        Self::new(StateName::Failed, clock::now()).chosen()
    }

    /// Chooses to end as a run that was stopped on request.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(StateName::Cancelled, clock::now()).chosen()
    }

    /// Chooses to end as a run that was ended from outside.
    #[must_use]
    pub fn crashed() -> Self {
        Self::new(StateName::Crashed, clock::now()).chosen()
    }

    /// Replaces the name and keeps the type: `State::completed().with_name("Skipped")`.
    #[must_use]
    pub fn with_name(self, name: &str) -> Self {
        let named = Self::named(self.state_type, name, self.timestamp);
        let mut extra = self.extra.unwrap_or_default();
        extra.custom_name = named.extra.and_then(|extra| extra.custom_name);
        Self { name: named.name, extra: Some(extra), ..self }
    }

    /// Turns a state that is not Completed into an error (Prefect's `raise_on_failure`), to let it fail what comes
    /// next: `future.wait().await.into_result()?`.
    ///
    /// # Errors
    /// An error of the kind that fits the state, with the state's message; of kind [`ErrorKind::NotReady`] if the state
    /// is not final.
    pub fn into_result(self) -> Result<Self, Error> {
        if self.is_completed() {
            Ok(self)
        } else {
            Err(Error::new(self.error_kind(), format!("the run is in state {self}")))
        }
    }

    /// Marks a state as made by hand, unlike one that a run has been in.
    pub(crate) fn chosen(mut self) -> Self {
        self.extra_mut().chosen = true;
        self
    }

    /// Tells whether a state was made by hand.
    pub(crate) fn is_chosen(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| extra.chosen)
    }

    /// Makes a chosen state one that a run is in.
    pub(crate) fn entered(mut self) -> Self {
        if let Some(extra) = &mut self.extra {
            extra.chosen = false;
        }
        self
    }

    /// The kind of the error that whoever awaits a run in this state gets.
    pub(crate) fn error_kind(&self) -> ErrorKind {
        match self.state_type {
            StateType::Completed => ErrorKind::NoValue,
            StateType::Failed if self.is(StateName::TimedOut) => ErrorKind::TimedOut,
            StateType::Failed => ErrorKind::Failed,
            StateType::Cancelled => ErrorKind::Cancelled,
            StateType::Crashed => ErrorKind::Crashed,
            _ => ErrorKind::NotReady,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_ones_own_keeps_type_and_message() {
        let state = State::completed().with_message("no rows").with_name("Skipped");
        assert_eq!(state.to_string(), "Skipped('no rows', type=COMPLETED)");
        assert!(state.with_name("Cached").is(StateName::Cached));
    }

    #[test]
    fn a_state_becomes_an_error_of_the_kind_that_fits() {
        let kind = |state: State| state.into_result().map_err(|error| error.kind()).err();
        assert_eq!(kind(State::completed()), None);
        assert_eq!(kind(State::failed()), Some(ErrorKind::Failed));
        assert_eq!(kind(State::failed().with_name("TimedOut")), Some(ErrorKind::TimedOut));
        assert_eq!(kind(State::cancelled()), Some(ErrorKind::Cancelled));
        assert_eq!(kind(State::crashed()), Some(ErrorKind::Crashed));
        assert_eq!(kind(State::new(StateName::Running, clock::now())), Some(ErrorKind::NotReady));
        let error = State::failed().with_message("boom").into_result().expect_err("it failed");
        assert_eq!(error.to_string(), "the run is in state Failed('boom')");
    }
}
