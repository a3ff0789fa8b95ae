//! Pausing flow runs: who may, how long, and who lets them go on.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, FlowRun, FlowRunId, StateType, pause_flow_run, resume_flow_run, suspend_flow_run};
use flowkit_tests::lab::{Lab, path, seconds};
use tokio::time::sleep;

#[task]
async fn nap(seconds: u64) -> u64 {
    sleep(Duration::from_secs(seconds)).await;
    seconds
}

#[flow]
async fn plain() -> flowkit::Result<u32> {
    pause_flow_run().await?;
    Ok(1)
}

/// Waits until a flow run is paused.
async fn paused<T>(future: &FlowFuture<T>) -> FlowRunId {
    sleep(Duration::from_secs(1)).await;
    let run = future.run().expect("it has begun");
    assert_eq!(run.state().state_type(), StateType::Paused);
    run.id()
}

fn states(run: &FlowRun) -> (String, Vec<u64>) {
    (path(&run.states()), seconds(&run.states()))
}

#[tokio::test(start_paused = true)]
async fn a_paused_run_goes_on_when_it_is_resumed() {
    let lab = Lab::default();
    lab.run(async {
        let future = plain().submit();
        let run = paused(&future).await;
        sleep(Duration::from_secs(1799)).await;
        resume_flow_run(run).await.expect("it is paused");
        assert_eq!(future.await.expect("it goes on"), 1);
    })
    .await;
    let run = lab.flow("plain");
    assert_eq!(states(&run), ("Pending > Running > Paused > Running > Completed".into(), vec![0, 0, 0, 1800, 1800]));
    assert_eq!(run.effort().run_count, 2, "as a server counts");
    assert_eq!(run.effort().total_run_time.as_secs(), 0, "a pause is no time of running");
    lab.log("Pausing flow, execution will continue when this flow run is resumed.");
    lab.log("Resuming flow run execution!");
}

#[tokio::test(start_paused = true)]
async fn a_pause_lasts_an_hour_and_then_the_run_fails_without_a_retry() {
    let lab = Lab::default();
    let error = lab.run(async { plain().retries(3).await }).await.expect_err("nobody resumes it");
    assert_eq!(error.kind(), ErrorKind::Failed);
    let cause = error.downcast_ref::<flowkit::Error>().expect("it comes from the pause");
    assert_eq!(cause.kind(), ErrorKind::NotResumed);
    let run = lab.flow("plain");
    assert_eq!(states(&run), ("Pending > Running > Paused > Failed".into(), vec![0, 0, 0, 3600]));
    assert_eq!(run.state().message(), Some("The flow was failed and never resumed."));
}

#[flow]
async fn brief() -> flowkit::Result<()> {
    pause_flow_run().timeout("90s").key("brief").await
}

#[tokio::test(start_paused = true)]
async fn a_pause_has_the_timeout_and_the_key_it_was_given() {
    let lab = Lab::default();
    lab.run(async { brief().await }).await.expect_err("nobody resumes it");
    let run = lab.flow("brief");
    assert_eq!(seconds(&run.states()), [0, 0, 0, 90]);
    let details = run.states()[2].details().pause.expect("it is a pause");
    assert_eq!((details.key.as_str(), details.reschedule, details.input), ("brief", false, None));
}

