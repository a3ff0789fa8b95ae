//! What is due, and what is next: the memory of a scheduler in this process.

use std::iter::Peekable;

use super::dates::Dates;
use super::misfire::Misfire;
use super::spec::Schedule;
use crate::clock::Timestamp;
use crate::error::Result;

/// Is the next dates of several schedules, of which each is given out once.
///
/// It knows no clock: whoever owns it asks [`next_date`](Self::next_date) how long to wait, and [`take_due`](Self::take_due)
/// when that moment has come or something else woke it up.
#[derive(Debug, Clone)]
pub struct Timetable<K> {
    entries: Vec<Entry<K>>,
}

#[derive(Debug, Clone)]
struct Entry<K> {
    key: K,
    misfire: Misfire,
    dates: Peekable<Dates>,
}

/// Is a date of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Due<K> {
    /// Which schedule it belongs to.
    pub key: K,
    /// When it was due.
    pub at: Timestamp,
}

impl<K> Default for Timetable<K> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<K: Clone + PartialEq> Timetable<K> {
    /// Makes a timetable without schedules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a schedule, or puts it in the place of the one with the same key. An inactive one has no dates.
    ///
    /// Dates after `since` count: the present moment for a new schedule, or the last date that ran for one that is
    /// known, so that what was missed meanwhile follows the schedule's [`Misfire`].
    ///
    /// # Errors
    /// Those of [`Schedule::dates_from`].
    pub fn insert(&mut self, key: K, schedule: &Schedule, since: Timestamp) -> Result<()> {
        let mut dates = schedule.dates_from(since)?.peekable();
        self.remove(&key);
        if schedule.is_active() {
            while dates.next_if(|date| *date <= since).is_some() {}
            self.entries.push(Entry { key, misfire: schedule.get_misfire(), dates });
        }
        Ok(())
    }

    /// Removes the schedule with a key, and tells whether there was one.
    pub fn remove(&mut self, key: &K) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.key != *key);
        self.entries.len() < before
    }

    /// Returns the next date of all schedules, past ones included; `None` when no schedule has a date left.
    pub fn next_date(&mut self) -> Option<Timestamp> {
        self.entries.iter_mut().filter_map(|entry| entry.dates.peek().copied()).min()
    }

    /// Returns the next date of each schedule that has one left, past ones included.
    pub fn upcoming(&mut self) -> Vec<Due<K>> {
        let next = |entry: &mut Entry<K>| Some(Due { key: entry.key.clone(), at: *entry.dates.peek()? });
        self.entries.iter_mut().filter_map(next).collect()
    }

    /// Takes out the next date of one schedule, whether it has come or not, as when its run is called off.
    pub fn take_next(&mut self, key: &K) -> Option<Timestamp> {
        self.entries.iter_mut().find(|entry| entry.key == *key)?.dates.next()
    }

    /// Takes out the dates that are not after `now` and returns those that run, the oldest first.
    ///
    /// No date is taken twice. Those that a schedule's [`Misfire`] leaves out are gone.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<Due<K>> {
        let mut due = Vec::new();
        for entry in &mut self.entries {
            due.extend(entry.take_due(now).into_iter().map(|at| Due { key: entry.key.clone(), at }));
        }
        due.sort_by_key(|due| due.at);
        due
    }

    /// Takes out the dates of one schedule that are not after `now` and returns those that run, as [`take_due`](Self::take_due)
    /// does for all.
    pub fn take_due_of(&mut self, key: &K, now: Timestamp) -> Vec<Timestamp> {
        let entry = self.entries.iter_mut().find(|entry| entry.key == *key);
        entry.map(|entry| entry.take_due(now)).unwrap_or_default()
    }
}

