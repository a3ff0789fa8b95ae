//! What a delivery has done, in words for people. Pure.

use crate::backend::Undelivered;
use crate::backend::server::exit;

/// Counts what became of the records of a spool.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) delivered: Undelivered,
    /// Flow runs that had ended otherwise meanwhile, or that others go on with.
    pub(super) overruled: Vec<String>,
    /// What belongs to flow runs that the server does not have any more.
    pub(super) gone: usize,
    /// What the server would not take, with the last reason.
    pub(super) refused: usize,
    pub(super) reason: Option<String>,
    /// Lines that could not be read.
    pub(super) unread: usize,
}

impl Tally {
    pub(super) fn refuse(&mut self, why: String, count: usize) {
        self.refused += count;
        self.reason = Some(why);
    }

    /// Tells whether everything arrived.
    pub(super) fn is_clean(&self) -> bool {
        self.overruled.is_empty() && self.gone + self.refused + self.unread == 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.delivered.is_empty() && self.is_clean()
    }

    /// One line that tells it.
    pub(super) fn told(&self) -> String {
        let mut text =
            format!("Delivered what earlier programs could not deliver: {}.", exit::amounts(&self.delivered));
        if !self.overruled.is_empty() {
            let runs = self.overruled.join(", ");
            text += &format!(" Flow run(s) {runs} had been put into another state meanwhile and keep it.");
        }
        if self.gone > 0 {
            text += &format!(" {} report(s) were dropped, since their flow run is gone.", self.gone);
        }
        if self.refused > 0 {
            let reason = self.reason.as_deref().unwrap_or("no reason given");
            text += &format!(" The server refused {} report(s): {reason}.", self.refused);
        }
        if self.unread > 0 {
            text += &format!(" {} report(s) were damaged on the disk.", self.unread);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_delivered_and_what_was_not_is_told_in_one_line() {
        let mut tally = Tally::default();
        assert!(tally.is_empty());
        tally.delivered.logs = 2;
        let clean = "Delivered what earlier programs could not deliver: 0 flow-run state(s), 0 task-run state(s), 2 log line(s).";
        assert_eq!(tally.told(), clean);
        assert!(tally.is_clean());
        tally.overruled.push("7".to_owned());
        tally.refuse("422 no".to_owned(), 1);
        let told = format!(
            "{clean} Flow run(s) 7 had been put into another state meanwhile and keep it. The server refused 1 report(s): 422 no."
        );
        assert_eq!(tally.told(), told);
        assert!(!tally.is_clean() && !tally.is_empty());
    }
}
