//! Runs of equal keys go one at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Mutex as Gate, OwnedMutexGuard};

use crate::run::lock;

type Gates = Mutex<HashMap<String, Arc<Gate<()>>>>;

/// The keys that runs of this process are at work on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flights(Arc<Gates>);

/// A run's turn at a key. Dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct Flight {
    all: Arc<Gates>,
    place: String,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Flights {
    /// Waits for the turn.
    ///
    /// # Cancel safety
    /// Dropping it gives up the place in the row.
    pub(crate) async fn enter(&self, place: &str) -> Flight {
        let gate = Arc::clone(lock(&self.0).entry(place.to_owned()).or_default());
        // It is there before the turn is, to clean up if nobody waits for it any more.
        let mut flight = Flight { all: Arc::clone(&self.0), place: place.to_owned(), turn: None };
        flight.turn = Some(gate.lock_owned().await);
        flight
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.turn = None;
        let mut all = lock(&self.all);
        // One that waits has a share of the gate, and got it under this lock.
        if all.get(&self.place).is_some_and(|gate| Arc::strong_count(gate) == 1) {
            all.remove(&self.place);
        }
    }
}

/// The keys that the runs around the code at hand are at work on, the innermost first.
///
/// A run inside of another one with the same key does not wait for it: the other one waits for it already.
#[derive(Debug)]
pub(crate) struct HeldKey {
    place: String,
    outer: Option<Arc<HeldKey>>,
}

impl HeldKey {
    pub(crate) fn new(place: String, outer: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self { place, outer })
    }

    pub(crate) fn is_among(place: &str, held: Option<&Arc<Self>>) -> bool {
        std::iter::successors(held, |held| held.outer.as_ref()).any(|held| held.place == place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_nothing_stays() {
        let flights = Flights::default();
        let first = flights.enter("a").await;
        let _other = flights.enter("b").await;
        let second = tokio::spawn({
            let flights = flights.clone();
            async move { drop(flights.enter("a").await) }
        });
        let third = tokio::spawn({
            let flights = flights.clone();
            async move { drop(flights.enter("a").await) }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        third.abort();
        assert!(third.await.is_err(), "it was aborted while it waited");
        drop(first);
        second.await.expect("no panic");
        assert_eq!(lock(&flights.0).keys().collect::<Vec<_>>(), ["b"]);
    }
}
