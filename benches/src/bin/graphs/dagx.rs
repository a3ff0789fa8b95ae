//! The graphs in the crate `dagx`, which types them, runs tasks that are alone in their layer in place, and tracks nothing.

use ::dagx::{DagRunner, TaskHandle, task_fn};

use super::{ROOT, TASKS};

async fn run(dag: &DagRunner) {
    let ran = dag.run(|task| {
        tokio::spawn(task);
    });
    ran.await.expect("a graph that runs");
}

pub(super) async fn chain() -> u32 {
    let dag = DagRunner::new();
    let mut last: TaskHandle<u32> = dag.add_task(task_fn(|_: ()| async { 0 })).into();
    for _ in 1..TASKS {
        last = dag.add_task(task_fn(|n: u32| async move { n + 1 })).depends_on(last);
    }
    run(&dag).await;
    dag.get(last).expect("a result")
}

pub(super) async fn fan_out() -> u32 {
    let dag = DagRunner::new();
    let root: TaskHandle<u32> = dag.add_task(task_fn(|_: ()| async { ROOT })).into();
    let add = |more: u32| dag.add_task(task_fn(move |n: u32| async move { n + more })).depends_on(root);
    let all: Vec<_> = (0..TASKS).map(add).collect();
    run(&dag).await;
    all.into_iter().map(|one| dag.get(one).expect("a result")).sum()
}
