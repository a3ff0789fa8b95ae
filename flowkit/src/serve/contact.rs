//! Whether the place that is asked for runs answers: when it is asked again, and when that is worth a line. Pure.

use std::time::Duration;

use crate::clock::Instant;

/// A place that has not answered is asked again after pauses that grow from this one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest of those pauses, unless it is asked more rarely anyway.
const LAST_PAUSE: Duration = Duration::from_secs(10);

/// So many questions in a row without an answer are told, once. One alone is nothing unusual, unless it took this long.
const LOST: u32 = 2;
const LONG: Duration = Duration::from_secs(5);

/// How it went with the last questions.
#[derive(Debug, Default)]
pub(super) struct Contact {
    failures: u32,
    /// When the first of the questions without an answer was asked.
    since: Option<Instant>,
    told: bool,
}

impl Contact {
    /// Takes note of an answer; returns for how long there had been none, if that has been told.
    pub(super) fn answered(&mut self, now: Instant) -> Option<Duration> {
        let before = std::mem::take(self);
        before.since.filter(|_| before.told).map(|since| now.saturating_duration_since(since))
    }

    /// Takes note of a question without an answer, which was asked some time ago; returns whether that is to be told.
    pub(super) fn failed(&mut self, asked: Instant, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.since.get_or_insert(asked);
        let is_lost = self.failures >= LOST || now.saturating_duration_since(asked) >= LONG;
        is_lost && !std::mem::replace(&mut self.told, true)
    }

    /// How long to wait until the next question: the interval, or what is left of it by a back-off, give or take 30 %.
    /// `random` is from 0 to 1.
    pub(super) fn pause(&self, interval: Duration, random: f64) -> Duration {
        let pause = match self.failures {
            0 => interval,
            failures => {
                let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures - 1));
                doubled.min(interval.max(LAST_PAUSE))
            }
        };
        jittered(pause, random)
    }
}

/// A pause, give or take 30 %, so that many processes do not ask at once. `random` is from 0 to 1.
pub(super) fn jittered(pause: Duration, random: f64) -> Duration {
    pause.mul_f64(0.7 + 0.6 * random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn questions_are_spread() {
        let interval = Duration::from_secs(10);
        assert_eq!(Contact::default().pause(interval, 0.0), Duration::from_secs(7));
        assert_eq!(Contact::default().pause(interval, 1.0), Duration::from_secs(13));
    }

    #[test]
    fn an_outage_is_told_once_when_it_begins_and_once_when_it_ends() {
        let (mut contact, begin) = (Contact::default(), clock::instant());
        assert_eq!(contact.answered(begin), None);
        let told: Vec<bool> =
            (0..5).map(|second| begin + Duration::from_secs(second)).map(|at| contact.failed(at, at)).collect();
        assert_eq!(told, [false, true, false, false, false]);
        assert_eq!(contact.answered(begin + Duration::from_secs(60)), Some(Duration::from_secs(60)));
        assert_eq!(contact.answered(begin + Duration::from_secs(61)), None);
        assert!(!contact.failed(begin, begin), "one question alone");
        assert_eq!(contact.answered(begin), None);
        assert!(contact.failed(begin, begin + LONG), "one alone that took long");
    }

    #[test]
    fn pauses_grow_up_to_ten_seconds_or_the_interval() {
        let mut contact = Contact::default();
        let mut pauses = |interval: u64| -> Vec<u128> {
            (0..8)
                .map(|_| {
                    contact.failed(clock::instant(), clock::instant());
                    contact.pause(Duration::from_secs(interval), 0.5).as_millis()
                })
                .collect()
        };
        assert_eq!(pauses(1), [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
        assert_eq!(pauses(30).last(), Some(&30_000));
    }
}
