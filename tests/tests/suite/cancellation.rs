//! Runs that are stopped.

use std::sync::atomic::{AtomicU32, Ordering};

use flowkit::runtime::{cancelled, is_cancelled};

use crate::suite::common::*;
use crate::suite::prelude::*;

/// How many bodies have begun that end only when they are stopped: programs wait for theirs before they stop it.
struct Begun(AtomicU32);

impl Begun {
    const fn none() -> Self {
        Self(AtomicU32::new(0))
    }

    fn now(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }
}

#[task]
async fn endless(begun: &'static Begun) -> u32 {
    begun.0.fetch_add(1, Ordering::Release);
    std::future::pending().await
}

#[task]
async fn submits_endless(begun: &'static Begun) -> u32 {
    drop(endless(begun).name("inner").submit());
    std::future::pending().await
}

#[task(retries = 3)]
async fn passes_on(begun: &'static Begun) -> flowkit::Result<u32> {
    endless(begun).name("inner").await
}

#[task]
async fn last_words(begun: &'static Begun) -> u32 {
    begun.0.fetch_add(1, Ordering::Release);
    cancelled().await;
    tracing::info!("it was told");
    std::future::pending().await
}

#[task]
fn looks_now_and_then(begun: &'static Begun) -> u32 {
    // A body that has asked once is known to listen.
    let told = is_cancelled();
    begun.0.fetch_add(1, Ordering::Release);
    while !told && !is_cancelled() {
        std::thread::yield_now();
    }
    0
}

static ENDLESS_CHILD: Begun = Begun::none();

#[flow]
async fn endless_child() -> flowkit::Result<u32> {
    endless(&ENDLESS_CHILD).await
}

static EVERYTHING: Begun = Begun::none();

#[flow]
async fn everything_endless() -> flowkit::Result<u32> {
    drop(endless(&EVERYTHING).name("submitted").submit());
    drop(flowkit::map(0..2, |_| endless(&EVERYTHING).name("mapped")).submit());
    endless(&EVERYTHING).name("awaited").await
}

#[flow]
async fn endless_flow() -> u32 {
    std::future::pending().await
}

static ITS_WORK: Begun = Begun::none();

#[flow]
async fn waits_for_its_work() -> &'static str {
    drop(endless(&ITS_WORK).name("submitted").submit());
    "done"
}

#[flow(retries = 1, retry_delay = "1h")]
async fn waits_for_its_retry() -> Result<u32, String> {
    Err("again".to_owned())
}

/// Submits a task, and cancels it when a body has begun.
async fn cancelled_after<T: Clone + Send + 'static>(
    call: TaskCall<T>,
    begun: &'static Begun,
) -> flowkit::Result<String> {
    let before = begun.now();
    let future = call.submit();
    until(|| begun.now() > before).await;
    future.cancel();
    Ok(future.wait().await.name().to_owned())
}

/// Submits a flow, and cancels it when so many bodies have begun.
async fn flow_cancelled_after<T: Clone + Send + 'static>(
    stage: Stage,
    call: FlowCall<T>,
    begun: &'static Begun,
    count: u32,
) -> flowkit::Result<T> {
    let before = begun.now();
    let future = call.submit();
    until(|| begun.now() >= before + count).await;
    stage.saw(&future);
    future.cancel();
    future.await
}

/// Submits a flow, and cancels it when it is in a state.
async fn cancelled_in<T: Clone + Send + 'static>(
    stage: Stage,
    call: FlowCall<T>,
    state: &'static str,
) -> flowkit::Result<T> {
    let future = call.submit();
    until_flow(&future, state).await;
    stage.saw(&future);
    future.cancel();
    future.await
}

