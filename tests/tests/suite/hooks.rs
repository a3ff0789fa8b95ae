//! Functions that are called when a run enters a state.

use flowkit::HookContext;

use crate::suite::common::*;
use crate::suite::prelude::*;

fn note(context: HookContext) {
    tracing::info!("hook saw {}", context.state().name());
}

async fn note_later(context: HookContext) -> Result<(), String> {
    tokio::task::yield_now().await;
    tracing::info!("slow hook saw {}", context.state().name());
    Ok(())
}

fn refuse(_: HookContext) -> anyhow::Result<()> {
    anyhow::bail!("no such channel")
}

fn explode(_: HookContext) {
    panic!("boom")
}

#[task(on_running = note, on_completion = note, on_failure = note, on_cancellation = note, on_crashed = note)]
async fn watched(fails: u32) -> Result<u32, String> {
    let count = flowkit::runtime::task_run().map_or(0, |run| run.effort().run_count);
    if count <= fails { Err("not yet".to_owned()) } else { Ok(count) }
}

#[task(on_completion = [note, note_later])]
async fn two_hooks() {}

#[task(on_running = explode, on_completion = [refuse, explode, note])]
async fn unlucky() -> u32 {
    7
}

#[task(on_cancellation = note, on_failure = note)]
async fn endless() -> u32 {
    std::future::pending().await
}

#[task(on_completion = note)]
fn blocking() {}

#[flow(on_running = note, on_completion = note_later, on_failure = note, on_cancellation = note)]
async fn watched_flow(fails: u32) -> Result<u32, String> {
    let count = flowkit::runtime::flow_run().map_or(0, |run| run.effort().run_count);
    if count <= fails { Err("broken".to_owned()) } else { Ok(count) }
}

#[flow(on_running = note, on_cancellation = note, on_failure = note)]
async fn endless_flow() -> u32 {
    std::future::pending().await
}

