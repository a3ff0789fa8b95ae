//! What is still to be done when the process ends: `main` has returned, or somebody has called `exit`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::run::lock;

/// Something to be done before the process ends.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

static JOBS: Mutex<Vec<Job>> = Mutex::new(Vec::new());

static HEEDS_SIGNALS: AtomicBool = AtomicBool::new(false);

/// Says that a job sees to it what the first SIGINT or SIGTERM does from now on.
pub(crate) fn heed_signals() {
    HEEDS_SIGNALS.store(true, Ordering::Relaxed);
}

/// Tells whether a job sees to signals, so that nobody else has to.
pub(crate) fn heeds_signals() -> bool {
    HEEDS_SIGNALS.load(Ordering::Relaxed)
}

/// Has the job called when the process ends. Other threads still run then; thread-local state may be gone.
pub(crate) fn call(job: Job) {
    let mut jobs = lock(&JOBS);
    if jobs.is_empty() {
        #[expect(unsafe_code, reason = "there is no safe way to be called when `main` returns")]
        // SAFETY: `at_exit` is an `extern "C"` function that takes and returns nothing and does not unwind: it
        // aborts on panic as every such function does. What it calls uses no thread-local state, only mutexes,
        // channels, threads and standard error. A failure to register (non-zero) leaves the process as it was.
        unsafe {
            libc::atexit(at_exit);
        }
    }
    jobs.push(job);
}

extern "C" fn at_exit() {
    for job in std::mem::take(&mut *lock(&JOBS)) {
        job();
    }
}
