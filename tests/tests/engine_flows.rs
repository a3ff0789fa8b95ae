//! Flows and subflows: their runs, their ends, their retries and timeouts.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{Error, ErrorKind, runtime};
use flowkit_tests::lab::{Lab, path, seconds};
use tokio::time::sleep;

#[task]
async fn nap(seconds: u64) -> u64 {
    sleep(Duration::from_secs(seconds)).await;
    seconds
}

#[task]
async fn fail() -> Result<(), String> {
    Err("boom".to_owned())
}

#[flow]
async fn child(seconds: u64) -> flowkit::Result<u64> {
    nap(seconds).await
}

#[flow]
async fn parent() -> flowkit::Result<u64> {
    Ok(child(1).await? + child(2).await?)
}

#[tokio::test(start_paused = true)]
async fn a_flow_run_goes_from_pending_over_running_to_completed() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { child(2).await }).await.expect("it succeeds"), 2);
    let run = lab.flow("child");
    assert_eq!((path(&run.states()), seconds(&run.states())), ("Pending > Running > Completed".into(), vec![0, 0, 2]));
    assert_eq!(run.parameters(), &serde_json::json!({"seconds": 2}));
    assert_eq!(run.parent_task_run(), None);
    assert_eq!(lab.task("nap").flow_run().map(|flow| flow.id()), Some(run.id()));
}

#[tokio::test(start_paused = true)]
async fn a_subflow_has_a_task_run_in_its_parent_that_mirrors_its_states() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { parent().await }).await.expect("it succeeds"), 3);
    let (parent, children) = (lab.flow("parent"), lab.flows("child"));
    for (nth, child) in children.iter().enumerate() {
        let stand_in = lab.all_tasks().into_iter().find(|run| Some(run.id()) == child.parent_task_run());
        let stand_in = stand_in.expect("it is in the history");
        assert_eq!(stand_in.name(), format!("child-{nth}"));
        assert_eq!(stand_in.flow_run().map(|flow| flow.id()), Some(parent.id()));
        assert_eq!(
            path(&stand_in.states()),
            "Pending > Pending > Running > Completed",
            "its own state and then all of its flow's"
        );
        assert_eq!(seconds(&stand_in.states())[1..], seconds(&child.states()));
    }
    let inside: Vec<_> = lab.tasks("nap").iter().map(|run| run.flow_run().expect("in a flow").id()).collect();
    assert_eq!(inside, [children[0].id(), children[1].id()]);
}

#[flow]
async fn grandparent() -> flowkit::Result<u64> {
    in_task().await
}

#[task]
async fn in_task() -> flowkit::Result<u64> {
    parent().await
}

#[tokio::test(start_paused = true)]
async fn subflows_nest_also_through_a_task() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { grandparent().await }).await.expect("it succeeds"), 3);
    let (top, middle) = (lab.flow("grandparent"), lab.flow("parent"));
    let stand_in = lab.task("parent");
    assert_eq!(stand_in.flow_run().map(|flow| flow.id()), Some(top.id()));
    assert_eq!(stand_in.parent(), Some(lab.task("in_task").id()));
    assert_eq!(middle.parent_task_run(), Some(stand_in.id()));
}

#[flow]
async fn side_by_side() -> flowkit::Result<u64> {
    let (a, b) = (child(3).submit(), child(4).submit());
    assert!(a.state().is_none(), "it has not begun");
    Ok(a.await? + b.await?)
}

#[tokio::test(start_paused = true)]
async fn submitted_subflows_run_side_by_side() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { side_by_side().await }).await.expect("they succeed"), 7);
    assert_eq!(seconds(&lab.flow("side-by-side").states()), [0, 0, 4]);
}

#[flow]
async fn failing_child() -> anyhow::Result<()> {
    fail().await?;
    Ok(())
}

#[flow]
async fn tolerant() -> String {
    match failing_child().await {
        Ok(()) => "fine".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

#[flow]
async fn strict() -> flowkit::Result<()> {
    failing_child().await
}

#[tokio::test(start_paused = true)]
async fn a_failing_subflow_fails_its_parent_only_if_the_error_is_passed_on() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { tolerant().await }).await.expect("it goes on"), "Failed");
    assert!(lab.flow("tolerant").state().is_completed());
    let child = lab.flow("failing-child");
    assert_eq!(path(&child.states()), "Pending > Running > Failed");
    assert_eq!(path(&lab.task("failing-child").states()), "Pending > Pending > Running > Failed");

    lab.run(async { strict().await }).await.expect_err("the child fails");
    let message = lab.flow("strict").state().message().map(str::to_owned).expect("there is a message");
    assert!(message.starts_with("Flow run encountered an exception: "), "{message}");
    assert!(message.ends_with("boom"), "{message}");
}

