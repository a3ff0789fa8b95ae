//! What we call the condition of a run: Prefect's states, types and names.

mod aggregate;
mod chosen;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::pause_details::PauseDetails;
use crate::record::ResultRef;
use crate::redact::redact;

pub use aggregate::aggregate;
pub use chosen::end_as;

/// The nine types a state can have (Prefect's `StateType`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum StateType {
    /// Will start at a later time.
    Scheduled,
    /// Has been asked for and waits for what it needs.
    Pending,
    /// Its body is executing.
    Running,
    /// Ended well. Final.
    Completed,
    /// Ended with an error of its own. Final.
    Failed,
    /// Was stopped on request. Final.
    Cancelled,
    /// Was ended by something outside of its code. Final.
    Crashed,
    /// Waits for somebody to let it go on.
    Paused,
    /// Has been asked to stop and has not stopped yet.
    Cancelling,
}

impl StateType {
    /// Tells whether a run in such a state has ended.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Crashed)
    }

    /// Returns the type as it is written in Prefect's API, such as `COMPLETED`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Crashed => "CRASHED",
            Self::Paused => "PAUSED",
            Self::Cancelling => "CANCELLING",
        }
    }
}

macro_rules! names {
    ($($name:ident => $ty:ident),* $(,)?) => {
        /// The standard names of states; several names share a type.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum StateName {
            $(
                #[doc = concat!("`", stringify!($name), "`, of type [`StateType::", stringify!($ty), "`].")]
                $name,
            )*
        }

        impl StateName {
            /// Returns the type that states of this name have.
            #[must_use]
            pub const fn state_type(self) -> StateType {
                match self { $(Self::$name => StateType::$ty,)* }
            }

            /// Returns the name as it is written in Prefect's API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }

        const STANDARD: &[StateName] = &[$(StateName::$name),*];
    };
}

names! {
    Scheduled => Scheduled,
    Late => Scheduled,
    AwaitingRetry => Scheduled,
    AwaitingConcurrencySlot => Scheduled,
    Resuming => Scheduled,
    Pending => Pending,
    Submitting => Pending,
    InfrastructurePending => Pending,
    NotReady => Pending,
    Running => Running,
    Retrying => Running,
    Completed => Completed,
    Cached => Completed,
    RolledBack => Completed,
    Failed => Failed,
    TimedOut => Failed,
    Cancelled => Cancelled,
    Crashed => Crashed,
    Paused => Paused,
    Suspended => Paused,
    Interrupted => Paused,
    Cancelling => Cancelling,
}

/// Facts that go with some states.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
#[non_exhaustive]
pub struct StateDetails {
    /// When a run in a scheduled state will start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_time: Option<Timestamp>,
    /// Whether running again could help; `false` on failures that came from an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retriable: Option<bool>,
    /// What goes with a paused state. Only flow runs have one.
    #[serde(skip)]
    pub pause: Option<Box<PauseDetails>>,
}

/// The state of a run: type, name, the moment it was entered, and sometimes a message.
#[derive(Clone, PartialEq)]
pub struct State {
    state_type: StateType,
    name: Option<StateName>,
    timestamp: Timestamp,
    extra: Option<Box<Extra>>,
}

/// What most states do not have; apart, so that a state is three words.
#[derive(Clone, PartialEq, Default)]
struct Extra {
    custom_name: Option<Box<str>>,
    message: Option<Box<str>>,
    details: StateDetails,
    data: Option<Box<ResultRef>>,
    /// Made by hand, to end a run in.
    chosen: bool,
}

impl State {
    /// Makes a state of a standard name.
    #[must_use]
    pub const fn new(name: StateName, timestamp: Timestamp) -> Self {
        Self { state_type: name.state_type(), name: Some(name), timestamp, extra: None }
    }

    /// Makes a state with a name of its own; a standard name is recognised.
    #[must_use]
    pub fn named(state_type: StateType, name: &str, timestamp: Timestamp) -> Self {
        let standard = STANDARD.iter().find(|known| known.as_str() == name && known.state_type() == state_type);
        let mut state = Self { state_type, name: standard.copied(), timestamp, extra: None };
        if standard.is_none() {
            state.extra_mut().custom_name = Some(name.into());
        }
        state
    }

