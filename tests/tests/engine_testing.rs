//! `#[flowkit::test]` and stubs, used as users use them; the first tests are those of the documentation.

use std::error::Error as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::testing::any;
use flowkit::{ErrorKind, History, Runtime};
use flowkit_tests::lab::{path, seconds};

#[task(retries = 2, retry_delay = "30m")]
async fn price_of(product: u32) -> Result<f64, String> {
    Err(format!("no network for {product}"))
}

#[task]
fn save(prices: Vec<f64>, _to: Pool) -> std::io::Result<usize> {
    Ok(prices.len())
}

/// Something that is not worth making to tell which task is meant.
struct Pool;

#[flow]
async fn total(products: u32) -> flowkit::Result<f64> {
    tracing::info!("{products} products");
    Ok(flowkit::map(1..=products, price_of).await?.iter().sum())
}

fn history(runtime: &Runtime) -> &dyn History {
    runtime.history().expect("it is kept in memory")
}

#[flowkit::test]
async fn a_body_is_tested_alone(runtime: Runtime) {
    let error = price_of(7).untracked().await.expect_err("there is no network");
    assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("no network for 7"));
    assert!(history(&runtime).task_runs().is_empty());
}

#[flowkit::test]
async fn an_hour_of_retries_takes_no_time(runtime: Runtime) {
    let ended = price_of(7).return_state().await;
    assert_eq!(ended.name(), "Failed");
    let error = ended.result().expect_err("it failed");
    assert_eq!((error.attempts(), error.elapsed().map(|time| time.as_secs_f64().round())), (Some(3), Some(3600.0)));
    let states = history(&runtime).task_runs()[0].states();
    assert_eq!(path(&states), "Pending > Running > AwaitingRetry > Retrying > AwaitingRetry > Retrying > Failed");
    assert_eq!(seconds(&states), [0, 0, 0, 1800, 1800, 3600, 3600]);
}

#[flowkit::test]
async fn a_flow_runs_with_a_stub_in_the_place_of_a_task(runtime: Runtime) -> flowkit::Result<()> {
    runtime.stub(price_of(any()), || Ok(1.5));
    assert_eq!(total(4).await?, 6.0);
    assert_eq!(path(&history(&runtime).flow_runs()[0].states()), "Pending > Running > Completed");
    assert!(history(&runtime).logs().iter().any(|line| line.message == "4 products"));
    assert_eq!(history(&runtime).task_runs().len(), 4, "stubbed runs are runs");
    Ok(())
}

#[flowkit::test]
async fn no_other_test_sees_a_stub_or_a_run(runtime: Runtime) {
    assert!(price_of(1).await.is_err());
    assert_eq!(history(&runtime).task_runs().len(), 1);
}

#[flowkit::test]
async fn a_stub_that_fails_is_tried_again_and_the_last_one_counts(runtime: Runtime) -> flowkit::Result<()> {
    runtime.stub(price_of(any()), || Ok(9.0));
    let mut left = 2;
    runtime.stub(price_of(any()), move || match left {
        0 => Ok(2.0),
        _ => {
            left -= 1;
            Err("busy".into())
        }
    });
    assert_eq!(price_of(1).await?, 2.0);
    assert_eq!(history(&runtime).task_runs()[0].effort().run_count, 3);
    Ok(())
}

#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

#[flowkit::test]
async fn a_stubs_error_is_the_callers_to_have_back(runtime: Runtime) {
    runtime.stub(price_of(any()), || Err(Refused.into()));
    let error = price_of(1).retries(0).await.expect_err("the stub fails");
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.downcast_ref::<Refused>().is_some(), "{error:?}");
}

#[flowkit::test]
async fn a_stub_that_panics_fails_the_run(runtime: Runtime) {
    runtime.stub(price_of(any()), || panic!("a bad stub"));
    assert_eq!(price_of(1).retries(0).await.map_err(|error| error.kind()), Err(ErrorKind::Panicked));
    assert_eq!(price_of(1).retries(0).await.map_err(|error| error.kind()), Err(ErrorKind::Panicked));
}

#[flowkit::test]
async fn blocking_tasks_and_arguments_that_nobody_has_are_stubbed_too(runtime: Runtime) {
    runtime.stub(save(any(), any()), || Ok(5));
    assert_eq!(save(vec![1.0], Pool).await.ok(), Some(5));
    let prices = vec![price_of(1).submit()];
    let error = save(&prices, Pool).await.expect_err("its argument failed");
    assert_eq!(error.kind(), ErrorKind::NotReady, "a stub waits for what the task waits for");
}

#[flowkit::test]
async fn a_call_with_any_cannot_be_run() {
    let error = price_of(any()).await.expect_err("it has no argument");
    assert_eq!(error.kind(), ErrorKind::NotReady);
    let error = price_of(any()).untracked().await.expect_err("it has no argument");
    assert_eq!(error.to_string(), "a call with `any()` only tells which task is meant");
}

static ATTRIBUTES_KEPT: AtomicU32 = AtomicU32::new(0);

#[flowkit::test]
#[should_panic(expected = "a year later")]
async fn other_attributes_of_tests_work() {
    tokio::time::sleep(Duration::from_secs(365 * 24 * 3600)).await;
    ATTRIBUTES_KEPT.fetch_add(1, Ordering::Relaxed);
    panic!("a year later");
}

#[test]
fn a_runtime_with_a_stub_is_used_without_the_attribute() {
    let runtime = Runtime::ephemeral();
    runtime.stub(price_of(any()), || Ok(0.5));
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let submitted = tokio.block_on(runtime.run(async { price_of(1).submit().await }));
    assert_eq!(submitted.ok(), Some(0.5));
}
