//! What a panic said, and where.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::context;

thread_local! {
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
    static TRACE: RefCell<Option<String>> = const { RefCell::new(None) };
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

static MAIN_PANICKED: AtomicBool = AtomicBool::new(false);

/// Tells whether what is being dropped is dropped because of a panic: of this thread, or of `main` outside of any run.
pub(crate) fn is_unwinding() -> bool {
    std::thread::panicking() || MAIN_PANICKED.load(Ordering::Relaxed)
}

/// Makes panics remember their place. The hook that was there before is still called.
pub(crate) fn remember_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if SILENT.try_with(Cell::get).unwrap_or(false) {
                return;
            }
            let place = info.location().map(ToString::to_string);
            let _ = PLACE.try_with(|slot| slot.replace(place));
            let _ = TRACE.try_with(|slot| slot.replace(trace()));
            if std::thread::current().name() == Some("main") && context::with(|_| ()).is_none() {
                MAIN_PANICKED.store(true, Ordering::Relaxed);
            }
            previous(info);
        }));
    });
}

/// Calls code whose panic is an answer rather than a mistake; tells whether it returned.
pub(crate) fn silently(call: impl FnOnce()) -> bool {
    SILENT.set(true);
    let returned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_ok();
    SILENT.set(false);
    returned
}

/// The backtrace of where we are, if the environment asks for such (`RUST_BACKTRACE=1`).
fn trace() -> Option<String> {
    let trace = Backtrace::capture();
    (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string())
}

/// Takes the backtrace of the last panic of this thread.
pub(crate) fn take_trace() -> Option<String> {
    TRACE.try_with(|slot| slot.take()).ok().flatten()
}

/// Calls code of the user's; a panic is described in the error.
pub(crate) fn contain<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).map_err(|payload| describe(&*payload))
}

/// Describes a panic that was caught on this thread: `panicked at src/main.rs:3:5: the message`.
pub(crate) fn describe(payload: &(dyn Any + Send)) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is no text".to_owned());
    match PLACE.try_with(|slot| slot.take()).ok().flatten() {
        Some(place) => format!("panicked at {place}: {message}"),
        None => format!("panicked: {message}"),
    }
}

/// Where a panic happened, on its way to another thread.
pub(crate) struct Place(Option<String>, Option<String>);

/// Takes the place of the last panic of this thread.
pub(crate) fn take_place() -> Place {
    Place(PLACE.try_with(|slot| slot.take()).ok().flatten(), take_trace())
}

/// Puts the place of a panic that was caught on another thread.
pub(crate) fn put_place(Place(place, trace): Place) {
    let _ = PLACE.try_with(|slot| slot.replace(place));
    let _ = TRACE.try_with(|slot| slot.replace(trace));
}
