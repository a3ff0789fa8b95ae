//! How far the present attempt of a flow run has come with those who act upon it.

use crate::error::Error;

/// Begins anew with each attempt, so that a repeated body meets the same pauses and the same input again.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// How many pauses it has come to.
    pauses: u32,
    /// The keys of what it has received.
    pub(crate) received: Vec<String>,
    /// Whether it has been suspended, which ends the attempt.
    pub(crate) suspended: bool,
    /// Why it cannot go on where an earlier process has left it, which ends the attempt.
    pub(crate) refused: Option<Error>,
}

impl Progress {
    /// Counts a pause; the first is 1.
    pub(crate) fn count_pause(&mut self) -> u32 {
        self.pauses += 1;
        self.pauses
    }
}
