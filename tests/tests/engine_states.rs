//! States as values: ending in one, making one of many, and turning one into an error.

use flowkit::prelude::*;
use flowkit::{ErrorKind, State, StateType};
use flowkit_tests::lab::{Lab, path, seconds};

#[task]
async fn number(n: u32) -> Result<u32, String> {
    if n == 0 { Err("nothing".to_owned()) } else { Ok(n) }
}

#[flow]
async fn own_done() -> State {
    State::completed().with_name("MyDone").with_message("as planned")
}

#[flow]
async fn own_end(cancel: bool) -> anyhow::Result<State> {
    number(1).await?;
    Ok(if cancel { State::cancelled().with_message("I cancelled") } else { State::failed().with_message("no use") })
}

#[tokio::test(start_paused = true)]
async fn a_flow_ends_in_the_state_it_returns() {
    let lab = Lab::default();
    let given = lab.run(async { own_done().await }).await.expect("it completes");
    assert_eq!(given.to_string(), "MyDone('as planned', type=COMPLETED)");
    assert_eq!(path(&lab.flow("own-done").states()), "Pending > Running > MyDone");
    assert_eq!(lab.flow("own-done").state().message(), Some("as planned"));

    let cancelled = lab.run(async { own_end(true).return_state().await }).await.expect("the run was made");
    assert_eq!(cancelled.state().to_string(), "Cancelled('I cancelled')");
    let error = cancelled.result().expect_err("a cancelled run has no value");
    assert!(error.is_cancelled() && error.to_string().ends_with("ended in state Cancelled('I cancelled')"), "{error}");

    let error = lab.run(async { own_end(false).await }).await.expect_err("it fails");
    assert_eq!(error.kind(), ErrorKind::Failed);
    let failed = lab.flows("own-end")[1].state();
    assert_eq!((failed.to_string(), failed.details().retriable), ("Failed('no use')".to_owned(), None));
}

#[task(retries = 1, retry_delay = "3s")]
async fn state_of_task(name: String) -> State {
    State::failed().with_name(&name)
}

#[tokio::test(start_paused = true)]
async fn a_failed_state_that_a_task_returns_is_retried() {
    let lab = Lab::default();
    let error = lab.run(async { state_of_task("Refused").await }).await.expect_err("it fails");
    assert_eq!(error.attempts(), Some(2));
    let run = lab.task("state_of_task");
    assert_eq!(path(&run.states()), "Pending > Running > AwaitingRetry > Retrying > Refused");
    assert_eq!((seconds(&run.states())[3], run.state().state_type()), (3, StateType::Failed));
}

#[flow]
async fn gathered(numbers: Vec<u32>) -> Vec<State> {
    flowkit::map(numbers, number).submit().wait().await
}

#[flow]
async fn of_one(n: u32) -> State {
    number(n).submit().wait().await
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_returns_the_states_of_runs_ends_in_their_aggregate() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { gathered(vec![1, 2]).await }).await.expect("all complete").len(), 2);
    assert_eq!(lab.flows("gathered")[0].state().to_string(), "Completed('All states completed.')");
    let error = lab.run(async { gathered(vec![1, 0, 2]).await }).await.expect_err("one fails");
    assert!(error.to_string().ends_with("Failed('1/3 states failed.')"), "{error}");
    assert_eq!(lab.flows("gathered")[1].state().to_string(), "Failed('1/3 states failed.')");
    lab.run(async { gathered(vec![]).await }).await.expect("no states are a plain value");
    assert_eq!(lab.flows("gathered")[2].state().to_string(), "Completed()");
    lab.run(async { of_one(0).await }).await.expect_err("one of one");
    assert_eq!(lab.flow("of-one").state().to_string(), "Failed('1/1 states failed.')");
}

#[flow]
async fn odd_state() -> State {
    let number = number(1).submit();
    let pending = number.state();
    drop(number.wait().await);
    pending
}

#[tokio::test(start_paused = true)]
async fn a_state_that_is_no_end_fails_the_run() {
    let lab = Lab::default();
    lab.run(async { odd_state().await }).await.expect_err("Pending is no end");
    assert_eq!(lab.flow("odd-state").state().to_string(), "Failed('1/1 states are not final.')");
}

#[task]
async fn skip_unit(skip: bool) -> anyhow::Result<()> {
    if skip {
        return Err(flowkit::end_as(State::completed().with_name("Skipped")).into());
    }
    Ok(())
}

#[task]
async fn skip_number(n: u32) -> flowkit::Result<u32> {
    if n == 0 { Err(flowkit::end_as(State::completed().with_name("Skipped"))) } else { Ok(n) }
}

#[task]
async fn after(n: u32) -> u32 {
    n
}

#[task]
async fn later() {}

