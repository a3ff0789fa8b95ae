//! Pauses that wait for input: what may be given, and what the flow makes of it.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, FlowRunId, InputKeys, StateType, pause_flow_run, resume_flow_run};
use flowkit_tests::lab::{Lab, path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;

#[derive(Serialize, Deserialize, JsonSchema, Clone, PartialEq, Debug)]
struct Approval {
    approved: bool,
    amount: u32,
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
async fn with_a_slash() -> flowkit::Result<u32> {
    pause_flow_run().key("a/b").wait_for_input::<u32>().await
}

#[tokio::test(start_paused = true)]
async fn a_key_that_no_input_can_have_is_refused() {
    let error = Lab::default().run(async { with_a_slash().await }).await.expect_err("the key has a slash");
    assert!(error.chain().contains("must be without slashes, and is `a/b`"), "{error:?}");
}
