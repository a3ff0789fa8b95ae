//! What the code of a run does about being asked to stop.

use std::sync::atomic::{AtomicU32, Ordering};

/// The code has asked whether it is cancelled, so it is given time to end by itself.
const ASKED: u32 = 1 << 31;

/// The code blocks a thread, so it cannot be dropped.
const BLOCKS: u32 = 1 << 30;

/// The code has submitted runs that are to be stopped with it.
const BRANCHED: u32 = 1 << 29;

/// Flags of a run, and a count of the runs awaited in its body that are about to stop: the body is not dropped before
/// they have ended. Each flag is set once and stands for itself, so that no order among them matters.
#[derive(Debug, Default)]
pub(crate) struct Heed(AtomicU32);

impl Heed {
    fn set(&self, flag: u32) {
        if !self.has(flag) {
            self.0.fetch_or(flag, Ordering::Relaxed);
        }
    }

    fn has(&self, flag: u32) -> bool {
        self.0.load(Ordering::Relaxed) & flag != 0
    }

    /// Notes that the code asks whether it is cancelled.
    pub(crate) fn ask(&self) {
        self.set(ASKED);
    }

    pub(crate) fn has_asked(&self) -> bool {
        self.has(ASKED)
    }

    /// Notes that the code blocks a thread.
    pub(crate) fn block(&self) {
        self.set(BLOCKS);
    }

    pub(crate) fn blocks(&self) -> bool {
        self.has(BLOCKS)
    }

    /// Notes that the code has submitted a run.
    pub(crate) fn branch(&self) {
        self.set(BRANCHED);
    }

    pub(crate) fn has_branched(&self) -> bool {
        self.has(BRANCHED)
    }

    /// Counts one more run in the body that is about to stop.
    pub(crate) fn hold(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes back one [`hold`](Heed::hold).
    pub(crate) fn release(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.0.load(Ordering::Relaxed) & (BRANCHED - 1) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_count_do_not_touch_each_other() {
        let heed = Heed::default();
        heed.hold();
        heed.ask();
        heed.ask();
        heed.hold();
        heed.release();
        assert!(heed.is_held() && heed.has_asked() && !heed.blocks() && !heed.has_branched());
        heed.release();
        heed.block();
        heed.branch();
        assert!(!heed.is_held() && heed.has_asked() && heed.blocks() && heed.has_branched());
    }
}