#[task]
async fn leaves_work() {
    drop(nap(5).submit());
}

#[flow]
async fn forgets() -> &'static str {
    drop(nap(2).submit());
    drop(leaves_work().submit());
    drop(child(3).submit());
    let _ = flowkit::map([4, 4], nap).limit(1).submit();
    "done"
}

#[flow]
async fn forgets_and_fails() -> Result<(), String> {
    drop(nap(2).submit());
    Err("early".to_owned())
}

#[flow]
async fn forgets_and_panics() {
    drop(nap(2).submit());
    panic!("early");
}

#[tokio::test(start_paused = true)]
async fn a_flow_run_is_not_final_while_work_it_submitted_still_runs() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { forgets().await }).await.expect("it succeeds"), "done");
    assert_eq!(seconds(&lab.flow("forgets").states()), [0, 0, 8], "the map takes longest");
    assert!(lab.all_tasks().iter().all(|run| run.state().is_completed()));
    let _ = lab.run(async { forgets_and_fails().await }).await;
    assert_eq!(seconds(&lab.flow("forgets-and-fails").states()), [0, 0, 2]);
    let _ = lab.run(async { forgets_and_panics().await }).await;
    assert_eq!(seconds(&lab.flow("forgets-and-panics").states()), [0, 0, 2]);
    assert_eq!(lab.flow("forgets-and-panics").state().name(), "Failed");
}

#[flow(retries = 2, retry_delay = "10s")]
async fn flaky(failures: u32) -> Result<u32, String> {
    let attempt = runtime::flow_run().expect("a body is in a run").effort().run_count;
    let _ = nap(1).await;
    if attempt <= failures { Err(format!("attempt {attempt}")) } else { Ok(attempt) }
}

#[tokio::test(start_paused = true)]
async fn a_failed_flow_run_waits_and_runs_its_body_again() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { flaky(1).await }).await.expect("the second attempt succeeds"), 2);
    let run = lab.flow("flaky");
    assert_eq!(path(&run.states()), "Pending > Running > AwaitingRetry > Retrying > Completed");
    assert_eq!(seconds(&run.states()), [0, 0, 1, 11, 11], "the nap is not taken twice");
    let waiting = &run.states()[2];
    let until = waiting.details().scheduled_time.expect("it tells when");
    assert_eq!(until.since(waiting.timestamp()), Duration::from_secs(10));
    assert_eq!(run.effort().run_count, 2);
    assert_eq!(lab.tasks("nap").len(), 2, "the body ran again with new task runs");
}

