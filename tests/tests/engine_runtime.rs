//! What code can find out about the run it is part of.

use std::sync::{Arc, Mutex};

use flowkit::prelude::*;
use flowkit::{FlowRun, FlowRunId, HookContext, TaskRun, TaskRunId, runtime};
use flowkit_tests::lab::Lab;

type Place = (Option<FlowRunId>, Option<TaskRunId>);

fn here() -> Place {
    (runtime::flow_run().map(|run| run.id()), runtime::task_run().map(|run| run.id()))
}

#[task]
fn blocking() -> Place {
    here()
}

static HOOKED: Mutex<Vec<Place>> = Mutex::new(Vec::new());

fn look(_: HookContext) {
    HOOKED.lock().expect("no panic").push(here());
}

#[task(on_completion = look)]
async fn hooked() -> Place {
    here()
}

#[task]
async fn spawning() -> anyhow::Result<Place> {
    Ok(tokio::spawn(runtime::in_current_run(async { here() })).await?)
}

#[flow]
async fn everywhere() -> flowkit::Result<Vec<Place>> {
    Ok(vec![blocking().await?, hooked().await?, spawning().await?])
}

#[tokio::test(start_paused = true)]
async fn the_present_run_is_known_in_blocking_bodies_hooks_and_spawned_code() {
    let lab = Lab::default();
    let places = lab.run(async { everywhere().await }).await.expect("it succeeds");
    let flow = lab.flow("everywhere").id();
    let expected: Vec<Place> =
        ["blocking", "hooked", "spawning"].into_iter().map(|name| (Some(flow), Some(lab.task(name).id()))).collect();
    assert_eq!(places, expected);
    assert_eq!(*HOOKED.lock().expect("no panic"), [expected[1]]);
}

#[tokio::test(start_paused = true)]
async fn outside_of_any_run_there_is_nothing() {
    assert!(runtime::flow_run().is_none() && runtime::task_run().is_none() && runtime::deployment().is_none());
    let lab = Lab::default();
    assert_eq!(lab.run(async { here() }).await, (None, None));
}

type Runs = (Arc<FlowRun>, Arc<FlowRun>, Option<Arc<TaskRun>>);

#[flow(version = "7", retries = 1, retry_delay = "1s", tags = ["own"])]
async fn inner(_n: u32) -> Result<Arc<FlowRun>, String> {
    let run = runtime::flow_run().expect("in a run");
    if run.run_count() == 1 { Err("again".to_owned()) } else { Ok(run) }
}

#[flow]
async fn middle(n: u32) -> flowkit::Result<Runs> {
    Ok((inner(n).await?, runtime::flow_run().expect("in a run"), None))
}

#[task]
async fn calls_a_flow() -> flowkit::Result<Runs> {
    let (inner, middle, _) = middle(5).await?;
    Ok((inner, middle, runtime::task_run()))
}

#[flow]
async fn top() -> flowkit::Result<Runs> {
    calls_a_flow().await
}

#[tokio::test(start_paused = true)]
async fn a_run_knows_its_parents_its_flow_and_its_figures() {
    let lab = Lab::default();
    let (inner, middle, task) = lab.run(async { top().await }).await.expect("it succeeds");
    let top = lab.flow("top");
    assert_eq!((top.parent_flow_run_id(), top.root_flow_run_id()), (None, top.id()));
    assert_eq!((middle.parent_flow_run_id(), middle.root_flow_run_id()), (Some(top.id()), top.id()));
    assert_eq!((inner.parent_flow_run_id(), inner.root_flow_run_id()), (Some(middle.id()), top.id()));
    let stand_in = lab.task("middle");
    assert_eq!(middle.parent_task_run(), Some(stand_in.id()));
    assert_eq!(stand_in.parent(), task.map(|task| task.id()));

    assert_eq!((inner.flow_name(), inner.flow_version(), inner.retries()), ("inner", "7", 1));
    assert_eq!((inner.run_count(), inner.tags()), (2, &["own".to_owned()][..]));
    assert_eq!(inner.parameters(), &serde_json::json!({"_n": 5}));
    let states = inner.states();
    assert_eq!(inner.scheduled_start_time(), Some(states[0].timestamp()));
    assert_eq!(inner.start_time(), Some(states[1].timestamp()));
    assert!(inner.deployment().is_none());
    assert_eq!((inner.api_url(), inner.ui_url()), (None, None), "there is no server");
}
