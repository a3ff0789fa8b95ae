//! How far the delivery of a file is, for the next look. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A note takes whole blocks of this many bytes, so that it can be changed where it is, also on a disk that is full.
const BLOCK: usize = 4096;

/// What stands in the way of a file is given up after so many looks and so long a time.
const LOOKS: u32 = 5;
const STUCK: TimeDelta = TimeDelta::hours(1);

/// The note.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Note {
    /// How many records are delivered.
    pub(super) done: u64,
    /// When flow runs entered the states that the server has last answered with, by its clock: what it shows of them is
    /// this delivery's own work up to then. Those that have ended are left out.
    pub(super) answered: BTreeMap<Uuid, DateTime<Utc>>,
    /// How many looks in a row have failed at the same record, and since when.
    looks: u32,
    since: Option<DateTime<Utc>>,
}

impl Note {
    /// Reads it; one that cannot be read tells nothing.
    pub(super) fn read(text: &str) -> Self {
        serde_json::from_str(text.trim()).unwrap_or_default()
    }

    /// Writes it, in whole blocks.
    pub(super) fn text(&self) -> std::io::Result<String> {
        let mut text = serde_json::to_string(self)?;
        let size = (text.len() + 1).next_multiple_of(BLOCK);
        text.extend(std::iter::repeat_n(' ', size - 1 - text.len()));
        text.push('\n');
        Ok(text)
    }

    /// Notes that so many records are delivered.
    pub(super) fn advance(&mut self, done: u64) {
        (self.done, self.looks, self.since) = (done, 0, None);
    }

    /// Notes that a look has failed at a record that others may get past.
    pub(super) fn failed(&mut self, now: DateTime<Utc>) {
        self.looks += 1;
        self.since.get_or_insert(now);
    }

    /// Tells whether people should hear that the file stays.
    pub(super) fn is_worth_a_word(&self) -> bool {
        self.looks == 2
    }

    /// Tells whether the server will never take what stands in the way.
    pub(super) fn is_hopeless(&self, now: DateTime<Utc>) -> bool {
        self.looks >= LOOKS && self.since.is_some_and(|since| now - since >= STUCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_takes_the_same_room_again() {
        let mut note = Note::default();
        let empty = note.text().expect("json");
        assert_eq!(empty.len(), BLOCK);
        note.advance(7_000);
        note.answered.insert(Uuid::from_u128(1), DateTime::UNIX_EPOCH);
        let text = note.text().expect("json");
        assert_eq!((text.len(), Note::read(&text)), (BLOCK, note.clone()));
        note.answered.extend((2..200).map(|run| (Uuid::from_u128(run), DateTime::UNIX_EPOCH)));
        let large = note.text().expect("json");
        assert!(large.len() > BLOCK && large.len().is_multiple_of(BLOCK) && Note::read(&large) == note);
        assert_eq!(Note::read(&text[..20]), Note::default(), "a torn one tells nothing");
        assert_eq!(Note::read(""), Note::default());
    }

    #[test]
    fn what_stands_in_the_way_for_long_and_often_is_given_up() {
        let at = |minutes| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        let mut note = Note::default();
        (0..10).for_each(|minute| note.failed(at(minute)));
        assert!(!note.is_hopeless(at(59)), "the server may be busy");
        assert!(note.is_hopeless(at(60)));
        note.advance(1);
        note.failed(at(61));
        assert!(!note.is_hopeless(at(600)), "it was one look");
        assert_eq!(note.done, 1);
    }
}