#[flow]
async fn unconcerned() -> flowkit::Result<u32> {
    let _ = pause_flow_run().timeout("1m").await;
    nap(5).await.map(|_| 7)
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_by_itself_after_its_pause_has_timed_out_has_failed() {
    let lab = Lab::default();
    let error = lab.run(async { unconcerned().await }).await.expect_err("it was never resumed");
    assert!(error.to_string().contains("The flow was completed and never resumed."), "{error}");
    assert_eq!(path(&lab.flow("unconcerned").states()), "Pending > Running > Paused > Failed");
}

#[flow]
async fn with_work() -> flowkit::Result<u64> {
    let nap = nap(600).submit();
    pause_flow_run().await?;
    nap.await
}

#[tokio::test(start_paused = true)]
async fn submitted_tasks_go_on_during_a_pause() {
    let lab = Lab::default();
    lab.run(async {
        let future = with_work().submit();
        let run = paused(&future).await;
        sleep(Duration::from_secs(999)).await;
        assert!(lab.task("nap").state().is_completed());
        resume_flow_run(run).await.expect("it is paused");
        future.await.expect("it goes on");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_a_pause() {
    let lab = Lab::default();
    lab.run(async {
        let future = plain().submit();
        paused(&future).await;
        future.cancel();
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    assert_eq!(states(&lab.flow("plain")), ("Pending > Running > Paused > Cancelled".into(), vec![0, 0, 0, 1]));
}

#[flow(timeout = "10m")]
async fn timed() -> flowkit::Result<()> {
    pause_flow_run().await
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_flow_goes_on_during_a_pause() {
    let lab = Lab::default();
    let error = lab.run(async { timed().await }).await.expect_err("it takes too long");
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(states(&lab.flow("timed")), ("Pending > Running > Paused > TimedOut".into(), vec![0, 0, 0, 600]));
}

#[flow]
async fn parent() -> flowkit::Result<u32> {
    plain().await
}

#[tokio::test(start_paused = true)]
async fn a_subflow_pauses_alone_and_its_stand_in_shows_it() {
    let lab = Lab::default();
    lab.run(async {
        let future = parent().submit();
        sleep(Duration::from_secs(1)).await;
        resume_flow_run(lab.flow("plain").id()).await.expect("the subflow is paused");
        future.await.expect("it goes on");
    })
    .await;
    assert_eq!(path(&lab.flow("parent").states()), "Pending > Running > Completed");
    assert_eq!(path(&lab.task("plain").states()), "Pending > Pending > Running > Paused > Running > Completed");
}

#[task]
async fn pausing_task() -> flowkit::Result<()> {
    pause_flow_run().await
}

#[flow]
async fn calls_pausing_task() -> flowkit::Result<()> {
    pausing_task().await
}

#[tokio::test(start_paused = true)]
async fn only_the_code_of_a_flow_pauses_it() {
    let lab = Lab::default();
    lab.run(async {
        let error = pause_flow_run().await.expect_err("there is no flow");
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains("paused by the flow's own code, and this code is in no flow"), "{error}");
        let error = calls_pausing_task().await.expect_err("a task cannot pause");
        assert!(error.chain().contains("this code is in task run 'pausing_task-"), "{error:?}");
    })
    .await;
    assert_eq!(path(&lab.flow("calls-pausing-task").states()), "Pending > Running > Failed");
}

#[flow]
async fn misspelt() -> flowkit::Result<()> {
    pause_flow_run().timeout("1 moon").await
}

#[tokio::test(start_paused = true)]
async fn an_option_that_cannot_be_read_is_an_error_before_the_pause() {
    let lab = Lab::default();
    let error = lab.run(async { misspelt().await }).await.expect_err("there is no such unit");
    assert!(error.chain().contains("`1 moon` is not a duration"), "{error:?}");
    assert_eq!(path(&lab.flow("misspelt").states()), "Pending > Running > Failed");
}

#[tokio::test(start_paused = true)]
async fn only_what_is_paused_is_resumed() {
    let lab = Lab::default();
    lab.run(async {
        let nobody = resume_flow_run(FlowRunId::now()).await.expect_err("there is no such run");
        assert_eq!(nobody.kind(), ErrorKind::Refused);
        assert!(nobody.to_string().starts_with("there is no flow run "), "{nobody}");
        let future = plain().submit();
        let run = paused(&future).await;
        resume_flow_run(run).await.expect("it is paused");
        let again = resume_flow_run(run).await.expect_err("it runs");
        assert!(again.to_string().contains("a flow run in state Running cannot be resumed"), "{again}");
        future.await.expect("it goes on");
        let over = resume_flow_run(run).await.expect_err("it is over");
        assert!(over.to_string().contains("in state Completed"), "{over}");
    })
    .await;
}

#[flow]
async fn suspending() -> flowkit::Result<()> {
    suspend_flow_run().await
}

#[flow]
async fn suspending_parent() -> flowkit::Result<()> {
    suspending().await
}

#[tokio::test(start_paused = true)]
async fn only_a_run_of_a_deployment_can_be_suspended() {
    let lab = Lab::default();
    lab.run(async {
        let error = suspending().await.expect_err("it has no deployment");
        let cause = error.downcast_ref::<flowkit::Error>().expect("it comes from the call");
        assert_eq!(cause.kind(), ErrorKind::Refused);
        assert!(cause.to_string().ends_with("a flow run without a deployment cannot be suspended"), "{cause}");
        let error = suspending_parent().await.expect_err("it is a subflow");
        assert!(error.chain().contains("subflows cannot be suspended"), "{error:?}");
    })
    .await;
}

#[flow]
async fn patient() -> flowkit::Result<()> {
    pause_flow_run().timeout(f64::from(u32::MAX) * 1e6).await
}

#[tokio::test(start_paused = true)]
async fn a_pause_for_ever_ends_after_a_hundred_years() {
    let lab = Lab::default();
    lab.run(async { patient().await }).await.expect_err("nobody resumes it");
    let years = lab.flow("patient").state().timestamp().to_string();
    assert!(years.starts_with("21"), "{years}");
}

#[tokio::test(start_paused = true)]
async fn without_a_server_there_are_no_runs_to_take_over() {
    let lab = Lab::default();
    let error = lab.run(flowkit::run_existing(FlowRunId::now())).await.expect_err("there is no such run");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("there is no flow run"), "{error}");
}
