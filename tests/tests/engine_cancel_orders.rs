//! Cancelling a flow run by its id, and runs that outlive whoever called them.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, Runtime};
use flowkit_tests::lab::{Lab, path, seconds};
use tokio::time::sleep;

async fn after(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

#[task]
async fn nap(seconds: u64) {
    after(seconds).await;
}

#[flow]
async fn kid(seconds: u64) -> flowkit::Result<()> {
    nap(seconds).await
}

#[flow]
async fn family(seconds: u64) -> flowkit::Result<()> {
    drop(nap(seconds).submit());
    drop(kid(seconds).submit());
    kid(seconds).await
}

/// Goes on whatever happens to its tasks.
#[flow]
async fn defiant() -> u32 {
    let _ = kid(60).await;
    let _ = nap(1).await;
    let _ = kid(1).await;
    7
}

fn lab() -> (Lab, Runtime) {
    let runtime = Runtime::ephemeral();
    (Lab::of(runtime.clone()), runtime)
}

#[tokio::test(start_paused = true)]
async fn a_flow_run_cancelled_by_its_id_is_cancelling_and_then_cancelled() {
    let (lab, runtime) = lab();
    lab.run(async {
        let future = family(60).submit();
        after(2).await;
        let id = future.run().expect("it has begun").id();
        runtime.cancel_flow_run(id).await.expect("it is under way");
        runtime.cancel_flow_run(id).await.expect("asking twice changes nothing");
        assert_eq!(future.state().expect("it has begun").name(), "Cancelling");
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    let run = lab.flow("family");
    assert_eq!(path(&run.states()), "Pending > Running > Cancelling > Cancelled");
    assert_eq!(seconds(&run.states()), [0, 0, 2, 2]);
    assert!(lab.all_tasks().iter().all(|run| run.state().is_cancelled()));
    assert!(lab.flows("kid").iter().all(|run| path(&run.states()) == "Pending > Running > Cancelled"));
}

#[tokio::test(start_paused = true)]
async fn a_subflow_cancelled_by_its_id_fails_its_parent_only_if_the_error_is_passed_on() {
    let (lab, runtime) = lab();
    let ended = lab
        .run(async {
            let future = defiant().submit();
            after(2).await;
            runtime.cancel_flow_run(lab.flow("kid").id()).await.expect("it is under way");
            future.await
        })
        .await;
    assert_eq!(ended.expect("only the kid was cancelled"), 7);
    let stand_in = &lab.tasks("kid")[0];
    assert!(path(&stand_in.states()).ends_with("Pending > Running > Cancelling > Cancelled"));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_flow_starts_nothing_new_and_is_cancelled_though_its_body_returns() {
    let (lab, runtime) = lab();
    lab.run(async {
        let future = defiant().submit();
        after(2).await;
        runtime.cancel_flow_run(future.run().expect("it has begun").id()).await.expect("it is under way");
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    let started = |states: Vec<flowkit::State>| states.iter().any(|state| state.name() == "Running");
    assert_eq!(lab.tasks("nap").iter().filter(|run| started(run.states())).count(), 1);
    assert_eq!(lab.flows("kid").iter().filter(|run| started(run.states())).count(), 1);
    assert_eq!(path(&lab.flow("defiant").states()), "Pending > Running > Cancelling > Cancelled");
}

#[tokio::test(start_paused = true)]
async fn only_a_run_that_is_under_way_can_be_cancelled() {
    let (lab, runtime) = lab();
    lab.run(async { kid(1).await }).await.expect("it returns");
    let run = lab.flow("kid");
    let error = runtime.cancel_flow_run(run.id()).await.expect_err("it has ended");
    assert_eq!(error.kind(), ErrorKind::Aborted);
    assert_eq!(error.to_string(), format!("flow run '{}' has ended already, in state Completed()", run.name()));
    let error = Runtime::ephemeral().cancel_flow_run(run.id()).await.expect_err("it is of another runtime");
    assert_eq!(error.to_string(), format!("there is no flow run with the id {} in this process", run.id()));
}

#[flow]
async fn lets_go() {
    drop(nap(60).detached().submit());
    drop(kid(60).detached().submit());
    drop(family(60).detached().submit());
    after(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_flow_run_does_not_wait_for_detached_runs() {
    let (lab, _) = lab();
    lab.run(async {
        lets_go().await.expect("it returns");
        assert_eq!(seconds(&lab.flow("lets-go").states()), [0, 0, 1]);
        after(120).await;
    })
    .await;
    let parent = Some(lab.flow("lets-go").id());
    assert_eq!(lab.tasks("nap").iter().filter(|run| run.flow_run().map(|run| run.id()) == parent).count(), 1);
    assert!(lab.all_tasks().iter().all(|run| run.state().is_completed()), "and they go on");
    assert_eq!(lab.flow("family").parent_flow_run_id(), parent, "they are subflows all the same");
}

#[tokio::test(start_paused = true)]
async fn the_cancellation_of_a_flow_run_does_not_reach_detached_runs_but_their_own_does() {
    let (lab, runtime) = lab();
    lab.run(async {
        let future = lets_go().submit();
        sleep(Duration::from_millis(500)).await;
        future.cancel();
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
        after(1).await;
        assert!(!lab.flow("family").state().is_final());
        runtime.cancel_flow_run(lab.flow("family").id()).await.expect("it is under way");
        after(1).await;
        assert!(lab.flow("family").state().is_cancelled());
        assert_eq!(
            lab.all_tasks().iter().filter(|run| run.state().name() == "Running").count(),
            3,
            "the nap and the kid"
        );
    })
    .await;
}
