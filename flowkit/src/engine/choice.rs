//! States that a body chooses to end its run in.

use std::any::Any;
use std::slice;

use crate::error::{Error, ErrorKind};
use crate::state::{State, aggregate};
use crate::user_error::{UserError, causes};

/// The state that a returned value stands for: it is one, or it is a list of those of other runs.
pub(super) fn of_value<T: 'static>(value: &T) -> Option<State> {
    let value: &dyn Any = value;
    if let Some(state) = value.downcast_ref::<State>() {
        return Some(closing(if state.is_chosen() { state.clone() } else { aggregate(slice::from_ref(state)) }));
    }
    let states = value.downcast_ref::<Vec<State>>().filter(|states| !states.is_empty())?;
    Some(closing(aggregate(states)))
}

/// The state that a returned error carries. What another run has ended with is no choice of this one.
pub(super) fn of_error(error: &UserError) -> Option<State> {
    let first = causes(Some(error.as_std())).find_map(|error| error.downcast_ref::<Error>())?;
    first.choice().cloned().map(closing)
}

/// What whoever awaits the run gets. `subject` is the run: `task run 'load-1a2'`.
pub(super) fn result<T: 'static>(subject: &str, state: &State, value: Option<T>) -> Result<T, Error> {
    let error = |what: &str| Error::new(state.error_kind(), format!("{subject} {what} {state}"));
    if state.is_completed() {
        value.or_else(unit).ok_or_else(|| error("has no value: it ended in state"))
    } else {
        Err(error("ended in state"))
    }
}

/// The value of a run that needs none.
fn unit<T: 'static>() -> Option<T> {
    let mut value: Option<T> = None;
    let place: &mut dyn Any = &mut value;
    if let Some(place) = place.downcast_mut::<Option<()>>() {
        *place = Some(());
    }
    value
}

fn closing(state: State) -> State {
    if state.is_final() {
        return state;
    }
    State::failed().with_message(format!("the body chose the state {state}, which does not end a run"))
}

/// Tells whether a run has completed all the same, only without a value.
pub(crate) fn has_completed(failure: &Error) -> bool {
    failure.kind() == ErrorKind::NoValue
}
