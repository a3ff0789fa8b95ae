//! One flow run in a process of its own: this program, started again.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::deploy::{Deploy, DueRun, Verdict};

/// How long a process that should end of itself may take longer than the grace that its runs have.
const MARGIN: Duration = Duration::from_secs(10);

/// How a process is started and stopped.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// How often it is looked whether somebody wants the run to be cancelled.
    pub(super) look: Duration,
    /// How long runs may take to end when they are told to.
    pub(super) grace: Duration,
}

/// Why a process came to its end.
enum End {
    /// By itself.
    Own(ExitStatus),
    /// It did not stop although its run was cancelled, and was killed.
    Overdue,
}

/// Runs a flow run that is ours in a process, and reports its end if the process could not.
pub(super) async fn run(place: &dyn Deploy, run: &DueRun, terms: &Terms, stop: &CancellationToken) {
    let verdict = match start(run) {
        Err(error) => Some(Verdict::Crashed(format!("Flow run could not be started: {error}."))),
        Ok(child) => match follow(place, run, child, terms, stop).await {
            Ok(End::Own(status)) => crash(status).map(Verdict::Crashed),
            Ok(End::Overdue) => {
                Some(Verdict::Cancelled("Flow run was cancelled; its process had to be killed.".into()))
            }
            Err(error) => Some(Verdict::Crashed(format!("Flow run's process was lost: {error}."))),
        },
    };
    let Some(verdict) = verdict else { return };
    let said = format!("{verdict:?}");
    match place.conclude(run.id, verdict).await {
        Ok(true) => tracing::error!(target: "flowkit::serve", "Flow run '{}' ended: {said}", run.name),
        // It had reported its end itself.
        Ok(false) => {}
        Err(error) => tracing::error!(target: "flowkit::serve", "{}", error.chain()),
    }
}

/// Starts this program once more, for one run.
fn start(run: &DueRun) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env("PREFECT__FLOW_RUN_ID", run.id.to_string())
        .env("PREFECT__ENABLE_CANCELLATION_AND_CRASHED_HOOKS", "false")
        .stdin(Stdio::null())
        // Ctrl-C in a terminal is for the runner, which then decides what becomes of its runs.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Waits for the end of a process. It learns by itself that its run is cancelled, and is killed if it does not heed that.
async fn follow(
    place: &dyn Deploy,
    run: &DueRun,
    mut child: Child,
    terms: &Terms,
    stop: &CancellationToken,
) -> std::io::Result<End> {
    loop {
        tokio::select! {
            status = child.wait() => return status.map(End::Own),
            () = stop.cancelled() => return terminate(child, terms.grace).await.map(End::Own),
            () = clock::sleep(terms.look) => {}
        }
        let cancelling = place.cancelling(vec![run.id]).await.unwrap_or_default();
        if cancelling.is_empty() {
            continue;
        }
        return match clock::within(terms.grace + MARGIN, child.wait()).await {
            Some(status) => status.map(End::Own),
            None => terminate(child, MARGIN).await.map(|_| End::Overdue),
        };
    }
}

/// Asks a process to end, and kills it if it does not in time.
async fn terminate(mut child: Child, grace: Duration) -> std::io::Result<ExitStatus> {
    if let Some(id) = child.id().and_then(|id| libc::pid_t::try_from(id).ok()) {
        #[expect(unsafe_code, reason = "there is no safe way to send a signal")]
        // SAFETY: `kill` takes two numbers and touches no memory of ours. The process has not been waited for, since it
        // still has an id, so that the id is not another's.
        unsafe {
            libc::kill(id, libc::SIGTERM);
        }
    }
    match clock::within(grace + MARGIN, child.wait()).await {
        Some(status) => status,
        None => {
            child.start_kill()?;
            child.wait().await
        }
    }
}

/// What a process that ended badly is reported as.
fn crash(status: ExitStatus) -> Option<String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(code), _) => Some(format!("Process exited with status code: {code}.")),
        (None, Some(signal)) => {
            let hint = match signal {
                libc::SIGKILL => " It was killed from outside, as happens when memory runs out.",
                libc::SIGTERM => " It was asked to end.",
                libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGABRT => " It broke down.",
                _ => "",
            };
            Some(format!("Process exited with status code: -{signal}.{hint}"))
        }
        (None, None) => Some("Process ended without a status.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_process_is_told_with_its_status() {
        // A raw status is the signal, or the code in the next byte.
        assert_eq!(crash(ExitStatus::from_raw(0)), None);
        assert_eq!(crash(ExitStatus::from_raw(3 << 8)).as_deref(), Some("Process exited with status code: 3."));
        let killed = crash(ExitStatus::from_raw(libc::SIGKILL)).expect("a crash");
        assert!(killed.starts_with("Process exited with status code: -9. It was killed"), "{killed}");
    }
}