#[flow(on_completion = refuse, on_failure = note)]
async fn unlucky_flow() -> u32 {
    7
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        scene("hooks_of_a_task_are_called_as_it_enters_its_states", || async { watched(0).await }, expect![[r#"
            flow scene: Pending > Running > Completed
              INFO Beginning flow run '~scene~' for flow 'scene'
              INFO Finished in state Completed()
              watched-*: Pending > Running > Completed
                INFO Running hook 'note' in response to entering state 'Running'
                INFO hook saw Running
                INFO Hook 'note' finished running successfully
                INFO Running hook 'note' in response to entering state 'Completed'
                INFO hook saw Completed
                INFO Hook 'note' finished running successfully
                INFO Finished in state Completed()
            = Ok(1)
        "#]])
            .with_logs(),
        scene(
            "hooks_for_failure_are_called_once_after_the_last_attempt",
            || async { Ok(watched(9).retries(1).await.is_err()) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  INFO Finished in state Completed()
                  watched-*: Pending > Running > Retrying > Failed(Task run encountered an exception: not yet)
                    INFO Running hook 'note' in response to entering state 'Running'
                    INFO hook saw Running
                    INFO Hook 'note' finished running successfully
                    INFO Task run failed with exception: not yet - Retry 1/1 will start immediately
                    INFO Running hook 'note' in response to entering state 'Retrying'
                    INFO hook saw Retrying
                    INFO Hook 'note' finished running successfully
                    ERROR Task run failed with exception: not yet - Retries are exhausted
                    INFO Running hook 'note' in response to entering state 'Failed'
                    INFO hook saw Failed
                    INFO Hook 'note' finished running successfully
                    ERROR Finished in state Failed('Task run encountered an exception: not yet')
                = Ok(true)
            "#]],
        )
        .with_logs(),
        scene("the_running_hook_is_called_for_each_attempt", || async { watched(1).retries(1).await }, expect![[r#"
            flow scene: Pending > Running > Completed
              INFO Beginning flow run '~scene~' for flow 'scene'
              INFO Finished in state Completed()
              watched-*: Pending > Running > Retrying > Completed
                INFO Running hook 'note' in response to entering state 'Running'
                INFO hook saw Running
                INFO Hook 'note' finished running successfully
                INFO Task run failed with exception: not yet - Retry 1/1 will start immediately
                INFO Running hook 'note' in response to entering state 'Retrying'
                INFO hook saw Retrying
                INFO Hook 'note' finished running successfully
                INFO Running hook 'note' in response to entering state 'Completed'
                INFO hook saw Completed
                INFO Hook 'note' finished running successfully
                INFO Finished in state Completed()
            = Ok(2)
        "#]])
            .with_logs(),
        scene("several_hooks_follow_each_other", || async { two_hooks().await }, expect![[r#"
            flow scene: Pending > Running > Completed
              INFO Beginning flow run '~scene~' for flow 'scene'
              INFO Finished in state Completed()
              two_hooks-*: Pending > Running > Completed
                INFO Running hook 'note' in response to entering state 'Completed'
                INFO hook saw Completed
                INFO Hook 'note' finished running successfully
                INFO Running hook 'note_later' in response to entering state 'Completed'
                INFO slow hook saw Completed
                INFO Hook 'note_later' finished running successfully
                INFO Finished in state Completed()
            = Ok(())
        "#]]).with_logs(),
        scene("a_hook_that_fails_is_logged_and_changes_nothing", || async { unlucky().await }, expect![[r#"
            flow scene: Pending > Running > Completed
              INFO Beginning flow run '~scene~' for flow 'scene'
              INFO Finished in state Completed()
              unlucky-*: Pending > Running > Completed
                INFO Running hook 'explode' in response to entering state 'Running'
                ERROR An error was encountered while running hook 'explode': panicked at tests/tests/suite/hooks.rs:_: boom
                INFO Running hook 'refuse' in response to entering state 'Completed'
                ERROR An error was encountered while running hook 'refuse': no such channel
                INFO Running hook 'explode' in response to entering state 'Completed'
                ERROR An error was encountered while running hook 'explode': panicked at tests/tests/suite/hooks.rs:_: boom
                INFO Running hook 'note' in response to entering state 'Completed'
                INFO hook saw Completed
                INFO Hook 'note' finished running successfully
                INFO Finished in state Completed()
            = Ok(7)
        "#]])
            .with_logs(),
        scene(
            "the_hook_for_failure_is_called_when_a_task_times_out",
            || async { Ok(endless().timeout("20ms").await.is_err()) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  INFO Finished in state Completed()
                  endless-*: Pending > Running > TimedOut(Task run exceeded timeout of 0.02 second(s))
                    ERROR Task run failed with exception: Task run exceeded timeout of 0.02 second(s)
                    INFO Running hook 'note' in response to entering state 'TimedOut'
                    INFO hook saw TimedOut
                    INFO Hook 'note' finished running successfully
                    ERROR Finished in state TimedOut('Task run exceeded timeout of 0.02 second(s)', type=FAILED)
                = Ok(true)
            "#]],
        )
        .with_logs(),
        scene(
            "the_hook_for_cancellation_is_called_when_a_task_is_cancelled",
            || async {
                let future = endless().submit();
                until_task(&future, "Running").await;
                future.cancel();
                Ok(future.wait().await.name().to_owned())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  INFO Finished in state Completed()
                  endless-*: Pending > Running > Cancelled(Task run was cancelled.)
                    INFO Running hook 'note' in response to entering state 'Cancelled'
                    INFO hook saw Cancelled
                    INFO Hook 'note' finished running successfully
                    ERROR Finished in state Cancelled('Task run was cancelled.')
                = Ok("Cancelled")
            "#]],
        )
        .with_logs(),
        scene("hooks_of_a_blocking_task_are_called", || async { blocking().await }, expect![[r#"
            flow scene: Pending > Running > Completed
              INFO Beginning flow run '~scene~' for flow 'scene'
              INFO Finished in state Completed()
              blocking-*: Pending > Running > Completed
                INFO Running hook 'note' in response to entering state 'Completed'
                INFO hook saw Completed
                INFO Hook 'note' finished running successfully
                INFO Finished in state Completed()
            = Ok(())
        "#]]).with_logs(),
        scene(
            "a_task_that_is_not_ready_calls_no_hook",
            || async {
                let failed = fail("boom").submit();
                Ok(watched(0).wait_for(&failed).await.is_err())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  INFO Finished in state Completed()
                  fail-*: Pending > Running > Failed(Task run encountered an exception: boom)
                    ERROR Task run failed with exception: boom
                    ERROR Finished in state Failed('Task run encountered an exception: boom')
                  watched-* (wait_for <- fail-*): Pending > NotReady(Upstream task run 'fail-*' did not reach a 'COMPLETED' state.)
                    ERROR Finished in state NotReady('Upstream task run 'fail-*' did not reach a 'COMPLETED' state.', type=PENDING)
                = Ok(true)
            "#]],
        )
        .with_logs(),
        flow("hooks_of_a_flow_are_called_as_it_enters_its_states", || watched_flow(0), expect![[r#"
            flow watched-flow {"fails":0}: Pending > Running > Completed
              INFO Beginning flow run '~watched-flow~' for flow 'watched-flow'
              INFO Running hook 'note' in response to entering state 'Running'
              INFO hook saw Running
              INFO Hook 'note' finished running successfully
              INFO Running hook 'note_later' in response to entering state 'Completed'
              INFO slow hook saw Completed
              INFO Hook 'note_later' finished running successfully
              INFO Finished in state Completed()
            = Ok(1)
        "#]]).with_logs(),
        flow("the_hook_for_failure_of_a_flow_is_called_when_it_fails", || watched_flow(9), expect![[r#"
            flow watched-flow {"fails":9}: Pending > Running > Failed(Flow run encountered an exception: broken)
              INFO Beginning flow run '~watched-flow~' for flow 'watched-flow'
              INFO Running hook 'note' in response to entering state 'Running'
              INFO hook saw Running
              INFO Hook 'note' finished running successfully
              ERROR Encountered exception during execution: broken
              INFO Running hook 'note' in response to entering state 'Failed'
              INFO hook saw Failed
              INFO Hook 'note' finished running successfully
              ERROR Finished in state Failed('Flow run encountered an exception: broken')
            = Err(flow run '~watched-flow~' failed: broken)
        "#]]).with_logs(),
        flow("hooks_of_a_flow_are_called_over_its_retries", || watched_flow(1).retries(1), expect![[r#"
            flow watched-flow {"fails":1}: Pending > Running > AwaitingRetry+0(Flow run encountered an exception: broken) > Retrying > Completed
              INFO Beginning flow run '~watched-flow~' for flow 'watched-flow'
              INFO Running hook 'note' in response to entering state 'Running'
              INFO hook saw Running
              INFO Hook 'note' finished running successfully
              ERROR Encountered exception during execution: broken
              INFO Received non-final state 'AwaitingRetry' when proposing a final state and will attempt to run again...
              INFO Running hook 'note' in response to entering state 'Retrying'
              INFO hook saw Retrying
              INFO Hook 'note' finished running successfully
              INFO Running hook 'note_later' in response to entering state 'Completed'
              INFO slow hook saw Completed
              INFO Hook 'note_later' finished running successfully
              INFO Finished in state Completed()
            = Ok(2)
        "#]]).with_logs(),
        flow("a_hook_of_a_flow_that_fails_is_logged_and_changes_nothing", unlucky_flow, expect![[r#"
            flow unlucky-flow: Pending > Running > Completed
              INFO Beginning flow run '~unlucky-flow~' for flow 'unlucky-flow'
              INFO Running hook 'refuse' in response to entering state 'Completed'
              ERROR An error was encountered while running hook 'refuse': no such channel
              INFO Finished in state Completed()
            = Ok(7)
        "#]]).with_logs(),
        behaviour(
            "the_hook_for_cancellation_is_called_when_a_flow_is_cancelled",
            |stage| async move {
                let future = endless_flow().submit();
                until_flow(&future, "Running").await;
                stage.saw(&future);
                future.cancel();
                future.await
            },
            expect![[r#"
                flow endless-flow: Pending > Running > Cancelled(Flow run was cancelled.)
                  INFO Beginning flow run '~endless-flow~' for flow 'endless-flow'
                  INFO Running hook 'note' in response to entering state 'Running'
                  INFO hook saw Running
                  INFO Hook 'note' finished running successfully
                  INFO Running hook 'note' in response to entering state 'Cancelled'
                  INFO hook saw Cancelled
                  INFO Hook 'note' finished running successfully
                  ERROR Finished in state Cancelled('Flow run was cancelled.')
                = Err(flow run '~endless-flow~' was cancelled)
            "#]],
        )
        .with_logs(),
    ]
}
