//! Which events somebody has been given, and from when on the server is asked again. Pure.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use uuid::Uuid;

use crate::clock::Timestamp;

/// Events may come to the server this much later than others that happened at the same time, and are found all the same.
const OVERLAP: Duration = Duration::from_secs(60);

/// How many events are remembered at most.
const MOST: usize = 100_000;

/// The events that have been given.
#[derive(Debug)]
pub(super) struct Seen {
    start: Timestamp,
    last: Timestamp,
    ids: HashSet<Uuid>,
    by_time: BTreeSet<(Timestamp, Uuid)>,
}

impl Seen {
    /// Nothing has been given of what happened from `start` on.
    pub(super) fn new(start: Timestamp) -> Self {
        Self { start, last: start, ids: HashSet::new(), by_time: BTreeSet::new() }
    }

    /// Takes note of an event; tells whether it is to be given, since it has not been.
    pub(super) fn is_new(&mut self, id: Uuid, occurred: Timestamp) -> bool {
        if occurred < self.start || !self.ids.insert(id) {
            return false;
        }
        self.last = self.last.max(occurred);
        self.by_time.insert((occurred, id));
        while self.by_time.len() > MOST
            && let Some((forgotten, id)) = self.by_time.pop_first()
        {
            self.ids.remove(&id);
            // What is forgotten must not be asked for again.
            self.start = self.start.max(forgotten.after(Duration::from_micros(1)));
        }
        let old = before(self.last, 2 * OVERLAP);
        while let Some((occurred, id)) = self.by_time.first().copied()
            && occurred < old
        {
            self.by_time.pop_first();
            self.ids.remove(&id);
            self.start = self.start.max(occurred.after(Duration::from_micros(1)));
        }
        true
    }

    /// From when on the server is to be asked, so that nothing is missed.
    pub(super) fn since(&self) -> Timestamp {
        self.start.max(before(self.last, OVERLAP))
    }
}

fn before(moment: Timestamp, by: Duration) -> Timestamp {
    let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_unix_micros(moment.unix_micros().saturating_sub(micros))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_micros(seconds * SECOND)
    }

    #[test]
    fn it_is_asked_again_from_a_little_before_the_last() {
        let mut seen = Seen::new(at(1000));
        assert_eq!(seen.since(), at(1000));
        assert!(!seen.is_new(Uuid::from_u128(9), at(999)), "it is older than what was asked for");
        assert!(seen.is_new(Uuid::from_u128(1), at(1010)));
        assert_eq!(seen.since(), at(1000));
        assert!(seen.is_new(Uuid::from_u128(2), at(2000)));
        assert_eq!(seen.since(), at(1940));
        assert!(!seen.is_new(Uuid::from_u128(2), at(2000)));
    }

    proptest! {
        /// Whatever connections are lost, all events that come late by less than the overlap are given, each once.
        #[test]
        fn each_event_is_given_once(
            events in prop::collection::vec((0i64..600, 0i64..59), 1..60),
            lost in prop::collection::btree_set(0usize..60, 0..10),
        ) {
            // In the order in which the server gets them: those that happened late first.
            let mut arrivals: Vec<(i64, i64, u128)> =
                events.iter().zip(1..).map(|((happened, late), id)| (happened + late, *happened, id)).collect();
            arrivals.sort_unstable();
            let mut seen = Seen::new(at(0));
            let mut given = Vec::new();
            let mut give = |seen: &mut Seen, id: u128, happened: i64| {
                if seen.is_new(Uuid::from_u128(id), at(happened)) {
                    given.push(id);
                }
            };
            for (place, (_, happened, id)) in arrivals.iter().enumerate() {
                if lost.contains(&place) {
                    // The connection is away while this one comes; then all that is asked for comes again.
                    let since = seen.since();
                    let stored = &arrivals[..=place];
                    let asked: Vec<_> = stored.iter().filter(|(_, happened, _)| at(*happened) >= since).collect();
                    asked.iter().for_each(|(_, happened, id)| give(&mut seen, *id, *happened));
                } else {
                    give(&mut seen, *id, *happened);
                }
            }
            given.sort_unstable();
            prop_assert_eq!(given, (1..=events.len() as u128).collect::<Vec<_>>());
        }
    }
}
