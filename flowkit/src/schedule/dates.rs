//! The dates of a schedule, in order.

use std::collections::BTreeSet;

use chrono::{NaiveDateTime, TimeDelta, Timelike};

use super::cron::Cron;
use super::interval::Interval;
use super::rrule::{RuleSet, SetWalk};
use super::zone::Zone;
use crate::clock::Timestamp;

/// No clock goes forward by more than this.
const LONGEST_GAP: TimeDelta = TimeDelta::hours(3);

/// Is an endless or finite row of dates, ascending, each once. Made by [`Schedule::dates_from`](super::Schedule::dates_from).
#[derive(Debug, Clone)]
pub struct Dates {
    source: Source,
    zone: Zone,
    start: Timestamp,
    /// Dates that were found and wait for earlier ones.
    waiting: BTreeSet<Timestamp>,
    /// How far the times on the wall were read: the last one, and the last that exists as a moment.
    wall: Option<NaiveDateTime>,
    frontier: Option<Timestamp>,
    last: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(super) enum Source {
    /// Times on the wall, from the given one on.
    Cron(Box<Cron>, Option<NaiveDateTime>),
    Recurrence(Box<SetWalk>),
    /// Moments, from the number on.
    Interval(Interval, i64),
}

impl Source {
    pub(super) fn cron(cron: Cron, start: Timestamp, zone: Zone) -> Self {
        Self::Cron(Box::new(cron), whole(zone.wall(start)))
    }

    pub(super) fn recurrence(set: &RuleSet, start: Timestamp, zone: Zone) -> Self {
        Self::Recurrence(Box::new(set.walk(zone.wall(start))))
    }

    pub(super) fn interval(interval: Interval, start: Timestamp, zone: Zone) -> Self {
        Self::Interval(interval, interval.number_from(start, zone))
    }
}

/// Rounds up to a second.
fn whole(wall: NaiveDateTime) -> Option<NaiveDateTime> {
    match wall.with_nanosecond(0)? {
        floor if floor == wall => Some(wall),
        floor => floor.checked_add_signed(TimeDelta::seconds(1)),
    }
}

impl Dates {
    pub(super) fn new(source: Source, zone: Zone, start: Timestamp) -> Self {
        Self { source, zone, start, waiting: BTreeSet::new(), wall: None, frontier: None, last: None }
    }

    /// Tells whether no time on the wall that is still to come can be an earlier moment.
    ///
    /// Only those that clocks leave out are moments out of turn, earlier than those before them on the wall.
    fn is_settled(&self, date: Timestamp) -> bool {
        let (Some(wall), Some(frontier)) = (self.wall, self.frontier) else { return false };
        frontier >= date
            && (!self.zone.springs(date, LONGEST_GAP) || wall > self.zone.wall(date) + LONGEST_GAP + LONGEST_GAP)
    }

    fn next_wall(&mut self) -> Option<NaiveDateTime> {
        match &mut self.source {
            Source::Cron(cron, from) => {
                let wall = cron.next((*from)?);
                *from = wall.and_then(|wall| wall.checked_add_signed(TimeDelta::seconds(1)));
                wall
            }
            Source::Recurrence(walk) => walk.next(),
            Source::Interval(..) => None,
        }
    }
}

impl Iterator for Dates {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        if let Source::Interval(interval, number) = &mut self.source {
            let date = interval.date(*number, self.zone)?;
            *number = number.checked_add(1)?;
            return Some(date);
        }
        loop {
            if let Some(first) = self.waiting.first().copied()
                && self.is_settled(first)
            {
                self.last = self.waiting.pop_first();
                return self.last;
            }
            let Some(wall) = self.next_wall() else {
                return self.waiting.pop_first();
            };
            let date = self.zone.first(wall);
            self.wall = Some(wall);
            if self.zone.exists(wall) {
                self.frontier = Some(date);
            }
            if date >= self.start && self.last.is_none_or(|last| date > last) {
                self.waiting.insert(date);
            }
        }
    }
}
