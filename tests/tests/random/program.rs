//! A small language of programs, and a flow and a task that run them.

use std::time::Duration;

use flowkit::prelude::*;
use flowkit::runtime;
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

/// How a call is made.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Way {
    Await,
    /// Submitted, and awaited when everything has been called.
    Submit,
    /// Submitted and let go.
    Forget,
    /// Submitted, and cancelled after so many seconds.
    Cancel(u8),
    /// Awaited, and dropped after so many seconds.
    Drop(u8),
}

/// How a body of a leaf ends.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) enum End {
    Returns,
    Fails,
    FailsOnce,
    Panics,
}

/// A task that does nothing but take time and end.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Leaf {
    seconds: u8,
    end: End,
    retries: u32,
    delay: u8,
    timeout: Option<u8>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Node {
    Leaf { leaf: Leaf, way: Way, waits: bool },
    Map { leaves: Vec<Leaf>, limit: usize, fail_fast: bool, way: Way },
    Task { nodes: Vec<Node>, way: Way, retries: u32 },
    Flow { nodes: Vec<Node>, way: Way, retries: u32, timeout: Option<u8>, fails: bool },
}

pub(crate) fn way() -> impl Strategy<Value = Way> {
    prop_oneof![
        3 => Just(Way::Await),
        3 => Just(Way::Submit),
        1 => Just(Way::Forget),
        1 => (0..6_u8).prop_map(Way::Cancel),
        1 => (0..6_u8).prop_map(Way::Drop),
    ]
}

fn leaf() -> impl Strategy<Value = Leaf> {
    let end =
        prop_oneof![3 => Just(End::Returns), 1 => Just(End::Fails), 1 => Just(End::FailsOnce), 1 => Just(End::Panics)];
    (0..5_u8, end, 0..3_u32, 0..3_u8, prop::option::weighted(0.2, 1..4_u8))
        .prop_map(|(seconds, end, retries, delay, timeout)| Leaf { seconds, end, retries, delay, timeout })
}

pub(crate) fn node() -> impl Strategy<Value = Node> {
    let leaves = prop::collection::vec(leaf(), 0..5);
    let simple = prop_oneof![
        3 => (leaf(), way(), any::<bool>()).prop_map(|(leaf, way, waits)| Node::Leaf { leaf, way, waits }),
        1 => (leaves, 1..4_usize, any::<bool>(), way())
            .prop_map(|(leaves, limit, fail_fast, way)| Node::Map { leaves, limit, fail_fast, way }),
    ];
    simple.prop_recursive(3, 24, 4, |inner| {
        let nodes = || prop::collection::vec(inner.clone(), 0..4);
        let limit = prop::option::weighted(0.3, 1..6_u8);
        prop_oneof![
            (nodes(), way(), 0..2_u32).prop_map(|(nodes, way, retries)| Node::Task { nodes, way, retries }),
            (nodes(), way(), 0..2_u32, limit, any::<bool>()).prop_map(|(nodes, way, retries, timeout, fails)| {
                Node::Flow { nodes, way, retries, timeout, fails }
            }),
        ]
    })
}

#[task]
async fn leaf_task(leaf: Leaf, _after: u8) -> Result<u8, String> {
    sleep(seconds(leaf.seconds)).await;
    let attempt = runtime::task_run().map_or(0, |run| run.effort().run_count);
    match leaf.end {
        End::Returns => Ok(leaf.seconds),
        End::FailsOnce if attempt > 1 => Ok(leaf.seconds),
        End::Fails | End::FailsOnce => Err("on purpose".to_owned()),
        // Without the hook's output: there are thousands of them.
        End::Panics => std::panic::resume_unwind(Box::new("on purpose")),
    }
}

#[task]
async fn branch_task(nodes: Vec<Node>) -> u8 {
    run(nodes).await
}

#[flow]
async fn branch_flow(nodes: Vec<Node>, fails: bool) -> Result<u8, String> {
    let done = run(nodes).await;
    if fails { Err("on purpose".to_owned()) } else { Ok(done) }
}

