//! What is kept of runs, and how code finds out where it is.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{Runtime, runtime};
use flowkit_tests::lab::{Lab, path};
use tokio::time::sleep;

#[task]
async fn number(n: u64) -> u64 {
    tracing::info!("{n}");
    n
}

#[task]
async fn fail() -> Result<(), String> {
    Err("boom".to_owned())
}

#[flow]
async fn numbered(n: u64) -> flowkit::Result<u64> {
    number(n).await
}

#[tokio::test(start_paused = true)]
async fn only_the_latest_task_runs_are_kept() {
    let lab = Lab::of(Runtime::builder().keep_task_runs(3).ephemeral());
    lab.run(async {
        for n in 0..10 {
            number(n).name("{n}").await.expect("it succeeds");
        }
    })
    .await;
    assert_eq!(lab.all_tasks().iter().map(|run| run.name()).collect::<Vec<_>>(), ["7", "8", "9"]);
}

#[tokio::test(start_paused = true)]
async fn only_the_latest_flow_runs_and_logs_are_kept() {
    let lab = Lab::of(Runtime::builder().keep_flow_runs(2).keep_logs(4).ephemeral());
    lab.run(async {
        for n in 0..5 {
            numbered(n).name("{n}").await.expect("it succeeds");
        }
    })
    .await;
    assert_eq!(lab.all_flows().iter().map(|run| run.name().to_owned()).collect::<Vec<_>>(), ["3", "4"]);
    let logs: Vec<_> = lab.logs().into_iter().map(|line| line.message).collect();
    let expected = [
        "Beginning flow run '4' for flow 'numbered'",
        "4",
        "Finished in state Completed()",
        "Finished in state Completed()",
    ];
    assert_eq!(logs, expected);
    assert_eq!(lab.all_tasks().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn runtimes_do_not_see_each_others_runs() {
    let (one, other) = (Lab::default(), Lab::default());
    one.run(async {
        number(1).await.expect("it succeeds");
        other.run(async { number(2).name("inner").await }).await.expect("it succeeds");
        number(3).await.expect("it succeeds");
    })
    .await;
    assert_eq!((one.all_tasks().len(), other.task("number").name()), (2, "inner".to_owned()));
}

#[task]
async fn where_am_i() -> (String, Option<String>) {
    sleep(Duration::from_secs(1)).await;
    let task = runtime::task_run().expect("a body is in a run");
    (task.task().name.to_owned(), runtime::flow_run().map(|run| run.name().to_owned()))
}

#[task]
fn where_am_i_blocking() -> (String, Option<String>) {
    let task = runtime::task_run().expect("a body is in a run");
    (task.task().name.to_owned(), runtime::flow_run().map(|run| run.name().to_owned()))
}

#[flow(run_name = "the-flow")]
async fn asking() -> flowkit::Result<Vec<(String, Option<String>)>> {
    assert!(runtime::task_run().is_none(), "the body of a flow is in no task");
    let here = runtime::flow_run().map(|run| run.name().to_owned());
    let mut all = vec![("flow".to_owned(), here), where_am_i().await?, where_am_i_blocking().submit().await?];
    all.extend(flowkit::map(0..1, |_| where_am_i()).await?);
    all.push(in_subflow().await?);
    Ok(all)
}

#[flow(run_name = "the-subflow")]
async fn in_subflow() -> (String, Option<String>) {
    assert!(runtime::task_run().is_none());
    ("subflow".to_owned(), runtime::flow_run().map(|run| run.name().to_owned()))
}

#[tokio::test(start_paused = true)]
async fn code_knows_which_runs_it_is_part_of() {
    let lab = Lab::default();
    let all = lab.run(async { asking().await }).await.expect("it succeeds");
    let expected = ["flow", "where_am_i", "where_am_i_blocking", "where_am_i"].map(|name| (name, "the-flow"));
    let expected: Vec<_> = expected.into_iter().chain([("subflow", "the-subflow")]).collect();
    let all: Vec<_> = all.iter().map(|(name, flow)| (name.as_str(), flow.as_deref().unwrap_or("none"))).collect();
    assert_eq!(all, expected);
    assert_eq!(lab.run(async { where_am_i().await }).await.expect("it succeeds").1, None);
}

#[tokio::test(start_paused = true)]
async fn outside_of_runs_there_is_none() {
    assert!(runtime::flow_run().is_none() && runtime::task_run().is_none());
    Lab::default()
        .run(async {
            assert!(runtime::flow_run().is_none() && runtime::task_run().is_none());
            number(1).await.expect("it succeeds");
            assert!(runtime::task_run().is_none(), "the run is over");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_sees_itself_running() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { own_state().await }).await.expect("it succeeds"), "Pending > Running");
}

#[task]
async fn own_state() -> String {
    path(&runtime::task_run().expect("a body is in a run").states())
}

#[tokio::test(start_paused = true)]
async fn ids_are_unique_and_ordered_by_time() {
    let lab = Lab::default();
    lab.run(async {
        for n in 0..5 {
            number(n).await.expect("it succeeds");
            sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    let ids: Vec<_> = lab.all_tasks().iter().map(|run| run.id()).collect();
    assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]));
}

#[tokio::test(start_paused = true)]
async fn figures_of_a_run_follow_from_its_states() {
    let lab = Lab::default();
    let _ = lab.run(async { fail().retries(1).retry_delay("5s").await }).await;
    let run = lab.task("fail");
    let (states, effort) = (run.states(), run.effort());
    assert_eq!(effort.run_count, 2);
    assert_eq!(effort.expected_start_time, Some(states[0].timestamp()));
    assert_eq!(effort.start_time, Some(states[1].timestamp()));
    assert_eq!(effort.end_time, Some(states[4].timestamp()));
    assert!(effort.total_run_time < Duration::from_millis(1), "the wait between attempts does not count");
    assert!(states.windows(2).all(|pair| pair[0].timestamp() < pair[1].timestamp()), "no two states share a time");
}

#[tokio::test(start_paused = true)]
async fn everything_is_delivered_at_once_in_memory() {
    let runtime = Runtime::ephemeral();
    runtime.run(async { number(1).await }).await.expect("it succeeds");
    assert!(runtime.flush(Duration::ZERO).await.is_empty());
    assert_eq!(runtime.history().map(|history| history.task_runs().len()), Some(1));
}