impl<K> Entry<K> {
    fn take_due(&mut self, now: Timestamp) -> Vec<Timestamp> {
        let past = std::iter::from_fn(|| self.dates.next_if(|date| *date <= now));
        self.misfire.made_up(past, now)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::schedule::moment;

    fn begin() -> Timestamp {
        moment("2026-03-28T00:00:00Z").expect("a moment")
    }

    fn fifty() -> Vec<Schedule> {
        (0..50u64)
            .map(|n| match n % 3 {
                0 => Schedule::cron(format!("{}-59/{} * * * *", n, n % 7 + 1)),
                1 => Schedule::interval(60 + n * 7).anchor(begin()),
                _ => Schedule::rrule(format!("FREQ=MINUTELY;INTERVAL={}", n + 1)),
            })
            .collect()
    }

    /// Lets a day pass for a scheduler that sleeps until the next date and wakes up up to `lag` late.
    fn live_a_day(lag: impl Fn(u64) -> Duration) -> Vec<Due<usize>> {
        let mut timetable = Timetable::new();
        for (key, schedule) in fifty().iter().enumerate() {
            timetable.insert(key, schedule, begin()).expect("a schedule without mistakes");
        }
        let end = begin().after(Duration::from_secs(86_400));
        let (mut ran, mut turn) = (Vec::new(), 0);
        while let Some(next) = timetable.next_date().filter(|next| *next <= end) {
            ran.extend(timetable.take_due(next.after(lag(turn)).min(end)));
            turn += 1;
        }
        ran
    }

    #[test]
    fn in_a_day_of_fifty_schedules_every_due_run_comes_once() {
        let ran = live_a_day(|turn| Duration::from_millis(turn * 7919 % 10_000));
        let end = begin().after(Duration::from_secs(86_400));
        let mut expected = 0;
        for (key, schedule) in fifty().iter().enumerate() {
            let dates: Vec<_> =
                schedule.dates_from(begin()).expect("dates").skip_while(|date| *date <= begin()).collect_until(end);
            let own: Vec<_> = ran.iter().filter(|due| due.key == key).map(|due| due.at).collect();
            assert_eq!(own, dates, "schedule {key}");
            expected += dates.len();
        }
        let distinct: BTreeSet<_> = ran.iter().map(|due| (due.key, due.at)).collect();
        assert_eq!((distinct.len(), ran.len()), (expected, expected));
        assert!(expected > 10_000, "{expected} runs");
    }

    trait CollectUntil: Iterator<Item = Timestamp> + Sized {
        fn collect_until(self, end: Timestamp) -> Vec<Timestamp> {
            self.take_while(|date| *date <= end).collect()
        }
    }

    impl<I: Iterator<Item = Timestamp>> CollectUntil for I {}

    #[test]
    fn what_was_missed_follows_the_policy() {
        for (misfire, runs) in [
            (Misfire::RunAll, 60),
            (Misfire::Latest, 1),
            (Misfire::Skip, 1),
            (Misfire::Grace(Duration::from_secs(600)), 11),
        ] {
            let mut timetable = Timetable::new();
            let schedule = Schedule::cron("* * * * *").misfire(misfire);
            timetable.insert("a", &schedule, begin()).expect("a schedule");
            let now = begin().after(Duration::from_secs(3600));
            assert_eq!(timetable.take_due(now).len(), runs, "{misfire:?}");
            assert_eq!(timetable.take_due(now), [], "{misfire:?}");
            assert_eq!(timetable.next_date(), Some(now.after(Duration::from_secs(60))));
        }
    }

    #[test]
    fn an_inactive_schedule_has_no_dates_and_a_key_has_one_schedule() {
        let mut timetable = Timetable::new();
        timetable.insert("a", &Schedule::cron("* * * * *"), begin()).expect("a schedule");
        timetable.insert("a", &Schedule::cron("@hourly"), begin()).expect("a schedule");
        assert_eq!(timetable.next_date(), Some(begin().after(Duration::from_secs(3600))));
        timetable.insert("a", &Schedule::cron("@hourly").active(false), begin()).expect("a schedule");
        assert_eq!(timetable.next_date(), None);
        assert!(!timetable.remove(&"a"));
    }
}
