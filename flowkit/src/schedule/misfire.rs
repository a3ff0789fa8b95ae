//! What becomes of dates that were missed.

use std::time::Duration;

use crate::clock::Timestamp;

/// A date is on time until this long after it, and never counts as missed: 15 seconds, when Prefect calls a run late.
pub const ON_TIME: Duration = Duration::from_secs(15);

/// So many missed dates of one schedule are made up for at once, and no more.
pub const MOST_MADE_UP: usize = 1_000;

/// Says which dates are made up for that passed while nothing could start their runs: the process was down, the
/// machine asleep, the server away.
///
/// A date at most [`ON_TIME`] old always runs. Prefect itself does what [`RunAll`](Self::RunAll) says. With a Prefect
/// server, the process that serves a deployment ends the runs that are left out: they are in a state `Skipped`, of type
/// Cancelled. A run that waits because that process has as many as it may counts as missed there too. Runs that
/// somebody has triggered are never left out, nor are those that wait for room below a deployment's concurrency limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Misfire {
    /// Runs every missed date, the oldest first: for flows that handle the hour or the day that they are due for. Of one
    /// schedule the newest [`MOST_MADE_UP`] at most; the log says how many are left out.
    RunAll,
    /// Runs the newest of the dates and leaves out the ones before it. The default: after a night's outage a flow of
    /// every minute runs once, and not six hundred times.
    #[default]
    Latest,
    /// Runs none of them.
    Skip,
    /// Runs those that are at most this late.
    Grace(Duration),
}

impl Misfire {
    /// Says why the run of a date is left out.
    pub(crate) fn reason(self, due: Timestamp, now: Timestamp) -> String {
        let policy = match self {
            Self::RunAll => "run all".to_owned(),
            Self::Latest => "latest: of missed dates, the newest runs".to_owned(),
            Self::Skip => "skip: missed dates do not run".to_owned(),
            Self::Grace(grace) => format!("grace: dates missed by more than {grace:?} do not run"),
        };
        let late = now.since(due).as_secs();
        format!("Not started: it was due {late} s earlier, and its schedule's misfire policy is {policy}.")
    }

    /// Of runs that wait and that a schedule has made for these dates, gives those that are left out now. `further` are dates
    /// of the same schedule whose runs do not wait: they have begun, or are to be made.
    pub(crate) fn left_out<K: Copy>(
        self,
        waiting: &[(K, Timestamp)],
        further: impl IntoIterator<Item = Timestamp>,
        now: Timestamp,
    ) -> Vec<(K, Timestamp)> {
        let mut dates: Vec<Timestamp> = waiting.iter().map(|(_, due)| *due).chain(further).collect();
        dates.sort_unstable();
        let chosen = self.choose(dates, now);
        let is_out = |(_, due): &&(K, Timestamp)| *due <= now && !chosen.contains(due);
        waiting.iter().filter(is_out).copied().collect()
    }

    /// Chooses from dates that are due and that have no run yet those that are given one now.
    pub(crate) fn made_up(self, due: impl IntoIterator<Item = Timestamp>, now: Timestamp) -> Vec<Timestamp> {
        let mut chosen = self.choose(due, now);
        let left_out = chosen.len().saturating_sub(MOST_MADE_UP);
        if left_out > 0 {
            tracing::warn!(
                target: "flowkit::serve",
                "A schedule has missed {} dates: the newest {MOST_MADE_UP} run, and {left_out} are left out",
                chosen.len()
            );
            chosen.drain(..left_out);
        }
        chosen
    }

    /// Chooses from dates that are due, in ascending order, those that run now.
    pub fn choose(self, due: impl IntoIterator<Item = Timestamp>, now: Timestamp) -> Vec<Timestamp> {
        let mut chosen = Vec::new();
        for date in due.into_iter().take_while(|date| *date <= now) {
            let late = now.since(date);
            match self {
                _ if late <= ON_TIME => {}
                Self::RunAll => {}
                // Replaced by each newer one.
                Self::Latest => {}
                Self::Skip => continue,
                Self::Grace(grace) if late > grace => continue,
                Self::Grace(_) => {}
            }
            let outlived = self == Self::Latest && chosen.last().is_some_and(|older| now.since(*older) > ON_TIME);
            if outlived {
                chosen.pop();
            }
            chosen.push(date);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says at which seconds of the dates 0, 100, 190 and 195 runs start when it is 200.
    #[track_caller]
    fn check(policy: Misfire, expect: &[i64]) {
        let at = |second: i64| Timestamp::from_unix_micros(second * 1_000_000);
        let chosen = policy.choose([0, 100, 190, 195, 300].map(at), at(200));
        assert_eq!(chosen, expect.iter().copied().map(at).collect::<Vec<_>>(), "{policy:?}");
        let missed = policy.choose([0, 100].map(at), at(200));
        let expect: Vec<_> = expect.iter().copied().filter(|second| *second <= 100).map(at).collect();
        if policy != Misfire::Latest {
            assert_eq!(missed, expect, "{policy:?}");
        }
    }

    #[test]
    fn dates_on_time_run_under_every_policy() {
        check(Misfire::RunAll, &[0, 100, 190, 195]);
        check(Misfire::Latest, &[190, 195]);
        check(Misfire::Skip, &[190, 195]);
        check(Misfire::Grace(Duration::from_secs(100)), &[100, 190, 195]);
        check(Misfire::Grace(Duration::ZERO), &[190, 195]);
    }

    #[test]
    fn of_very_many_missed_dates_the_newest_run() {
        let at = |second: i64| Timestamp::from_unix_micros(second * 1_000_000);
        let made_up = Misfire::RunAll.made_up((1..=2_000_000).map(at), at(2_000_000));
        assert_eq!(
            (made_up.len(), made_up.first(), made_up.last()),
            (1_000, Some(&at(1_999_001)), Some(&at(2_000_000)))
        );
        assert_eq!(Misfire::RunAll.made_up((1..=1_000).map(at), at(1_000)).len(), 1_000);
    }

    #[test]
    fn the_latest_of_missed_dates_runs_when_none_is_on_time() {
        let at = |second: i64| Timestamp::from_unix_micros(second * 1_000_000);
        assert_eq!(Misfire::Latest.choose([0, 100].map(at), at(200)), [at(100)]);
        assert_eq!(Misfire::Latest.choose([], at(200)), []);
    }
}