#[flow]
async fn skipping() -> anyhow::Result<()> {
    skip_unit(true).await?;
    let skipped = skip_number(0).submit();
    later().wait_for(&skipped).await?;
    let error = after(&skipped).await.expect_err("there is no value to give it");
    assert!(error.is_not_ready(), "{error:?}");
    assert_eq!(skipped.await.map_err(|error| error.kind()), Err(ErrorKind::NoValue));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_body_ends_its_run_in_a_state_by_the_question_mark() {
    let lab = Lab::default();
    lab.run(async { skipping().await }).await.expect("it goes on");
    for task in ["skip_unit", "skip_number"] {
        assert_eq!(path(&lab.task(task).states()), "Pending > Running > Skipped");
    }
    assert_eq!(path(&lab.task("later").states()), "Pending > Running > Completed", "it needs no value");
    let starved = lab.task("after").state();
    assert!(starved.message().is_some_and(|text| text.ends_with("has no value.")), "{starved}");
}

#[flow]
async fn child_ends_as() -> anyhow::Result<()> {
    Err(flowkit::end_as(State::cancelled().with_message("enough")))?;
    Ok(())
}

#[flow]
async fn parent_of_it() -> flowkit::Result<()> {
    child_ends_as().await
}

#[tokio::test(start_paused = true)]
async fn a_chosen_state_is_that_of_the_run_and_not_of_those_above() {
    let lab = Lab::default();
    lab.run(async { parent_of_it().await }).await.expect_err("its child has no value");
    assert_eq!(lab.flow("child-ends-as").state().to_string(), "Cancelled('enough')");
    let parent = lab.flow("parent-of-it").state();
    assert_eq!(parent.name(), "Failed");
    assert!(parent.message().is_some_and(|text| text.contains("ended in state Cancelled('enough')")), "{parent}");
}

#[flow]
async fn raising() -> anyhow::Result<()> {
    number(0).submit().wait().await.into_result()?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_failed_state_is_raised_on_demand() {
    let lab = Lab::default();
    lab.run(async { raising().await }).await.expect_err("the state is raised");
    let state = lab.flow("raising").state();
    assert!(state.message().is_some_and(|text| text.contains("nothing")), "{state}");
}

#[flow]
async fn sub(n: u32) -> Result<u32, String> {
    number(n).await.map_err(|error| error.chain())
}

#[flow]
async fn subflows_as_arguments() -> flowkit::Result<(u32, bool)> {
    let (good, bad) = (sub(4).submit(), sub(0).submit());
    let value = after(&good).await?;
    let starved = after(&bad).await.is_err_and(|error| error.is_not_ready());
    later().wait_for((&good, sub(5).submit())).await?;
    assert_eq!((&good).await?, 4);
    assert_eq!(good.id(), good.run().map(|run| run.id()));
    assert!(good.wait().await?.is_completed() && bad.wait().await?.is_failed());
    Ok((value, starved))
}

#[tokio::test(start_paused = true)]
async fn the_future_of_a_subflow_is_an_argument_and_an_edge() {
    let lab = Lab::default();
    assert_eq!(lab.run(async { subflows_as_arguments().await }).await.expect("it succeeds"), (4, true));
    let ids: Vec<_> = lab.flows("sub").iter().map(|run| flowkit::TaskInput::FlowRun(run.id())).collect();
    assert_eq!(lab.tasks("after")[0].inputs(), [("n", vec![ids[0]])]);
    assert_eq!(lab.tasks("after")[1].inputs(), [("n", vec![ids[1]])]);
    assert_eq!(lab.task("later").inputs(), [("wait_for", vec![ids[0], ids[2]])]);
    let starved = lab.tasks("after")[1].state();
    assert!(starved.message().is_some_and(|text| text.starts_with("Upstream flow run '")), "{starved}");
}

#[flow]
async fn waiting_flows() -> flowkit::Result<()> {
    let (good, bad) = (number(1).submit(), number(0).submit());
    sub(1).wait_for(&good).await?;
    let error = sub(2).wait_for([&good, &bad]).await.expect_err("one of them failed");
    assert!(error.is_not_ready(), "{error:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_subflow_waits_for_other_runs_and_is_not_ready_if_one_failed() {
    let lab = Lab::default();
    lab.run(async { waiting_flows().await }).await.expect("it goes on");
    assert_eq!(path(&lab.flows("sub")[1].states()), "Pending > NotReady");
    let failed = lab.tasks("number").into_iter().find(|run| run.state().is_failed()).expect("one failed");
    let message = format!("Upstream task run '{}' did not reach a 'COMPLETED' state.", failed.id());
    assert_eq!(lab.flows("sub")[1].state().message(), Some(message.as_str()));
    assert_eq!(lab.tasks("sub")[1].state().name(), "NotReady", "its stand-in mirrors it");
}

#[flow]
async fn printing() {
    println!("a line");
}

#[tokio::test(start_paused = true)]
async fn a_call_says_whether_prints_are_logged() {
    let lab = Lab::default();
    lab.run(async { printing().await }).await.expect("it succeeds");
    assert!(lab.logs_with("a line").is_empty());
    lab.run(async { printing().log_prints(true).await }).await.expect("it succeeds");
    lab.log("a line");
}
