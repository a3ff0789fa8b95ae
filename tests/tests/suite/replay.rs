//! What a retry of a flow run takes from the attempt before.

use crate::suite::common::*;
use crate::suite::prelude::*;

/// How often the flow at hand was started.
fn attempt() -> u32 {
    flowkit::runtime::flow_run().map_or(0, |run| run.effort().run_count)
}

#[task]
async fn only_later() -> anyhow::Result<u32> {
    anyhow::ensure!(attempt() > 1, "not yet");
    Ok(7)
}

#[flow(retries = 1)]
async fn with_tasks() -> flowkit::Result<u32> {
    Ok(double(1).await? + triple(1).submit().await? + only_later().await?)
}

#[flow(retries = 1)]
async fn with_a_map() -> flowkit::Result<u32> {
    let numbers = flowkit::map(1..=3, double).submit();
    let sum = sum(&numbers).await?;
    Ok(sum + only_later().await?)
}

#[flow(retries = 1)]
async fn with_a_subflow() -> flowkit::Result<u32> {
    Ok(child(1).await? + only_later().await?)
}

#[flow]
async fn bad_child() -> anyhow::Result<u32> {
    let doubled = double(5).await?;
    static RUNS: std::sync::Mutex<Vec<flowkit::FlowRunId>> = std::sync::Mutex::new(Vec::new());
    let parent = flowkit::runtime::flow_run().and_then(|run| run.parent_flow_run_id());
    let mut runs = RUNS.lock().expect("no panic");
    let again = parent.is_some_and(|parent| runs.contains(&parent));
    runs.extend(parent);
    anyhow::ensure!(again, "not yet");
    Ok(doubled)
}

#[flow(retries = 1)]
async fn with_a_failing_subflow() -> flowkit::Result<u32> {
    bad_child().await
}

#[flow(retries = 1)]
async fn with_equal_calls() -> flowkit::Result<u32> {
    Ok(double(1).await? + double(1).await? + only_later().await?)
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        flow("a_retry_takes_finished_tasks_and_runs_what_failed", with_tasks, expect![[r#"
            flow with-tasks: Pending > Running > AwaitingRetry+0(Flow run encountered an exception: task run 'only_later-*' failed: not yet) > Retrying > Completed
              INFO Beginning flow run '~with-tasks~' for flow 'with-tasks'
              ERROR Encountered exception during execution: task run 'only_later-*' failed: not yet
              INFO Received non-final state 'AwaitingRetry' when proposing a final state and will attempt to run again...
              INFO Of the tasks and subflows, replayed 2, ran 1
              INFO Finished in state Completed()
              double-*: Pending > Running > Cached(Taken from an earlier attempt of the flow run.)
                INFO Finished in state Cached('Taken from an earlier attempt of the flow run.', type=COMPLETED)
              double-*: Pending > Running > Completed
                INFO Finished in state Completed()
              only_later-*: Pending > Running > Completed
                INFO Finished in state Completed()
              only_later-*: Pending > Running > Failed(Task run encountered an exception: not yet)
                ERROR Task run failed with exception: not yet
                ERROR Finished in state Failed('Task run encountered an exception: not yet')
              triple-*: Pending > Running > Cached(Taken from an earlier attempt of the flow run.)
                INFO Finished in state Cached('Taken from an earlier attempt of the flow run.', type=COMPLETED)
              triple-*: Pending > Running > Completed
                INFO Finished in state Completed()
            = Ok(12)
        "#]]).with_logs(),
        flow("a_retry_takes_the_items_of_a_map_and_what_was_made_of_them", with_a_map, expect![[r#"
            flow with-a-map: Pending > Running > AwaitingRetry+0(Flow run encountered an exception: task run 'only_later-*' failed: not yet) > Retrying > Completed
              3 x double-*: Pending > Running > Cached(Taken from an earlier attempt of the flow run.)
              3 x double-*: Pending > Running > Completed
              only_later-*: Pending > Running > Completed
              only_later-*: Pending > Running > Failed(Task run encountered an exception: not yet)
              sum-* (numbers <- 3 x double-*): Pending > Running > Cached(Taken from an earlier attempt of the flow run.)
              sum-* (numbers <- 3 x double-*): Pending > Running > Completed
            = Ok(19)
        "#]]),
        flow("a_retry_takes_a_finished_subflow", with_a_subflow, expect![[r#"
            flow with-a-subflow: Pending > Running > AwaitingRetry+0(Flow run encountered an exception: task run 'only_later-*' failed: not yet) > Retrying > Completed
              child-0: Pending > Pending > Running > Completed
                flow child {"n":1}: Pending > Running > Completed
                  double-*: Pending > Running > Completed
              only_later-*: Pending > Running > Completed
              only_later-*: Pending > Running > Failed(Task run encountered an exception: not yet)
            = Ok(9)
        "#]]),
        flow(
            "a_retry_runs_a_failed_subflow_again_and_takes_what_finished_in_it",
            with_a_failing_subflow,
            expect![[r#"
                flow with-a-failing-subflow: Pending > Running > AwaitingRetry+0(Flow run encountered an exception: flow run '~bad-child~' failed: not yet) > Retrying > Completed
                  bad-child-0: Pending > Pending > Running > Failed(Flow run encountered an exception: not yet)
                    flow bad-child: Pending > Running > Failed(Flow run encountered an exception: not yet)
                      double-*: Pending > Running > Completed
                  bad-child-1: Pending > Pending > Running > Completed
                    flow bad-child: Pending > Running > Completed
                      double-*: Pending > Running > Cached(Taken from an earlier attempt of the flow run.)
                = Ok(10)
            "#]],
        ),
        flow("equal_calls_are_taken_by_their_order", with_equal_calls, expect![[r#"
            flow with-equal-calls: Pending > Running > AwaitingRetry+0(Flow run encountered an exception: task run 'only_later-*' failed: not yet) > Retrying > Completed
              2 x double-*: Pending > Running > Cached(Taken from an earlier attempt of the flow run.)
              2 x double-*: Pending > Running > Completed
              only_later-*: Pending > Running > Completed
              only_later-*: Pending > Running > Failed(Task run encountered an exception: not yet)
            = Ok(11)
        "#]]),
    ]
}
