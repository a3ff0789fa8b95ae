//! A real Prefect server, pinned, for tests that must not take our word for how it answers.
//!
//! The first use installs the server into a virtual environment below the target directory and
//! says so on stderr; later runs find it there. A server starts on a free port with a fresh
//! database, and ends with the test process however that ends.
//!
//! ```no_run
//! use flowkit_tests::live;
//! use serde_json::json;
//!
//! # fn test() {
//! let Some(server) = live::server() else { return };
//! let flow = server.post("/flows/", &json!({ "name": "from a test" }));
//! let id = flow["id"].as_str().expect("a flow has an id");
//! assert_eq!(server.get(&format!("/flows/{id}"))["name"], "from a test");
//! # }
//! ```
//!
//! All calls block. An async test with a reporter in the background wants the multi-threaded
//! runtime, or the calls inside `spawn_blocking`.
//!
//! `FLOWKIT_LIVE=off` skips these tests, and each says that it was skipped.

pub(crate) mod api;
mod deployed;
mod gate;
mod here;
mod log;
mod port;
mod process;
mod record;
mod runs;
mod served;
pub(crate) mod server;
pub(crate) mod venv;

use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

pub use api::Reply;
pub use here::at;
pub use record::{Exchange, Recording};
pub use served::Notes;
pub use server::{LiveServer, Options};
pub use venv::{PINS, SERVER_VERSION};

/// What a server on sqlite says when two want to write at once; flowkit asks again.
pub const BUSY: &[&str] = &["503 Service Unavailable", "database is locked"];

/// Returns the server that all tests of this process share, started by the first who asks, or
/// `None` when live tests are switched off.
///
/// Tests that stop the server or read its whole log start their own, with [`LiveServer::start`].
///
/// # Panics
///
/// When Python is missing or the server cannot be installed or started.
pub fn server() -> Option<&'static LiveServer> {
    static SHARED: OnceLock<Option<LiveServer>> = OnceLock::new();
    SHARED.get_or_init(|| switched_on().then(|| Options::default().launch())).as_ref().or_else(skipped)
}

/// Returns the shared server for one test at a time, until the guard is dropped: for tests that would find each other's
/// runs by the name of a flow, or that serve the same deployments.
///
/// # Panics
///
/// When Python is missing or the server cannot be installed or started.
pub fn alone() -> Option<(&'static LiveServer, MutexGuard<'static, ()>)> {
    static ONE: Mutex<()> = Mutex::new(());
    server().map(|server| (server, ONE.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Runs `script` in the Python that the shared server runs in, as a client of that server, and
/// returns what it printed; `None` when live tests are switched off.
///
/// # Panics
///
/// When the script fails.
pub fn python(script: &str) -> Option<String> {
    server().map(|server| server.python(script))
}

/// Returns the Python of the pinned server, installed when it is not there, without starting a server; `None` when live
/// tests are switched off.
///
/// # Panics
///
/// When Python is missing or the server cannot be installed.
pub fn interpreter() -> Option<std::path::PathBuf> {
    switched_on().then(venv::python).or_else(skipped)
}

fn switched_on() -> bool {
    std::env::var_os("FLOWKIT_LIVE").is_none_or(|value| value != "off")
}

fn skipped<T>() -> Option<T> {
    let thread = std::thread::current();
    say(&format!("{}: skipped, FLOWKIT_LIVE=off", thread.name().unwrap_or("a live test")));
    None
}

/// Writes a line to stderr itself, past the capture of a test's output.
fn say(line: &str) {
    // Progress only: a closed stderr must not fail a test.
    let _ = writeln!(std::io::stderr(), "live: {line}");
}