    /// Adds a message, with the values of known [`Secret`](crate::Secret)s masked.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.extra_mut().message = Some(redact(message.into()).into_boxed_str());
        self
    }

    /// Adds the time at which a scheduled run will start.
    #[must_use]
    pub fn with_scheduled_time(mut self, at: Timestamp) -> Self {
        self.extra_mut().details.scheduled_time = Some(at);
        self
    }

    /// Says whether running again could help.
    #[must_use]
    pub fn with_retriable(mut self, retriable: bool) -> Self {
        self.extra_mut().details.retriable = Some(retriable);
        self
    }

    /// Adds what goes with a paused state.
    #[must_use]
    pub fn with_pause(mut self, pause: PauseDetails) -> Self {
        self.extra_mut().details.pause = Some(Box::new(pause));
        self
    }

    /// Adds the place where the result is stored.
    #[must_use]
    pub(crate) fn with_data(mut self, data: ResultRef) -> Self {
        self.extra_mut().data = Some(Box::new(data));
        self
    }

    /// Replaces the moment at which the state was entered.
    #[must_use]
    pub fn at(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = timestamp;
        self
    }

    fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// Returns the type.
    #[must_use]
    pub fn state_type(&self) -> StateType {
        self.state_type
    }

    /// Returns the name, such as `Completed` or `AwaitingRetry`.
    #[must_use]
    pub fn name(&self) -> &str {
        match (self.name, self.extra.as_deref()) {
            (Some(name), _) => name.as_str(),
            (None, Some(Extra { custom_name: Some(name), .. })) => name,
            (None, _) => self.state_type.as_str(),
        }
    }

    /// Tells whether the state has this standard name.
    #[must_use]
    pub fn is(&self, name: StateName) -> bool {
        self.name == Some(name)
    }

    /// Returns the moment at which the state was entered.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Returns the message, if there is one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.extra.as_ref()?.message.as_deref()
    }

    /// Returns where the result of the run is stored; `None` unless it was persisted.
    ///
    /// [`Runtime::result_of`](crate::Runtime::result_of) reads it.
    #[must_use]
    pub fn data(&self) -> Option<&ResultRef> {
        self.extra.as_ref()?.data.as_deref()
    }

    /// Returns the facts that go with the state.
    #[must_use]
    pub fn details(&self) -> StateDetails {
        self.extra.as_ref().map(|extra| extra.details.clone()).unwrap_or_default()
    }

    /// Lends what goes with a paused state.
    pub(crate) fn pause(&self) -> Option<&PauseDetails> {
        self.extra.as_ref()?.details.pause.as_deref()
    }

    /// Tells whether a run in this state has ended.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.state_type.is_final()
    }

    /// Tells whether nothing can follow: the run has ended, or (NotReady) will never start.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_final() || self.is(StateName::NotReady)
    }

    /// Tells whether the run ended well.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.state_type == StateType::Completed
    }

    /// Tells whether the run ended with an error of its own.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.state_type == StateType::Failed
    }

    /// Tells whether the run was stopped on request.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state_type == StateType::Cancelled
    }

    /// Tells whether the run was ended by something outside of its code.
    #[must_use]
    pub fn is_crashed(&self) -> bool {
        self.state_type == StateType::Crashed
    }
}

/// Shows the state as Prefect's logs do: `Completed()`, `Failed('the reason')`, `Cached(type=COMPLETED)`.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, state_type) = (self.name(), self.state_type.as_str());
        let plain = name.eq_ignore_ascii_case(state_type);
        match (self.message(), plain) {
            (Some(message), true) => write!(f, "{name}('{message}')"),
            (Some(message), false) => write!(f, "{name}('{message}', type={state_type})"),
            (None, true) => write!(f, "{name}()"),
            (None, false) => write!(f, "{name}(type={state_type})"),
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_micros(0);

    #[test]
    fn a_state_is_three_words() {
        assert_eq!(size_of::<State>(), 24);
    }

    #[test]
    fn standard_names_keep_their_type_and_other_names_are_free() {
        assert!(State::named(StateType::Completed, "Cached", NOW).is(StateName::Cached));
        let own = State::named(StateType::Completed, "MyDone", NOW);
        assert_eq!((own.name(), own.state_type()), ("MyDone", StateType::Completed));
        let odd = State::named(StateType::Failed, "Completed", NOW);
        assert!(odd.is_failed() && !odd.is(StateName::Completed));
    }

    #[test]
    fn the_display_form_is_prefects() {
        assert_eq!(State::new(StateName::Completed, NOW).to_string(), "Completed()");
        let failed = State::new(StateName::Failed, NOW).with_message("boom");
        assert_eq!(failed.to_string(), "Failed('boom')");
        assert_eq!(State::new(StateName::Cached, NOW).to_string(), "Cached(type=COMPLETED)");
    }
}
