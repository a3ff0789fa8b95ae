//! What goes next from a file that keeps more than it is to. Pure.

use crate::clock::Timestamp;
use crate::retention::Retention;

/// What is known of a file.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Look {
    /// How many bytes hold something.
    pub(super) used: u64,
    /// How many bytes of the file hold nothing.
    pub(super) free: u64,
    /// The flow run, no subflow run, that ended first of those below which everything has ended, and when.
    pub(super) flow_run: Option<(i64, Timestamp)>,
    /// When the oldest task run outside of flows ended, of those that have.
    pub(super) task_run: Option<Timestamp>,
    /// When the oldest log line outside of flows was written.
    pub(super) log: Option<Timestamp>,
    /// When the oldest artifact outside of flows was made.
    pub(super) artifact: Option<Timestamp>,
    /// When the oldest event happened.
    pub(super) event: Option<Timestamp>,
}

/// What is to be done next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// Removing this flow run with everything below it.
    FlowRun(i64),
    /// Removing task runs outside of flows, the oldest of those that ended by then.
    TaskRuns(Timestamp),
    /// Removing log lines outside of flows, the oldest of those written by then.
    Logs(Timestamp),
    /// Removing artifacts outside of flows, the oldest of those made by then.
    Artifacts(Timestamp),
    /// Removing events, the oldest of those that happened by then.
    Events(Timestamp),
    /// Giving room that is free back to the file system.
    Shrink,
    Nothing,
}

/// Free room that is never given back: it is filled again soon.
const RESERVE: u64 = 256 << 10;

/// Decides what is to be done next: what is too old goes, and the oldest as long as there is too much.
pub(super) fn next(keep: &Retention, now: Timestamp, look: &Look) -> Next {
    let flow_run = look.flow_run.map(|(number, at)| (at, Kind::FlowRun(number)));
    let task_run = look.task_run.map(|at| (at, Kind::TaskRuns));
    let log = look.log.map(|at| (at, Kind::Logs));
    let artifact = look.artifact.map(|at| (at, Kind::Artifacts));
    let event = look.event.map(|at| (at, Kind::Events));
    let oldest = [flow_run, task_run, log, artifact, event].into_iter().flatten().min_by_key(|(at, _)| *at);
    let too_much = keep.size.is_some_and(|size| look.used > size);
    if let Some((at, kind)) = oldest {
        let too_old = keep.age.filter(|age| now.since(at) > *age);
        if too_much || too_old.is_some() {
            // All of that age go in one go, and if there is too much, whatever comes first.
            let until = match too_old {
                Some(age) if !too_much => before(now, age),
                _ => now.max(at),
            };
            return match kind {
                Kind::FlowRun(number) => Next::FlowRun(number),
                Kind::TaskRuns => Next::TaskRuns(until),
                Kind::Logs => Next::Logs(until),
                Kind::Artifacts => Next::Artifacts(until),
                Kind::Events => Next::Events(until),
            };
        }
    }
    if look.free > RESERVE + look.used / 8 { Next::Shrink } else { Next::Nothing }
}

enum Kind {
    FlowRun(i64),
    TaskRuns,
    Logs,
    Artifacts,
    Events,
}

/// The moment that was this long ago.
pub(super) fn before(now: Timestamp, age: std::time::Duration) -> Timestamp {
    let micros = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_unix_micros(now.unix_micros().saturating_sub(micros))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_micros(seconds * 1_000_000)
    }

    fn keep(age: Option<u64>, size: Option<u64>) -> Retention {
        Retention { age: age.map(Duration::from_secs), size }
    }

    fn full() -> Look {
        let (flow_run, task_run, log) = (Some((7, at(10))), Some(at(20)), Some(at(30)));
        Look { used: 1000, free: 0, flow_run, task_run, log, artifact: Some(at(40)), event: Some(at(50)) }
    }

    #[test]
    fn nothing_goes_within_the_limits_or_without_any() {
        assert_eq!(next(&keep(Some(100), Some(1000)), at(110), &full()), Next::Nothing);
        assert_eq!(next(&keep(None, None), at(i64::MAX / 2_000_000), &full()), Next::Nothing);
        assert_eq!(next(&keep(Some(1), Some(1)), at(110), &Look::default()), Next::Nothing);
    }

    #[test]
    fn what_is_too_old_goes_the_oldest_first_and_nothing_younger() {
        let keep = keep(Some(100), None);
        assert_eq!(next(&keep, at(111), &full()), Next::FlowRun(7));
        let look = Look { flow_run: None, ..full() };
        assert_eq!(next(&keep, at(111), &look), Next::Nothing);
        assert_eq!(next(&keep, at(121), &look), Next::TaskRuns(at(21)));
        let look = Look { task_run: None, ..look };
        assert_eq!(next(&keep, at(131), &look), Next::Logs(at(31)));
        let look = Look { log: None, ..look };
        assert_eq!(next(&keep, at(141), &look), Next::Artifacts(at(41)));
        assert_eq!(next(&keep, at(151), &Look { artifact: None, ..look }), Next::Events(at(51)));
    }

    #[test]
    fn the_oldest_goes_as_long_as_there_is_too_much() {
        let keep = keep(Some(100), Some(999));
        assert_eq!(next(&keep, at(40), &full()), Next::FlowRun(7));
        let look = Look { flow_run: Some((8, at(25))), ..full() };
        assert_eq!(next(&keep, at(40), &look), Next::TaskRuns(at(40)));
        assert_eq!(next(&keep, at(40), &Look { used: 999, ..look }), Next::Nothing);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_keep_the_oldest() {
        let look = Look { flow_run: None, ..full() };
        assert_eq!(next(&keep(None, Some(1)), at(5), &look), Next::TaskRuns(at(20)));
    }

    #[test]
    fn free_room_is_given_back_once_it_is_more_than_will_be_filled_soon() {
        let look = |used, free| Look { used, free, ..Look::default() };
        let keep = keep(Some(100), Some(8 << 20));
        assert_eq!(next(&keep, at(0), &look(0, RESERVE)), Next::Nothing);
        assert_eq!(next(&keep, at(0), &look(0, RESERVE + 1)), Next::Shrink);
        assert_eq!(next(&keep, at(0), &look(8 << 20, RESERVE + (1 << 20))), Next::Nothing);
        assert_eq!(next(&keep, at(0), &look(8 << 20, RESERVE + (1 << 20) + 1)), Next::Shrink);
    }
}
