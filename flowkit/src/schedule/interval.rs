//! Intervals: every so often, counted from an anchor.

use std::time::Duration;

use chrono::TimeDelta;

use super::zone::Zone;
use crate::clock::Timestamp;

/// The length from which an interval is counted on the wall's clock.
const A_DAY: i64 = 86_400_000_000;

/// Is an interval with its anchor.
///
/// Shorter than a day, it counts elapsed time: an hourly run comes every 60 minutes whatever the clocks do. From a
/// day on it counts on the wall's clock: a daily run at nine comes at nine before and after a change of the clocks.
/// The dates follow from anchor, interval and zone alone, never from the moment they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    /// The interval in microseconds, at least one.
    every: i64,
    anchor: Timestamp,
}

impl Interval {
    /// Makes an interval; `None` when it is shorter than a microsecond or longer than can be counted.
    pub(super) fn new(every: Duration, anchor: Timestamp) -> Option<Self> {
        let every = i64::try_from(every.as_micros()).ok().filter(|every| (1..i64::MAX / 4).contains(every))?;
        Some(Self { every, anchor })
    }

    /// Returns the number of the first date that is not before `start`; the anchor has number 0.
    pub(super) fn number_from(self, start: Timestamp, zone: Zone) -> i64 {
        let elapsed = if self.every < A_DAY {
            start.unix_micros().saturating_sub(self.anchor.unix_micros())
        } else {
            let span = zone.wall(start) - zone.wall(self.anchor);
            span.num_microseconds().unwrap_or(i64::MAX)
        };
        // Around a change of the clocks the wall is some hours off, at most one interval.
        let mut number = elapsed.div_euclid(self.every) - 1;
        while self.date(number, zone).is_some_and(|date| date < start) {
            number += 1;
        }
        number
    }

    /// Returns the date with a number; `None` beyond the end of the calendar.
    pub(super) fn date(self, number: i64, zone: Zone) -> Option<Timestamp> {
        let distance = self.every.checked_mul(number)?;
        if number == 0 || self.every < A_DAY {
            return self.anchor.unix_micros().checked_add(distance).map(Timestamp::from_unix_micros);
        }
        zone.wall(self.anchor).checked_add_signed(TimeDelta::microseconds(distance)).map(|wall| zone.second(wall))
    }
}
