//! Calls the hooks of a run. What they do or fail to do changes nothing about the run.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::engine::panic;
use crate::hook::{HookContext, HookDef, Hooks, RunKind};
use crate::run::{FlowRun, TaskRun};

/// Calls the hooks for the state that a task run is in.
pub(crate) fn of_task(hooks: &'static Hooks, run: &Arc<TaskRun>) -> BoxFuture<'static, ()> {
    let (kind, state) = (RunKind::Task, run.state());
    let (flow_run, task_run) = (run.flow_run.clone(), Some(Arc::clone(run)));
    call(hooks, HookContext { kind, id: run.id().uuid(), name: run.name(), state, flow_run, task_run })
}

/// Calls the hooks for the state that a flow run is in.
pub(crate) fn of_flow(hooks: &'static Hooks, run: &Arc<FlowRun>) -> BoxFuture<'static, ()> {
    let (kind, state) = (RunKind::Flow, run.state());
    let (name, flow_run) = (run.name().to_owned(), Some(Arc::clone(run)));
    call(hooks, HookContext { kind, id: run.id().uuid(), name, state, flow_run, task_run: None })
}

/// Boxed, so that runs without hooks do not carry the place for them.
fn call(hooks: &'static Hooks, context: HookContext) -> BoxFuture<'static, ()> {
    async move {
        for hook in hooks.of(&context.state) {
            one(hook, context.clone()).await;
        }
    }
    .boxed()
}

async fn one(hook: &HookDef, context: HookContext) {
    let (name, state) = (hook.name, context.state.name().to_owned());
    tracing::info!(target: "flowkit::run", "Running hook '{name}' in response to entering state '{state}'");
    let ended = match panic::contain(|| (hook.call)(context)) {
        Ok(future) => {
            let caught = AssertUnwindSafe(future).catch_unwind().await;
            caught.unwrap_or_else(|payload| Err(panic::describe(&*payload)))
        }
        Err(message) => Err(message),
    };
    match ended {
        Ok(()) => tracing::info!(target: "flowkit::run", "Hook '{name}' finished running successfully"),
        Err(why) => {
            tracing::error!(target: "flowkit::run", "An error was encountered while running hook '{name}': {why}");
        }
    }
}
