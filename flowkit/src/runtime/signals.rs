//! What SIGINT and SIGTERM do to the flow runs under way. The first is graceful, the second is at once.

use std::io::Write;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, Once, Weak};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::backend::at_exit;
use crate::clock;
use crate::engine::context::{Context, Ports};
use crate::run::lock;

/// How long delivery may stand still.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it may take to ask whether somebody has cancelled a run.
const LOOK: Duration = Duration::from_secs(2);

/// After this time people are told what the process is waiting for.
const QUIET: Duration = Duration::from_millis(500);

/// How long runs may take to end beyond their grace, as when a program blocks the thread that they need.
const MARGIN: Duration = Duration::from_secs(5);

static WATCHED: Mutex<Vec<Weak<Ports>>> = Mutex::new(Vec::new());

/// Handles signals from now on, if a flow run begins that nobody has called and nobody has said otherwise.
pub(crate) fn watch(ambient: &Context) {
    static STARTED: Once = Once::new();
    if ambient.flow.is_some() || !ambient.ports.stopping.is_first_flow() {
        return;
    }
    lock(&WATCHED).push(Arc::downgrade(&ambient.ports));
    STARTED.call_once(|| {
        let (ready, readied) = channel();
        // Without the thread signals have their usual effect, and what is under way is not reported.
        if std::thread::Builder::new().name("flowkit-signals".to_owned()).spawn(move || wait(ready)).is_ok() {
            let _ = readied.recv_timeout(PATIENCE);
        }
    });
}

/// Never returns if the process is about to end by a signal: code after the flow would act as if it went on.
pub(crate) async fn stay(ambient: &Ports) {
    if ambient.stopping.why().is_some() {
        std::future::pending::<()>().await;
    }
}

fn wait(ready: Sender<()>) {
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
        runtime.block_on(handle(ready));
    }
}

async fn handle(ready: Sender<()>) {
    let (mut interrupt, mut terminate) = (take(SignalKind::interrupt()), take(SignalKind::terminate()));
    // Whoever waited for it may have given up.
    let _ = ready.send(());
    let (number, what) = loop {
        let signal = tokio::select! {
            () = next(&mut interrupt) => (libc::SIGINT, "an interrupt signal"),
            () = next(&mut terminate) => (libc::SIGTERM, "a termination signal"),
        };
        // Else whoever delivers what is left at the end of the process is told.
        if !at_exit::heeds_signals() {
            break signal;
        }
    };
    let why = format!("Execution was aborted by {what}.");
    let watched: Vec<Arc<Ports>> = lock(&WATCHED).iter().filter_map(Weak::upgrade).collect();
    if watched.iter().any(|ports| ports.stopping.has_flows()) {
        tokio::select! {
            () = stop_aloud(&watched, &why) => {}
            () = next(&mut interrupt) => at_once(&watched, &why, &mut interrupt, &mut terminate).await,
            () = next(&mut terminate) => at_once(&watched, &why, &mut interrupt, &mut terminate).await,
        }
    }
    // Fails only for a number that is no signal.
    let _ = signal_hook::low_level::emulate_default_handler(number);
}

/// Stops everything, and says so if it takes a while.
async fn stop_aloud(watched: &[Arc<Ports>], why: &str) {
    let mut stopping = std::pin::pin!(stop(watched, why));
    if clock::within(QUIET, &mut stopping).await.is_some() {
        return;
    }
    let grace = watched.iter().map(|ports| ports.stopping.grace).max().unwrap_or_default();
    say(&format!(
        "flowkit: stopping: runs that listen have up to {} s to end (FLOWKIT_CANCEL_GRACE); another signal ends them at once",
        grace.as_secs_f64()
    ));
    stopping.await;
}

/// Prints a line; nobody may be reading it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Tells everything to stop, waits for it, and delivers what there is to say.
async fn stop(watched: &[Arc<Ports>], why: &str) {
    // Who sends the signal may have cancelled a run first, as Prefect's workers do: then it has not crashed.
    for ports in watched {
        let _ = clock::within(LOOK, ports.backend.look()).await;
    }
    for ports in watched {
        ports.stopping.stop_all(why.to_owned());
    }
    for ports in watched {
        let _ = clock::within(ports.stopping.grace + MARGIN, ports.stopping.all_ended()).await;
    }
    report(watched, why).await;
}

/// Reports what is under way as crashed without waiting for it.
async fn at_once(watched: &[Arc<Ports>], why: &str, interrupt: &mut Option<Signal>, terminate: &mut Option<Signal>) {
    say("flowkit: ending at once: what is under way is Crashed");
    tokio::select! {
        () = report(watched, why) => {}
        () = next(interrupt) => {}
        () = next(terminate) => {}
    }
}

async fn report(watched: &[Arc<Ports>], why: &str) {
    for ports in watched {
        let _ = clock::within(PATIENCE, ports.backend.abandon(why.to_owned())).await;
        ports.backend.flush(PATIENCE).await;
        for line in ports.backend.keep().await {
            say(&line);
        }
    }
}

/// Takes over a signal, unless the program handles it itself.
fn take(kind: SignalKind) -> Option<Signal> {
    if has_handler(kind.as_raw_value()) { None } else { signal(kind).ok() }
}

async fn next(taken: &mut Option<Signal>) {
    match taken {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Tells whether somebody has installed a handler for a signal.
fn has_handler(number: libc::c_int) -> bool {
    let mut present = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    #[expect(unsafe_code, reason = "there is no safe way to ask what a signal does")]
    // SAFETY: without a new action `sigaction` only writes the present one to the place it is given, which is valid for
    // that. All zeroes are a valid `sigaction`, which is what is left if it fails.
    let present = unsafe {
        libc::sigaction(number, std::ptr::null(), present.as_mut_ptr());
        present.assume_init()
    };
    present.sa_sigaction != libc::SIG_DFL && present.sa_sigaction != libc::SIG_IGN
}
