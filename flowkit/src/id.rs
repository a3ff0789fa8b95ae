//! Identifiers of runs and states.
//!
//! Task runs are named by the process that runs them (a time-ordered UUID, version 7); flow runs by the
//! backend. Everything else that Prefect wants an id for is derived from a run's id, so that it costs nothing
//! until somebody asks and is the same however often it is asked for.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::{self, Timestamp};
use crate::error::{Error, ErrorKind};

macro_rules! run_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id for the present moment.
            #[must_use]
            pub fn now() -> Self {
                Self(time_ordered(clock::now()))
            }

            /// Returns the id as a plain UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let refuse = |_| Error::new(ErrorKind::Input, format!("`{text}` is not the id of a run, which is a UUID"));
                text.parse().map(Self).map_err(refuse)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

run_id! {
    /// Identifies one flow run.
    FlowRunId
}
run_id! {
    /// Identifies one task run.
    TaskRunId
}

/// Identifies a run of either kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RunId {
    Flow(FlowRunId),
    Task(TaskRunId),
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flow(id) => write!(f, "flow run {id}"),
            Self::Task(id) => write!(f, "task run {id}"),
        }
    }
}

impl TaskRunId {
    pub(crate) fn at(moment: Timestamp) -> Self {
        Self(time_ordered(moment))
    }

    /// Returns the key that tells this task run from other runs of its task in one flow run.
    ///
    /// Prefect calls it the dynamic key. It looks random (version 4) and is a function of the id.
    #[must_use]
    pub fn dynamic_key(self) -> Uuid {
        let (high, low) = self.0.as_u64_pair();
        uuid::Builder::from_random_bytes(wide(mix(low ^ 0x5bd1), mix(high ^ low))).into_uuid()
    }

    /// The name that a run of the task has if it was given none.
    pub(crate) fn default_name(self, task: &str) -> String {
        let key = self.dynamic_key().simple().to_string();
        format!("{task}-{}", &key[..3])
    }
}

/// Returns the id of the `index`-th state of a run: time-ordered, unique, the same at every call.
pub(crate) fn state_id(run: Uuid, index: usize, entered: Timestamp) -> Uuid {
    let (high, low) = run.as_u64_pair();
    let seed = mix(low.wrapping_add(index as u64 + 1));
    let random = wide(seed, mix(seed ^ high));
    from_parts(entered, random)
}

/// Returns the id of something that is known by its name alone: the same at every call, and in every process.
pub(crate) fn id_of(kind: &str, name: &str) -> Uuid {
    let taken = |seed: u64| {
        let bytes = kind.bytes().chain([0]).chain(name.bytes());
        bytes.fold(seed, |taken, byte| mix(taken ^ u64::from(byte)))
    };
    uuid::Builder::from_random_bytes(wide(taken(1), taken(2))).into_uuid()
}

/// Returns a new id of an event that is told at a moment, greater than all before: at the same moment they say the order.
pub(crate) fn event_id(moment: Timestamp) -> Uuid {
    static LAST: Mutex<Uuid> = Mutex::new(Uuid::nil());
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let next = Uuid::from_u128(last.as_u128().saturating_add(1));
    *last = time_ordered(moment).max(next);
    *last
}

fn time_ordered(moment: Timestamp) -> Uuid {
    let random = wide(fastrand::u64(..), fastrand::u64(..));
    from_parts(moment, random)
}

fn from_parts(moment: Timestamp, random: [u8; 16]) -> Uuid {
    let mut tail = [0; 10];
    tail.copy_from_slice(&random[..10]);
    uuid::Builder::from_unix_timestamp_millis(moment.unix_millis(), &tail).into_uuid()
}

fn wide(high: u64, low: u64) -> [u8; 16] {
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): a bijection that spreads every input bit.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_seven_and_ordered_by_time() {
        let early = TaskRunId::at(Timestamp::from_unix_micros(1_000_000));
        let late = TaskRunId::at(Timestamp::from_unix_micros(2_000_000));
        assert_eq!(early.uuid().get_version_num(), 7);
        assert!(early < late);
    }

    #[test]
    fn derived_ids_are_stable_and_differ_from_each_other() {
        let run = TaskRunId::now();
        let at = Timestamp::from_unix_micros(5_000_000);
        assert_eq!(run.dynamic_key(), run.dynamic_key());
        assert_eq!(run.dynamic_key().get_version_num(), 4);
        assert_eq!(state_id(run.uuid(), 0, at), state_id(run.uuid(), 0, at));
        assert_ne!(state_id(run.uuid(), 0, at), state_id(run.uuid(), 1, at));
        assert_ne!(state_id(run.uuid(), 0, at), state_id(TaskRunId::now().uuid(), 0, at));
    }
}
