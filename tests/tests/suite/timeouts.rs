//! What becomes of runs that take too long.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use crate::suite::common::*;
use crate::suite::prelude::*;

#[task(timeout = "30ms")]
async fn hurried() -> u32 {
    std::future::pending().await
}

#[task]
fn blocks(go_on: Receiver<()>) {
    // Ends when the other end is let go of.
    let _ = go_on.recv();
}

#[task]
async fn passes_a_timeout_on() -> flowkit::Result<u32> {
    hurried().await
}

/// Without a subflow: no time is sure to be enough for a busy server to create one.
#[flow(timeout = "50ms")]
async fn hurried_flow() -> flowkit::Result<u32> {
    let other = forever().name("other").submit();
    forever().name("awaited").await?;
    other.await
}

#[flow(timeout = "50ms")]
async fn submits_and_ends() -> u32 {
    drop(forever().submit());
    7
}

#[flow]
async fn with_a_hurried_task() -> flowkit::Result<u32> {
    hurried().await
}

#[flow(timeout = "50ms", retries = 1)]
async fn hurried_twice() -> u32 {
    std::future::pending().await
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        scene(
            "a_task_in_time_is_not_disturbed_by_its_timeout",
            || async { double(1).timeout("1h").await },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-*: Pending > Running > Completed
                = Ok(2)
            "#]],
        ),
        scene(
            "a_task_that_takes_too_long_is_timed_out_and_so_is_its_flow",
            || async { hurried().await },
            expect![[r#"
                flow scene: Pending > Running > TimedOut(Flow run failed due to timeout: task run 'hurried-*': Task run exceeded timeout of 0.03 second(s))
                  hurried-*: Pending > Running > TimedOut(Task run exceeded timeout of 0.03 second(s))
                = Err(flow run '~scene~' failed: task run 'hurried-*': Task run exceeded timeout of 0.03 second(s))
            "#]],
        ),
        scene(
            "a_timeout_that_is_caught_does_not_end_the_flow",
            || async { Ok(hurried().await.is_err_and(|error| error.is_timeout())) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  INFO Finished in state Completed()
                  hurried-*: Pending > Running > TimedOut(Task run exceeded timeout of 0.03 second(s))
                    ERROR Task run failed with exception: Task run exceeded timeout of 0.03 second(s)
                    ERROR Finished in state TimedOut('Task run exceeded timeout of 0.03 second(s)', type=FAILED)
                = Ok(true)
            "#]],
        )
        .with_logs(),
        scene(
            "the_message_of_a_timeout_shows_whole_seconds_as_python_does",
            || async { Ok(forever().timeout("1s").return_state().await.name().to_owned()) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  forever-*: Pending > Running > TimedOut(Task run exceeded timeout of 1.0 second(s))
                = Ok("TimedOut")
            "#]],
        ),
        scene(
            "the_timeout_of_a_call_beats_the_one_of_the_definition",
            || async { Ok(hurried().timeout("20ms").await.is_err()) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  hurried-*: Pending > Running > TimedOut(Task run exceeded timeout of 0.02 second(s))
                = Ok(true)
            "#]],
        ),
        scene("a_timeout_is_retried", || async { Ok(hurried().retries(1).await.is_err()) }, expect![[r#"
            flow scene: Pending > Running > Completed
              INFO Beginning flow run '~scene~' for flow 'scene'
              INFO Finished in state Completed()
              hurried-*: Pending > Running > Retrying > TimedOut(Task run exceeded timeout of 0.03 second(s))
                INFO Task run failed with exception: Task run exceeded timeout of 0.03 second(s) - Retry 1/1 will start immediately
                ERROR Task run failed with exception: Task run exceeded timeout of 0.03 second(s) - Retries are exhausted
                ERROR Finished in state TimedOut('Task run exceeded timeout of 0.03 second(s)', type=FAILED)
            = Ok(true)
        "#]]).with_logs(),
        scene(
            "waiting_for_an_upstream_does_not_count_for_the_timeout",
            || async {
                let upstream = nap(60).submit();
                nap_after(&upstream).timeout("40ms").await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  nap-*: Pending > Running > Completed
                  nap_after-* (_millis <- nap-*): Pending > Running > Completed
                = Ok("in time")
            "#]],
        ),
        scene(
            "a_blocking_body_that_overruns_is_timed_out_at_once_and_does_not_hold_its_flow",
            || async {
                let (let_go, go_on) = channel();
                let state = blocks(go_on).timeout("30ms").return_state().await;
                KEPT.lock().expect("no panic").push(let_go);
                Ok(state.name().to_owned())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  blocks-*: Pending > Running > TimedOut(Task run exceeded timeout of 0.03 second(s))
                = Ok("TimedOut")
            "#]],
        )
        .not_on(
            Backend::Memory,
            "a paused clock stands still while a thread is blocked; engine_timeouts.rs turns it by hand",
        ),
        scene(
            "a_timeout_inside_of_a_task_that_is_passed_on_is_a_failure_of_that_task",
            || async { Ok(passes_a_timeout_on().await.is_err()) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  passes_a_timeout_on-*: Pending > Running > Failed(Task run encountered an exception: task run 'hurried-*': Task run exceeded timeout of 0.03 second(s))
                    hurried-*: Pending > Running > TimedOut(Task run exceeded timeout of 0.03 second(s))
                = Ok(true)
            "#]],
        ),
        flow("a_flow_that_takes_too_long_is_timed_out_and_what_it_started_is_cancelled", hurried_flow, expect![[r#"
            flow hurried-flow: Pending > Running > TimedOut(Flow run exceeded timeout of 0.05 second(s))
              awaited: Pending > Running > Cancelled(Task run was dropped before it ended.)
              other: Pending > Running > Cancelled(Task run was cancelled.)
            = Err(flow run '~hurried-flow~' exceeded its timeout of 0.05 second(s))
        "#]]),
        flow("the_timeout_of_a_flow_counts_the_work_it_submitted", submits_and_ends, expect![[r#"
            flow submits-and-ends: Pending > Running > TimedOut(Flow run exceeded timeout of 0.05 second(s))
              forever-*: Pending > Running > Cancelled(Task run was cancelled.)
            = Err(flow run '~submits-and-ends~' exceeded its timeout of 0.05 second(s))
        "#]]),
        flow("a_timed_out_flow_is_run_again", hurried_twice, expect![[r#"
            flow hurried-twice: Pending > Running > AwaitingRetry+0(Flow run exceeded timeout of 0.05 second(s)) > Retrying > TimedOut(Flow run exceeded timeout of 0.05 second(s))
            = Err(flow run '~hurried-twice~' exceeded its timeout of 0.05 second(s))
        "#]]),
        scene(
            "an_uncaught_timeout_in_a_subflow_times_out_the_flows_above_it",
            || async { with_a_hurried_task().await },
            expect![[r#"
                flow scene: Pending > Running > TimedOut(Flow run failed due to timeout: flow run '~with-a-hurried-task~' failed: task run 'hurried-*': Task run exceeded timeout of 0.03 second(s))
                  with-a-hurried-task-0: Pending > Pending > Running > TimedOut(Flow run failed due to timeout: task run 'hurried-*': Task run exceeded timeout of 0.03 second(s))
                    flow with-a-hurried-task: Pending > Running > TimedOut(Flow run failed due to timeout: task run 'hurried-*': Task run exceeded timeout of 0.03 second(s))
                      hurried-*: Pending > Running > TimedOut(Task run exceeded timeout of 0.03 second(s))
                = Err(flow run '~scene~' failed: flow run '~with-a-hurried-task~' failed: task run 'hurried-*': Task run exceeded timeout of 0.03 second(s))
            "#]],
        ),
    ]
}

#[task]
async fn nap_after(_millis: u64) -> &'static str {
    "in time"
}

/// What keeps a blocking body waiting beyond the end of its flow, and of the process.
static KEPT: Mutex<Vec<std::sync::mpsc::Sender<()>>> = Mutex::new(Vec::new());
