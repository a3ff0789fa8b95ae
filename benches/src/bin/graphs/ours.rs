//! The graphs as flows. All of their tasks are tracked: run, states, and, where futures are arguments, edges.

use flowkit::prelude::*;

use super::{ROOT, TASKS};

#[task]
async fn first() -> u32 {
    0
}

#[task]
async fn root() -> u32 {
    ROOT
}

#[task]
async fn add(n: u32, more: u32) -> u32 {
    n + more
}

#[flow]
async fn awaited() -> flowkit::Result<u32> {
    let mut last = first().await?;
    for _ in 1..TASKS {
        last = add(last, 1).await?;
    }
    Ok(last)
}

#[flow]
async fn submitted() -> flowkit::Result<u32> {
    let mut last = first().submit();
    for _ in 1..TASKS {
        last = add(&last, 1).submit();
    }
    last.await
}

#[flow]
async fn fanned_out() -> flowkit::Result<u32> {
    let root = root().submit();
    let all: Vec<_> = (0..TASKS).map(|n| add(&root, n).submit()).collect();
    let mut sum = 0;
    for one in all {
        sum += one.await?;
    }
    Ok(sum)
}

pub(super) async fn chain_awaited() -> u32 {
    awaited().await.expect("tasks that only return")
}

pub(super) async fn chain_submitted() -> u32 {
    submitted().await.expect("tasks that only return")
}

pub(super) async fn fan_out() -> u32 {
    fanned_out().await.expect("tasks that only return")
}
