//! Pausing flow runs: who may, how long, with what input, and who lets them go on.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, FlowRun, FlowRunId, InputKeys, StateType, pause_flow_run, resume_flow_run, suspend_flow_run};
use flowkit_tests::lab::{Lab, path, seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;

#[derive(Serialize, Deserialize, JsonSchema, Clone, PartialEq, Debug)]
struct Approval {
    approved: bool,
    amount: u32,
}

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

#[flow]
async fn asking() -> flowkit::Result<Approval> {
    pause_flow_run().wait_for_input::<Approval>().description("Shall it?").await
}

#[flow]
async fn counting() -> flowkit::Result<u32> {
    pause_flow_run().wait_for_input::<u32>().await
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

#[tokio::test(start_paused = true)]
async fn input_is_read_into_its_type() {
    let lab = Lab::default();
    let approval = Approval { approved: true, amount: 3 };
    lab.run(async {
        let future = asking().submit();
        let run = paused(&future).await;
        resume_flow_run(run).input(&approval).await.expect("it fits");
        assert_eq!(future.await.expect("it goes on"), approval);
    })
    .await;
    let details = lab.flow("asking").states()[2].details().pause.expect("it is a pause");
    let InputKeys { schema, description, response, .. } = details.input.expect("it waits for input");
    assert_eq!(
        [&schema[..], &description, &response],
        ["paused-1-schema", "paused-1-description", "paused-1-response"]
    );
}

#[tokio::test(start_paused = true)]
async fn input_that_does_not_fit_is_refused_and_the_run_stays_paused() {
    let lab = Lab::default();
    lab.run(async {
        let future = asking().submit();
        let run = paused(&future).await;
        for (input, why) in [
            (json!({"approved": "yes", "amount": 3}), "`approved`: invalid type"),
            (json!({"approved": true}), "missing field `amount`"),
            (json!({"approved": true, "amount": 3, "colour": 1}), "unknown field `colour`, it has amount, approved"),
        ] {
            let error = resume_flow_run(run).input(&input).await.expect_err(why);
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert!(error.to_string().contains(why), "{error}");
        }
        assert_eq!(resume_flow_run(run).await.expect_err("no input").kind(), ErrorKind::Refused);
        assert_eq!(future.run().map(|run| run.state().state_type()), Some(StateType::Paused));
        resume_flow_run(run).input(&json!({"approved": true, "amount": 3})).await.expect("it fits");
        future.await.expect("it goes on");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn input_that_is_not_an_object_is_given_as_a_value() {
    let lab = Lab::default();
    lab.run(async {
        let future = counting().submit();
        let run = paused(&future).await;
        let error = resume_flow_run(run).input(&"seven").await.expect_err("it is a number");
        assert!(error.to_string().contains("invalid type: string \"seven\""), "{error}");
        resume_flow_run(run).input(&7_u32).await.expect("it fits");
        assert_eq!(future.await.expect("it goes on"), 7);
    })
    .await;
}

#[flow]
async fn prefilled() -> flowkit::Result<Approval> {
    pause_flow_run().wait_for_input::<Approval>().with_initial_data(json!({"amount": 12})).await
}

#[flow]
async fn prefilled_wrongly() -> flowkit::Result<Approval> {
    pause_flow_run().wait_for_input::<Approval>().with_initial_data(12).await
}

#[tokio::test(start_paused = true)]
async fn initial_data_need_not_be_given() {
    let lab = Lab::default();
    lab.run(async {
        let future = prefilled().submit();
        let run = paused(&future).await;
        resume_flow_run(run).input(&json!({"approved": false})).await.expect("the rest is filled in");
        assert_eq!(future.await.expect("it goes on"), Approval { approved: false, amount: 12 });
        let error = prefilled_wrongly().await.expect_err("12 is no object");
        assert!(error.chain().contains("must be an object of its fields: it is `12`"), "{error:?}");
    })
    .await;
}

#[flow]
async fn twice() -> flowkit::Result<Vec<u32>> {
    let first = pause_flow_run().wait_for_input::<u32>().await?;
    let second = pause_flow_run().wait_for_input::<u32>().await?;
    Ok(vec![first, second])
}

#[tokio::test(start_paused = true)]
async fn each_pause_of_a_run_has_its_own_number_and_input() {
    let lab = Lab::default();
    lab.run(async {
        let future = twice().submit();
        for number in [1_u32, 2] {
            let run = paused(&future).await;
            resume_flow_run(run).input(&number).await.expect("it is paused");
        }
        assert_eq!(future.await.expect("it goes on"), [1, 2]);
    })
    .await;
    let keys: Vec<String> =
        lab.flow("twice").states().iter().filter_map(|state| Some(state.details().pause?.key.clone())).collect();
    assert_eq!(keys, ["1", "2"]);
}

#[flow(retries = 2)]
async fn flaky() -> anyhow::Result<u32> {
    let given = pause_flow_run().wait_for_input::<u32>().await?;
    let failed = flowkit::runtime::flow_run().is_some_and(|run| run.states().len() > 4);
    anyhow::ensure!(failed, "not yet");
    Ok(given)
}

#[tokio::test(start_paused = true)]
async fn a_repeated_body_does_not_wait_again_and_gets_the_same_input() {
    let lab = Lab::default();
    lab.run(async {
        let future = flaky().submit();
        let run = paused(&future).await;
        resume_flow_run(run).input(&7_u32).await.expect("it is paused");
        assert_eq!(future.await.expect("the second attempt is fine"), 7);
    })
    .await;
    let run = lab.flow("flaky");
    let states = path(&run.states());
    assert_eq!(states, "Pending > Running > Paused > Running > AwaitingRetry > Retrying > Completed");
    assert_eq!(run.effort().run_count, 2);
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
    assert_eq!(path(&lab.task("plain").states()), "Pending > Running > Paused > Running > Completed");
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
async fn with_a_slash() -> flowkit::Result<u32> {
    pause_flow_run().key("a/b").wait_for_input::<u32>().await
}

#[tokio::test(start_paused = true)]
async fn a_key_that_no_input_can_have_is_refused() {
    let error = Lab::default().run(async { with_a_slash().await }).await.expect_err("the key has a slash");
    assert!(error.chain().contains("must be without slashes, and is `a/b`"), "{error:?}");
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
    assert!(error.to_string().contains("without a server there are no runs but those made here"), "{error}");
}
