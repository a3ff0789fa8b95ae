//! The wait of a process at its end for its reports to arrive: it says what it waits for, and a signal ends it.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::backend::server::exit::{ignore, print};
use crate::backend::server::progress::Progress;
use crate::backend::server::reporter::Ask;
use crate::backend::{Undelivered, at_exit};
use crate::clock::{self, Instant};

/// It ends after this time even if delivery still moves, as it does if something goes on to write log lines.
const AT_MOST: Duration = Duration::from_secs(6 * 60 * 60);

/// How often somebody looks for a signal.
const LOOK: Duration = Duration::from_millis(100);

/// How often a terminal shows how far it is, and how often there is a line about it where there is none.
const REDRAW: Duration = Duration::from_millis(500);
const LINE: Duration = Duration::from_secs(5);

/// How it ended.
pub(super) enum Waited {
    /// Delivery has ended, and this is left.
    Done(Undelivered),
    /// By a signal, or since it took too long.
    Interrupted,
    /// There is nobody who delivers.
    Gone,
}

/// Waits for the end of a flush.
pub(super) fn wait(reporter: &UnboundedSender<Ask>, flushed: &Receiver<Undelivered>) -> Waited {
    let interrupted = heed_signals();
    let (begun, mut shown, mut progress) = (clock::instant(), None::<Instant>, None);
    let is_terminal = std::io::stderr().is_terminal();
    let every = if is_terminal { REDRAW } else { LINE };
    let waited = loop {
        match flushed.recv_timeout(LOOK) {
            Ok(left) => break Waited::Done(left),
            Err(RecvTimeoutError::Disconnected) => break Waited::Gone,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if interrupted.load(Ordering::Relaxed) || begun.elapsed() >= AT_MOST {
            break Waited::Interrupted;
        }
        if shown.unwrap_or(begun).elapsed() >= every {
            let Some(left) = left(reporter) else { continue };
            let line = progress.get_or_insert_with(|| Progress::begin(&left)).line(begun.elapsed(), &left);
            show(&line, is_terminal);
            shown = Some(clock::instant());
        }
    };
    if is_terminal && shown.is_some() {
        show("", true);
    }
    waited
}

/// The first SIGINT or SIGTERM ends the wait, and another one the process.
fn heed_signals() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    at_exit::heed_signals();
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // A signal that nobody can take does what it usually does.
        let _ = signal_hook::flag::register_conditional_default(signal, Arc::clone(&interrupted));
        let _ = signal_hook::flag::register(signal, Arc::clone(&interrupted));
    }
    interrupted
}

fn left(reporter: &UnboundedSender<Ask>) -> Option<Undelivered> {
    let (reply, counted) = channel();
    reporter.send(Ask::Count(Box::new(move |left| ignore(reply.send(left))))).ok()?;
    counted.recv_timeout(LOOK).ok()
}

/// Shows a line, on a terminal always in the same place.
fn show(line: &str, is_terminal: bool) {
    if is_terminal {
        let mut stderr = std::io::stderr();
        // Nobody may be reading it.
        let _ = write!(stderr, "\r\x1b[2K{line}").and_then(|()| stderr.flush());
    } else {
        print(format_args!("{line}"));
    }
}