pub(crate) fn all() -> Vec<Behaviour> {
    vec![
        scene(
            "a_cancelled_task_stops_where_it_waits",
            || async {
                let future = forever().submit();
                until_task(&future, "Running").await;
                future.cancel();
                Ok(future.await.is_err_and(|error| error.is_cancelled()))
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  INFO Beginning flow run '~scene~' for flow 'scene'
                  INFO Finished in state Completed()
                  forever-*: Pending > Running > Cancelled(Task run was cancelled.)
                    ERROR Finished in state Cancelled('Task run was cancelled.')
                = Ok(true)
            "#]],
        )
        .with_logs(),
        scene(
            "a_task_cancelled_before_it_starts_never_runs",
            || async {
                let endless = forever().name("first").submit();
                let future = double(1).wait_for(&endless).submit();
                until_task(&endless, "Running").await;
                future.cancel();
                let state = future.wait().await;
                endless.cancel();
                Ok(state.name().to_owned())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-* (wait_for <- first): Pending > Cancelled(Task run was cancelled.)
                  first: Pending > Running > Cancelled(Task run was cancelled.)
                = Ok("Cancelled")
            "#]],
        ),
        scene(
            "a_task_is_cancelled_while_it_waits_for_its_retry",
            || async {
                let future = fail("again").retries(1).retry_delay("1h").submit();
                until_task(&future, "AwaitingRetry").await;
                future.cancel();
                Ok(future.wait().await.name().to_owned())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  fail-*: Pending > Running > AwaitingRetry+3600 > Cancelled(Task run was cancelled.)
                = Ok("Cancelled")
            "#]],
        ),
        scene(
            "a_cancelled_task_cancels_what_it_submitted",
            || async {
                static BEGUN: Begun = Begun::none();
                cancelled_after(submits_endless(&BEGUN), &BEGUN).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  submits_endless-*: Pending > Running > Cancelled(Task run was cancelled.)
                    inner: Pending > Running > Cancelled(Task run was cancelled.)
                = Ok("Cancelled")
            "#]],
        ),
        scene(
            "a_cancelled_task_that_passes_the_cancellation_on_is_not_retried",
            || async {
                static BEGUN: Begun = Begun::none();
                cancelled_after(passes_on(&BEGUN), &BEGUN).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  passes_on-*: Pending > Running > Cancelled(Task run was cancelled.)
                    inner: Pending > Running > Cancelled(Task run was cancelled.)
                = Ok("Cancelled")
            "#]],
        ),
        scene(
            "cancelling_after_the_end_changes_nothing",
            || async {
                let future = double(2).submit();
                future.wait().await;
                future.cancel();
                future.await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  double-*: Pending > Running > Completed
                = Ok(4)
            "#]],
        ),
        scene(
            "a_body_learns_that_its_run_is_cancelled",
            || async {
                static BEGUN: Begun = Begun::none();
                cancelled_after(last_words(&BEGUN), &BEGUN).await
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  last_words-*: Pending > Running > Cancelled(Task run was cancelled.)
                = Ok("Cancelled")
            "#]],
        ),
        scene(
            "a_blocking_body_learns_that_its_run_is_cancelled",
            || async {
                static BEGUN: Begun = Begun::none();
                let before = BEGUN.now();
                let future = looks_now_and_then(&BEGUN).submit();
                // A paused clock stands still while a thread is busy.
                while BEGUN.now() == before {
                    tokio::task::yield_now().await;
                }
                future.cancel();
                Ok(future.wait().await.name().to_owned())
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  looks_now_and_then-*: Pending > Running > Cancelled(Task run was cancelled.)
                = Ok("Cancelled")
            "#]],
        ),
        scene(
            "a_cancelled_task_that_is_awaited_with_a_question_mark_fails_its_flow",
            || async {
                let future = forever().submit();
                until_task(&future, "Running").await;
                future.cancel();
                future.await
            },
            expect![[r#"
                flow scene: Pending > Running > Failed(Flow run encountered an exception: task run 'forever-*' was cancelled)
                  forever-*: Pending > Running > Cancelled(Task run was cancelled.)
                = Err(flow run '~scene~' failed: task run 'forever-*' was cancelled)
            "#]],
        ),
        behaviour(
            "a_cancelled_flow_is_cancelled_where_it_waits",
            |stage| cancelled_in(stage, endless_flow(), "Running"),
            expect![[r#"
                flow endless-flow: Pending > Running > Cancelled(Flow run was cancelled.)
                  INFO Beginning flow run '~endless-flow~' for flow 'endless-flow'
                  ERROR Finished in state Cancelled('Flow run was cancelled.')
                = Err(flow run '~endless-flow~' was cancelled)
            "#]],
        )
        .with_logs(),
        behaviour(
            "a_cancelled_flow_cancels_what_it_awaits_submitted_and_maps",
            |stage| flow_cancelled_after(stage, everything_endless(), &EVERYTHING, 4),
            expect![[r#"
                flow everything-endless: Pending > Running > Cancelled(Flow run was cancelled.)
                  awaited: Pending > Running > Cancelled(Task run was cancelled.)
                  2 x mapped: Pending > Running > Cancelled(Task run was cancelled.)
                  submitted: Pending > Running > Cancelled(Task run was cancelled.)
                = Err(flow run '~everything-endless~' was cancelled)
            "#]],
        ),
        behaviour(
            "a_flow_is_cancelled_while_it_waits_for_its_work",
            |stage| flow_cancelled_after(stage, waits_for_its_work(), &ITS_WORK, 1),
            expect![[r#"
                flow waits-for-its-work: Pending > Running > Cancelled(Flow run was cancelled.)
                  submitted: Pending > Running > Cancelled(Task run was cancelled.)
                = Err(flow run '~waits-for-its-work~' was cancelled)
            "#]],
        ),
        behaviour(
            "a_flow_is_cancelled_while_it_waits_for_its_retry",
            |stage| cancelled_in(stage, waits_for_its_retry(), "AwaitingRetry"),
            expect![[r#"
                flow waits-for-its-retry: Pending > Running > AwaitingRetry+3600(Flow run encountered an exception: again) > Cancelled(Flow run was cancelled.)
                = Err(flow run '~waits-for-its-retry~' was cancelled)
            "#]],
        ),
        scene(
            "a_cancelled_subflow_does_not_cancel_its_parent",
            || async {
                let before = ENDLESS_CHILD.now();
                let future = endless_child().submit();
                until(|| ENDLESS_CHILD.now() > before).await;
                future.cancel();
                Ok(future.await.is_err_and(|error| error.is_cancelled()))
            },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  endless-child-0: Pending > Pending > Running > Cancelled(Flow run was cancelled.)
                    flow endless-child: Pending > Running > Cancelled(Flow run was cancelled.)
                      endless-*: Pending > Running > Cancelled(Task run was cancelled.)
                = Ok(true)
            "#]],
        ),
    ]
}
