//! What people are told while a process waits at its end for its reports to arrive. Pure.

use std::time::Duration;

use crate::backend::Undelivered;

/// What was left at some time of the wait.
#[derive(Debug)]
pub(super) struct Progress {
    first: usize,
}

impl Progress {
    pub(super) fn begin(left: &Undelivered) -> Self {
        Self { first: amount(left) }
    }

    /// The line after so much time.
    pub(super) fn line(&self, elapsed: Duration, left: &Undelivered) -> String {
        let left = amount(left);
        let rest = self.rest(elapsed, left).map_or_else(String::new, |rest| format!(", {rest}"));
        format!("flowkit: delivering: {left} report(s) left{rest}; Ctrl-C ends the wait")
    }

    /// How long it will take if it goes on like this; nobody can say it of what has hardly begun.
    fn rest(&self, elapsed: Duration, left: usize) -> Option<String> {
        let done = self.first.checked_sub(left).filter(|done| *done * 100 >= self.first.max(1))?;
        // Precise to the last report, and rounded to what people want to know.
        let seconds = elapsed.as_secs() * left as u64 / done.max(1) as u64;
        Some(match seconds {
            0..=99 => format!("about {} s", seconds.max(1)),
            _ => format!("about {} min", seconds.div_ceil(60)),
        })
    }
}

fn amount(count: &Undelivered) -> usize {
    count.task_states + count.flow_states + count.logs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(task_states: usize) -> Undelivered {
        Undelivered { task_states, ..Undelivered::default() }
    }

    #[test]
    fn the_line_tells_what_is_left_and_how_long_that_will_take() {
        let progress = Progress::begin(&left(10_000));
        let line = |seconds, count| progress.line(Duration::from_secs(seconds), &left(count));
        assert_eq!(line(1, 10_000), "flowkit: delivering: 10000 report(s) left; Ctrl-C ends the wait");
        assert_eq!(line(10, 9_000), "flowkit: delivering: 9000 report(s) left, about 90 s; Ctrl-C ends the wait");
        assert_eq!(line(100, 5_000), "flowkit: delivering: 5000 report(s) left, about 2 min; Ctrl-C ends the wait");
        assert_eq!(line(100, 10_500), "flowkit: delivering: 10500 report(s) left; Ctrl-C ends the wait", "more came");
        assert!(line(600, 10).contains("about 1 s"), "{}", line(600, 10));
    }
}