#[tokio::test(start_paused = true)]
async fn a_flow_whose_retries_are_exhausted_fails_with_the_last_error() {
    let lab = Lab::default();
    let error = lab.run(async { flaky(9).retries(1).await }).await.expect_err("each attempt fails");
    assert_eq!(error.attempts(), Some(2));
    assert!(error.chain().ends_with("attempt 2"), "{error:?}");
    let run = lab.flow("flaky");
    assert_eq!(path(&run.states()), "Pending > Running > AwaitingRetry > Retrying > Failed");
    assert_eq!(run.state().message(), Some("Flow run encountered an exception: attempt 2"));
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct OnlyOne(u8);

#[flow]
async fn once(only: OnlyOne) -> Result<(), String> {
    Err(format!("{} used up", only.0))
}

#[tokio::test(start_paused = true)]
async fn flow_retries_by_call_for_a_parameter_that_cannot_be_cloned_are_refused() {
    let lab = Lab::default();
    let error = lab.run(async { once(OnlyOne(1)).retries(1).await }).await.expect_err("it cannot be retried");
    assert_eq!(error.kind(), ErrorKind::Definition);
    assert_eq!(error.to_string(), "flow `once` cannot be retried: one of its parameters is not Clone");
    assert_eq!(path(&lab.flow("once").states()), "Pending > Failed");
}

#[flow(timeout = "5s")]
async fn hurried(seconds: u64, submit: bool) -> flowkit::Result<u64> {
    if submit {
        drop(nap(seconds).submit());
        return Ok(0);
    }
    let other = nap(seconds * 2).submit();
    let subflow = child(seconds * 2).submit();
    nap(seconds).await?;
    Ok(other.await? + subflow.await?)
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_takes_too_long_is_timed_out_and_its_children_are_cancelled() {
    let lab = Lab::default();
    let error = lab.run(async { hurried(9, false).await }).await.expect_err("it takes too long");
    assert!(error.is_timeout(), "{error:?}");
    let run = lab.flow("hurried");
    assert_eq!((path(&run.states()), seconds(&run.states())), ("Pending > Running > TimedOut".into(), vec![0, 0, 5]));
    assert_eq!(run.state().message(), Some("Flow run exceeded timeout of 5.0 second(s)"));
    assert_eq!(lab.all_tasks().len(), 4);
    for task in lab.all_tasks() {
        assert!(path(&task.states()).ends_with("Pending > Running > Cancelled"));
        assert_eq!(seconds(&task.states()).last(), Some(&5));
    }
    assert_eq!(path(&lab.flow("child").states()), "Pending > Running > Cancelled");
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_flow_counts_the_work_it_submitted() {
    let lab = Lab::default();
    let error = lab.run(async { hurried(9, true).await }).await.expect_err("its work takes too long");
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(seconds(&lab.flow("hurried").states()), [0, 0, 5]);
    assert!(lab.task("nap").state().is_cancelled());
}

#[flow(retries = 1, timeout = "5s")]
async fn faster() -> flowkit::Result<u64> {
    let attempt = runtime::flow_run().expect("a body is in a run").effort().run_count;
    nap(10 - 4 * u64::from(attempt)).await
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_flow_is_retried() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { faster().await }).await.expect("the second attempt is in time"), 2);
    let run = lab.flow("faster");
    assert_eq!(path(&run.states()), "Pending > Running > AwaitingRetry > Retrying > Completed");
    assert_eq!(seconds(&run.states()), [0, 0, 5, 5, 7]);
}

#[flow]
async fn with_slow_task() -> anyhow::Result<()> {
    nap(9).timeout("1s").await?;
    Ok(())
}

#[flow]
async fn with_slow_subflow() -> flowkit::Result<()> {
    with_slow_task().await
}

#[tokio::test(start_paused = true)]
async fn an_uncaught_timeout_of_a_task_makes_the_flow_timed_out_and_its_parents_too() {
    let lab = Lab::default();
    let error = lab.run(async { with_slow_subflow().await }).await.expect_err("its task takes too long");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    for name in ["with-slow-task", "with-slow-subflow"] {
        let state = lab.flow(name).state();
        assert_eq!(state.name(), "TimedOut", "{name}");
        let message = state.message().expect("there is a message");
        assert!(message.starts_with("Flow run failed due to timeout: "), "{message}");
        assert!(message.ends_with("Task run exceeded timeout of 1.0 second(s)"), "{message}");
    }
    assert_eq!(error.downcast_ref::<Error>().map(Error::kind), Some(ErrorKind::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn return_state_of_a_flow_gives_the_state_beside_the_result() {
    let lab = Lab::default();
    let finished = lab.run(async { strict().return_state().await }).await.expect("the run was made");
    assert_eq!(finished.name(), "Failed");
    assert!(finished.result().is_err());
}

#[flow]
fn blocking(n: u64) -> u64 {
    n + 1
}

#[tokio::test(start_paused = true)]
async fn a_blocking_flow_runs_as_well() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { blocking(1).await }).await.expect("it succeeds"), 2);
    assert!(lab.flow("blocking").state().is_completed());
}

mod twins {
    use flowkit::prelude::*;

    #[flow(name = "twin")]
    pub(super) async fn first() {}

    #[flow(name = "twin")]
    pub(super) async fn second() {}
}

#[tokio::test(start_paused = true)]
async fn a_flow_is_run_by_its_name_unless_two_share_it() {
    let lab = Lab::default();
    let by_name = |name: &'static str| async move { flowkit::run_flow(name, serde_json::json!({"n": 4})).await };
    lab.run(by_name("blocking")).await.expect("it succeeds");
    assert_eq!(lab.flow("blocking").parameters(), &serde_json::json!({"n": 4}));
    let error = lab.run(by_name("twin")).await.expect_err("there are two");
    assert_eq!(error.kind(), ErrorKind::Definition);
    let text = error.to_string();
    assert!(text.starts_with("there is more than one flow `twin` in this program, `first-"), "{text}");
    assert!(text.contains("` and `second-") && text.ends_with(": give each a `name`"), "{text}");
    assert!(lab.flows("twin").is_empty());
    lab.run(async { (twins::first().await, twins::second().await) }).await.0.expect("they can be called");
}
