//! One flow run in a process of its own: this program, started again.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};

use super::hooks;
use super::start::Conditions;
use crate::clock;
use crate::deploy::{Deploy, DueRun, Variables, Verdict};

/// How long a process may take longer to end than the grace that its runs have, for hooks and for reporting.
const MARGIN: Duration = Duration::from_secs(5);

/// Why a process came to its end.
enum End {
    /// By itself.
    Own(ExitStatus),
    /// It did not stop although its run was cancelled, and was killed.
    Overdue,
    /// It was killed since everything was to end at once.
    AtOnce,
}

/// Runs a flow run that is ours in a process, and reports its end if the process could not.
pub(super) async fn run(conditions: &Conditions, place: &dyn Deploy, run: &DueRun) {
    let started = match place.environment(run).await {
        Ok(variables) => start(run, &variables).map_err(|error| error.to_string()),
        Err(error) => Err(error.chain()),
    };
    let verdict = match started {
        Err(why) => Some(Verdict::Crashed(format!("Flow run could not be started: {why}."))),
        Ok(child) => match follow(conditions, run, child).await {
            Ok(End::Own(status)) => crash(status).map(Verdict::Crashed),
            Ok(End::Overdue) => {
                Some(Verdict::Cancelled("Flow run was cancelled; its process had to be killed.".into()))
            }
            Ok(End::AtOnce) => Some(Verdict::Crashed("Process was killed: its runner was told to end at once.".into())),
            Err(error) => Some(Verdict::Crashed(format!("Flow run's process was lost: {error}."))),
        },
    };
    let Some(verdict) = verdict else { return };
    let said = format!("{verdict:?}");
    match place.conclude(run.id, verdict).await {
        Ok(true) => {
            tracing::error!(target: "flowkit::serve", "Flow run '{}' ended: {said}", run.name);
            // The process could not call them.
            hooks::call(&conditions.ports, run.id).await;
        }
        // It had reported its end itself.
        Ok(false) => {}
        Err(error) => tracing::error!(target: "flowkit::serve", "{}", error.chain()),
    }
}

/// Starts this program once more, for one run.
fn start(run: &DueRun, variables: &Variables) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    for (name, value) in variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
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
async fn follow(conditions: &Conditions, run: &DueRun, mut child: Child) -> std::io::Result<End> {
    let watched = conditions.cancelling.watch(run.id);
    tokio::select! {
        status = child.wait() => return status.map(End::Own),
        () = conditions.at_once.cancelled() => return kill(child).await.map(|_| End::AtOnce),
        () = watched.cancelled() => {}
        () = conditions.stop.cancelled() => {
            // It asks what is wanted of it when it gets the signal, and finds this.
            if let Err(error) = conditions.ports.backend.cancel(run.id).await {
                tracing::debug!(target: "flowkit::serve", "{}", error.chain());
            }
            terminate(&child);
        }
    }
    let ended = tokio::select! {
        ended = clock::within(conditions.cancel_grace + MARGIN, child.wait()) => ended,
        () = conditions.at_once.cancelled() => None,
    };
    match ended {
        Some(status) => status.map(End::Own),
        None => kill(child).await.map(|_| End::Overdue),
    }
}

/// Asks a process to end.
fn terminate(child: &Child) {
    if let Some(id) = child.id().and_then(|id| libc::pid_t::try_from(id).ok()) {
        #[expect(unsafe_code, reason = "there is no safe way to send a signal")]
        // SAFETY: `kill` takes two numbers and touches no memory of ours. The process has not been waited for, since it
        // still has an id, so that the id is not another's.
        unsafe {
            libc::kill(id, libc::SIGTERM);
        }
    }
}

async fn kill(mut child: Child) -> std::io::Result<ExitStatus> {
    child.start_kill()?;
    child.wait().await
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
