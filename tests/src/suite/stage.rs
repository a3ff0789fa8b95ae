//! What a program of the suite is given to act on.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{Runtime, runtime};

/// The ids of the runs that a program began with, by which a backend is asked for the rest.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    /// Flow runs.
    pub flows: Vec<String>,
    /// Task runs outside of any flow.
    pub tasks: Vec<String>,
}

/// Is where a program runs. Clones share what they have seen.
#[derive(Debug, Clone)]
pub struct Stage(Arc<Mutex<Roots>>, Runtime);

type Act = Pin<Box<dyn Future<Output = flowkit::Result<String>> + Send>>;

tokio::task_local! {
    static SCENE: (Stage, Mutex<Option<Act>>);
}

/// The flow that the programs need to which it does not matter.
#[flow]
async fn scene() -> flowkit::Result<String> {
    let (stage, act) = SCENE.with(|(stage, act)| (stage.clone(), lock(act).take()));
    stage.saw_present_flow();
    match act {
        Some(act) => act.await,
        None => Ok("there is no second act".to_owned()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stage {
    /// Makes a stage for programs that report to this runtime.
    pub fn of(runtime: &Runtime) -> Self {
        Self(Arc::default(), runtime.clone())
    }

    /// Returns what the program reports to.
    pub fn runtime(&self) -> Runtime {
        self.1.clone()
    }

    /// Runs `act` as the body of a flow and returns its value as it is debugged.
    ///
    /// # Errors
    ///
    /// What the act returned, as the error of the flow run.
    pub async fn scene<T, F>(&self, act: F) -> flowkit::Result<Shown>
    where
        T: std::fmt::Debug,
        F: Future<Output = flowkit::Result<T>> + Send + 'static,
    {
        let act: Act = Box::pin(async move { act.await.map(|value| format!("{value:?}")) });
        SCENE.scope((self.clone(), Mutex::new(Some(act))), async { scene().await }).await.map(Shown)
    }

    /// Runs a flow.
    ///
    /// # Errors
    ///
    /// What the flow run ended with.
    pub async fn flow<T: Clone + Send + 'static>(&self, call: FlowCall<T>) -> flowkit::Result<T> {
        let future = call.submit();
        let result = future.clone().await;
        self.saw(&future);
        result
    }

    /// Notes a flow run that was submitted and has begun.
    pub fn saw<T>(&self, future: &FlowFuture<T>) {
        lock(&self.0).flows.extend(future.run().map(|run| run.id().to_string()));
    }

    /// Notes the flow run that this is called in.
    pub fn saw_present_flow(&self) {
        lock(&self.0).flows.extend(runtime::flow_run().map(|run| run.id().to_string()));
    }

    /// Runs a task outside of any flow.
    ///
    /// # Errors
    ///
    /// What the task run ended with.
    pub async fn task<T: Clone + Send + 'static>(&self, call: TaskCall<T>) -> flowkit::Result<T> {
        let future = call.submit();
        self.saw_task(&future);
        future.await
    }

    /// Notes a task run that was submitted outside of any flow.
    pub fn saw_task<T>(&self, future: &TaskFuture<T>) {
        lock(&self.0).tasks.push(future.id().to_string());
    }

    /// Returns what was noted.
    pub fn roots(&self) -> Roots {
        lock(&self.0).clone()
    }
}

/// A value that is shown as it was debugged in the flow.
#[derive(Clone)]
pub struct Shown(String);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Waits until something is so, for programs that must act at a certain moment.
///
/// # Panics
///
/// After a minute of the runtime's clock.
pub async fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..60_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("waited in vain");
}

/// Waits until a task run is in the state of this name.
pub async fn until_task<T>(future: &TaskFuture<T>, state: &str) {
    until(|| future.state().name() == state).await;
}

/// Waits until a flow run is in the state of this name.
pub async fn until_flow<T>(future: &FlowFuture<T>, state: &str) {
    until(|| future.state().is_some_and(|present| present.name() == state)).await;
}
