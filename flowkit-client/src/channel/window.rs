//! The events that are not confirmed yet, in order. Pure.

use std::collections::VecDeque;

use tokio::sync::OwnedSemaphorePermit;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::model::Event;

/// Holds an event as it travels. Dropping it frees its place in the channel.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) frame: Utf8Bytes,
    pub(super) _place: OwnedSemaphorePermit,
}

/// Holds the unconfirmed events, numbered in the order they came, from 1.
#[derive(Debug, Default)]
pub(super) struct Window {
    items: VecDeque<Item>,
    /// How many have left at the front.
    gone: u64,
}

impl Window {
    pub(super) fn push(&mut self, item: Item) {
        self.items.push_back(item);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Gives the number of the last event that has left.
    pub(super) fn gone(&self) -> u64 {
        self.gone
    }

    /// Gives the number of the last event that has come.
    pub(super) fn last(&self) -> u64 {
        self.gone + self.items.len() as u64
    }

    /// Gives at most `most` frames that come after a number.
    pub(super) fn after(&self, number: u64, most: usize) -> Vec<Utf8Bytes> {
        let skip = usize::try_from(number.saturating_sub(self.gone)).unwrap_or(usize::MAX);
        self.items.iter().skip(skip).take(most).map(|item| item.frame.clone()).collect()
    }

    /// Gives the first frames, as many as fit but at least one.
    pub(super) fn first(&self, most: usize, most_bytes: usize) -> Vec<Utf8Bytes> {
        let mut bytes = 0;
        let fit = self.items.iter().take(most).take_while(|item| {
            bytes += item.frame.len() + 1;
            bytes <= most_bytes
        });
        let count = fit.count().max(1);
        self.items.iter().take(count).map(|item| item.frame.clone()).collect()
    }

    /// Lets everything up to a number leave, and tells how many that were.
    pub(super) fn leave_through(&mut self, number: u64) -> u64 {
        let leaving = number.saturating_sub(self.gone).min(self.items.len() as u64);
        self.items.drain(..usize::try_from(leaving).unwrap_or(usize::MAX));
        self.gone += leaving;
        leaving
    }

    /// Gives back what is left, as events.
    pub(super) fn into_events(self) -> Vec<Event> {
        self.items.iter().filter_map(|item| serde_json::from_str(&item.frame).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    fn window(frames: &[&'static str]) -> (Window, Arc<Semaphore>) {
        let places = Arc::new(Semaphore::new(frames.len()));
        let mut window = Window::default();
        for frame in frames {
            let place = Arc::clone(&places).try_acquire_owned().expect("a place for each");
            window.push(Item { frame: Utf8Bytes::from_static(frame), _place: place });
        }
        (window, places)
    }

    fn texts(frames: &[Utf8Bytes]) -> Vec<&str> {
        frames.iter().map(Utf8Bytes::as_str).collect()
    }

    #[test]
    fn numbers_stay_when_the_front_leaves() {
        let (mut window, places) = window(&["a", "b", "c", "d"]);
        assert_eq!((window.gone(), window.last()), (0, 4));
        assert_eq!(texts(&window.after(0, 2)), ["a", "b"]);
        assert_eq!(window.leave_through(2), 2);
        assert_eq!(window.leave_through(1), 0);
        assert_eq!((window.gone(), window.last(), places.available_permits()), (2, 4, 2));
        assert_eq!(texts(&window.after(0, 9)), ["c", "d"]);
        assert_eq!(texts(&window.after(3, 9)), ["d"]);
        assert!(window.after(4, 9).is_empty());
        assert_eq!(window.leave_through(99), 2);
        assert!(window.is_empty());
    }

    #[test]
    fn batches_are_bounded_but_never_empty() {
        let (window, _) = window(&["aaaa", "bb", "cc"]);
        assert_eq!(texts(&window.first(9, 9)), ["aaaa", "bb"]);
        assert_eq!(texts(&window.first(1, 100)), ["aaaa"]);
        assert_eq!(texts(&window.first(9, 1)), ["aaaa"]);
        assert_eq!(texts(&window.first(9, 100)), ["aaaa", "bb", "cc"]);
    }
}
