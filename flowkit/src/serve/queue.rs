//! Which runs are to be started now. Pure.

use std::collections::HashSet;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::deploy::DueRun;
use crate::id::FlowRunId;

/// What is known of runs that wait, and of those that this runner has started.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The first due first.
    waiting: Vec<DueRun>,
    started: HashSet<FlowRunId>,
    /// Those that have ended since the question was asked whose answer is awaited: it may still count them as waiting.
    ended_meanwhile: HashSet<FlowRunId>,
}

impl Queue {
    /// Takes note that somebody is being asked for the runs that are due.
    pub(super) fn asked(&mut self) {
        self.ended_meanwhile.clear();
    }

    /// Takes the answer: it holds all that waits.
    pub(super) fn answered(&mut self, due: Vec<DueRun>) {
        let known = |run: &DueRun| self.started.contains(&run.id) || self.ended_meanwhile.contains(&run.id);
        self.waiting = due.into_iter().filter(|run| !known(run)).collect();
        self.waiting.sort_by_key(|run| run.due);
    }

    /// Takes the runs that are to be started now, as many as there is room for.
    pub(super) fn take(&mut self, now: Timestamp, room: usize) -> Vec<DueRun> {
        let due = self.waiting.iter().take_while(|run| run.due.is_none_or(|due| due <= now)).count();
        let taken: Vec<DueRun> = self.waiting.drain(..due.min(room)).collect();
        self.started.extend(taken.iter().map(|run| run.id));
        taken
    }

    /// Takes note that a run has ended, or was not to be had.
    pub(super) fn ended(&mut self, run: FlowRunId) {
        self.started.remove(&run);
        self.ended_meanwhile.insert(run);
    }

    /// How long until the next run is due that is not yet.
    pub(super) fn next(&self, now: Timestamp) -> Option<Duration> {
        self.waiting.iter().filter_map(|run| run.due).find(|due| *due > now).map(|due| due.since(now))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn run(number: u128, due: i64) -> DueRun {
        let id = Uuid::from_u128(number);
        let due = Some(Timestamp::from_unix_micros(due * 1_000_000));
        DueRun { id: id.into(), name: number.to_string(), deployment: Uuid::nil(), due }
    }

    fn names(runs: &[DueRun]) -> Vec<&str> {
        runs.iter().map(|run| run.name.as_str()).collect()
    }

    const NOW: Timestamp = Timestamp::from_unix_micros(10_000_000);

    #[test]
    fn the_first_due_start_first_and_only_as_many_as_there_is_room_for() {
        let mut queue = Queue::default();
        queue.answered(vec![run(1, 9), run(2, 3), run(3, 10), run(4, 12)]);
        assert_eq!(names(&queue.take(NOW, 2)), ["2", "1"]);
        assert_eq!(names(&queue.take(NOW, 5)), ["3"]);
        assert_eq!(queue.next(NOW), Some(Duration::from_secs(2)));
        assert_eq!(names(&queue.take(NOW.after(Duration::from_secs(2)), 5)), ["4"]);
    }

    #[test]
    fn a_run_is_not_started_again_by_an_old_answer() {
        let mut queue = Queue::default();
        queue.answered(vec![run(1, 1)]);
        queue.asked();
        assert_eq!(queue.take(NOW, 1).len(), 1);
        queue.ended(run(1, 1).id);
        queue.answered(vec![run(1, 1)]);
        assert_eq!(queue.take(NOW, 1).len(), 0, "the question was asked before it began");
        queue.asked();
        queue.answered(vec![run(1, 1)]);
        assert_eq!(queue.take(NOW, 1).len(), 1, "it is to be run once more, as after a suspension");
    }

    #[test]
    fn a_run_that_goes_on_is_not_waiting() {
        let mut queue = Queue::default();
        queue.answered(vec![run(1, 1)]);
        queue.take(NOW, 1);
        queue.asked();
        queue.answered(vec![run(1, 1), run(2, 1)]);
        assert_eq!(names(&queue.take(NOW, 5)), ["2"]);
    }
}
