//! The graphs in the crate `dagrs`, whose tasks are connected by channels, and which tracks nothing.

use std::sync::Arc;

use ::dagrs::{Action, Content, DefaultNode, EnvVar, Graph, InChannels, Node, NodeId, NodeTable, OutChannels, Output};
use async_trait::async_trait;

use super::{ROOT, TASKS};

/// Sends a value.
struct Give(u32);

#[async_trait]
impl Action for Give {
    async fn run(&self, _: &mut InChannels, to: &mut OutChannels, _: Arc<EnvVar>) -> Output {
        to.broadcast(Content::new(self.0)).await;
        Output::new(self.0)
    }
}

/// Sends what it is sent, and so much more.
struct Add(u32);

#[async_trait]
impl Action for Add {
    async fn run(&self, from: &mut InChannels, to: &mut OutChannels, _: Arc<EnvVar>) -> Output {
        let sent: Vec<u32> = from.map(|sent| sent.ok().and_then(|sent| sent.get().copied()).unwrap_or_default()).await;
        let sum = sent.iter().sum::<u32>() + self.0;
        to.broadcast(Content::new(sum)).await;
        Output::new(sum)
    }
}

/// A graph that is being put together.
#[derive(Default)]
struct Plan {
    graph: Graph,
    table: NodeTable,
}

impl Plan {
    fn add(&mut self, name: String, action: impl Action + 'static) -> NodeId {
        let node = DefaultNode::with_action(name, action, &mut self.table);
        let id = node.id();
        self.graph.add_node(node).expect("a node that is new");
        id
    }

    fn edge(&mut self, from: NodeId, to: Vec<NodeId>) {
        self.graph.add_edge(from, to).expect("nodes that are there");
    }

    /// Runs it and gives the sum of what these nodes return.
    async fn run(mut self, nodes: &[NodeId]) -> u32 {
        self.graph.set_env(EnvVar::new(self.table));
        self.graph.async_start().await.expect("a graph that runs");
        let results = self.graph.get_results::<u32>();
        nodes.iter().filter_map(|node| results.get(node)?.as_deref().copied()).sum()
    }
}

pub(super) async fn chain() -> u32 {
    let mut plan = Plan::default();
    let mut last = plan.add("first".to_owned(), Give(0));
    for n in 1..TASKS {
        let next = plan.add(format!("task {n}"), Add(1));
        plan.edge(last, vec![next]);
        last = next;
    }
    plan.run(&[last]).await
}

pub(super) async fn fan_out() -> u32 {
    let mut plan = Plan::default();
    let root = plan.add("root".to_owned(), Give(ROOT));
    let all: Vec<_> = (0..TASKS).map(|n| plan.add(format!("task {n}"), Add(n))).collect();
    plan.edge(root, all.clone());
    plan.run(&all).await
}