fn seconds(seconds: u8) -> Duration {
    Duration::from_secs(u64::from(seconds))
}

fn call(leaf: Leaf) -> TaskCall<u8> {
    limited(leaf_task(leaf, 0), leaf)
}

fn limited(call: TaskCall<u8>, leaf: Leaf) -> TaskCall<u8> {
    let call = call.retries(leaf.retries).retry_delay(seconds(leaf.delay));
    match leaf.timeout {
        Some(limit) => call.timeout(seconds(limit)),
        None => call,
    }
}

/// What is awaited in the end.
enum Left {
    Task(TaskFuture<u8>),
    Flow(flowkit::FlowFuture<u8>),
    Map(MapFuture<u8>),
}

/// Makes all calls in turn, whatever becomes of them.
pub(crate) async fn run(nodes: Vec<Node>) -> u8 {
    let mut left = Vec::new();
    let mut last: Option<TaskFuture<u8>> = None;
    let count = u8::try_from(nodes.len()).unwrap_or(u8::MAX);
    for node in nodes {
        let (way, kept) = match node {
            Node::Leaf { leaf, way, waits } => {
                let call = match &last {
                    Some(upstream) if waits => limited(leaf_task(leaf, upstream), leaf),
                    _ => call(leaf),
                };
                (way, start_task(call, way).await)
            }
            Node::Task { nodes, way, retries } => (way, start_task(branch_task(nodes).retries(retries), way).await),
            Node::Map { leaves, limit, fail_fast, way } => {
                let map = flowkit::map(leaves, call).limit(limit);
                (way, start_map(if fail_fast { map.fail_fast() } else { map }, way).await)
            }
            Node::Flow { nodes, way, retries, timeout, fails } => {
                let call = branch_flow(nodes, fails).retries(retries).retry_delay(seconds(1));
                let call = timeout.into_iter().fold(call, |call, limit| call.timeout(seconds(limit)));
                (way, start_flow(call, way).await)
            }
        };
        if let Some(Left::Task(future)) = &kept {
            last = Some(future.clone());
        }
        match way {
            Way::Submit => left.extend(kept),
            Way::Cancel(after) => {
                sleep(seconds(after)).await;
                kept.iter().for_each(Left::cancel);
            }
            Way::Await | Way::Forget | Way::Drop(_) => {}
        }
    }
    for future in left {
        future.end().await;
    }
    count
}

async fn start_task(call: TaskCall<u8>, way: Way) -> Option<Left> {
    match way {
        Way::Await => drop(call.await),
        Way::Drop(after) => drop(timeout(seconds(after), call.into_future()).await),
        Way::Submit | Way::Forget | Way::Cancel(_) => return Some(Left::Task(call.submit())),
    }
    None
}

async fn start_flow(call: FlowCall<u8>, way: Way) -> Option<Left> {
    match way {
        Way::Await => drop(call.await),
        Way::Drop(after) => drop(timeout(seconds(after), call.into_future()).await),
        Way::Submit | Way::Forget | Way::Cancel(_) => return Some(Left::Flow(call.submit())),
    }
    None
}

async fn start_map(map: flowkit::MapCall<'static, u8>, way: Way) -> Option<Left> {
    match way {
        Way::Await => drop(map.await),
        Way::Drop(after) => drop(timeout(seconds(after), map.into_future()).await),
        Way::Submit | Way::Forget | Way::Cancel(_) => return Some(Left::Map(map.submit())),
    }
    None
}

impl Left {
    fn cancel(&self) {
        match self {
            Self::Task(future) => future.cancel(),
            Self::Flow(future) => future.cancel(),
            Self::Map(future) => future.cancel(),
        }
    }

    async fn end(self) {
        match self {
            Self::Task(future) => drop(future.await),
            Self::Flow(future) => drop(future.await),
            Self::Map(future) => drop(future.await),
        }
    }
}
