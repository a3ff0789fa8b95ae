//! Futures as arguments, dependencies, and what is recorded of both.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, TaskInput, TaskInputs};
use flowkit_tests::lab::{Lab, path, rounded};
use tokio::time::{Instant, sleep};

#[task]
async fn one() -> u32 {
    sleep(Duration::from_secs(2)).await;
    1
}

#[task]
async fn fail() -> Result<u32, String> {
    sleep(Duration::from_secs(1)).await;
    Err("boom".to_owned())
}

#[task]
async fn add(a: u32, b: u32) -> u32 {
    a + b
}

#[task]
async fn sum(numbers: Vec<u32>) -> u32 {
    numbers.into_iter().sum()
}

#[task]
async fn text(text: String, path: PathBuf, number: u64) -> String {
    format!("{text} {} {number}", path.display())
}

#[task]
async fn mark(ran: Arc<AtomicBool>, _number: u32) {
    ran.store(true, Ordering::Relaxed);
}

#[task]
async fn nothing() {}

#[task]
async fn double(n: u32) -> u32 {
    n * 2
}

fn origins(inputs: TaskInputs, name: &str) -> Vec<TaskInput> {
    let mut found = inputs.into_iter().filter(|(known, _)| *known == name);
    let origins = found.next().expect("the input is recorded").1;
    assert!(found.next().is_none(), "`{name}` is recorded once");
    origins
}

fn run_ids<'a, T: 'a>(futures: impl IntoIterator<Item = &'a TaskFuture<T>>) -> Vec<TaskInput> {
    futures.into_iter().map(|future| TaskInput::TaskRun(future.id())).collect()
}

#[tokio::test(start_paused = true)]
async fn literals_and_owned_values_are_arguments() {
    let lab = Lab::default();
    lab.run(async {
        assert_eq!(text("a", "b/c", 3).await.expect("it succeeds"), "a b/c 3");
        let owned = text("a".to_owned(), PathBuf::from("b"), 3_u64).await;
        assert_eq!(owned.expect("it succeeds"), "a b 3");
    })
    .await;
    let inputs = lab.all_tasks()[0].inputs();
    assert_eq!(inputs, [("text", vec![]), ("path", vec![]), ("number", vec![])], "plain values have no origin");
}

#[tokio::test(start_paused = true)]
async fn a_future_is_an_argument_by_value_and_by_reference_and_is_recorded() {
    let lab = Lab::default();
    lab.run(async {
        let (a, b) = (one().submit(), one().submit());
        let expected = (run_ids([&a]), run_ids([&b]));
        let both = add(&a, b).submit();
        assert_eq!(both.state().name(), "Pending", "it waits for its arguments");
        assert_eq!((&both).await.expect("it succeeds"), 2);
        let inputs = both.run().expect("it has begun").inputs();
        assert_eq!((origins(inputs.clone(), "a"), origins(inputs, "b")), expected);
        let mixed = add(a, 5).await.expect("it succeeds");
        assert_eq!(mixed, 6);
    })
    .await;
    let mixed = lab.tasks("add").pop().expect("there are two");
    assert_eq!(origins(mixed.inputs(), "a").len(), 1);
    assert!(origins(mixed.inputs(), "b").is_empty());
}

#[tokio::test(start_paused = true)]
async fn vectors_slices_and_maps_of_futures_are_a_vector_argument() {
    let lab = Lab::default();
    lab.run(async {
        let futures = vec![one().submit(), one().submit()];
        let map = flowkit::map([3, 4], double).submit();
        let items: Vec<_> = map.into_iter().collect();
        assert_eq!(sum(&futures).await.expect("it succeeds"), 2);
        assert_eq!(sum(&futures[..1]).await.expect("it succeeds"), 1);
        let expected = run_ids(&futures);
        assert_eq!(sum(futures).await.expect("it succeeds"), 2);
        assert_eq!(sum(&map).await.expect("it succeeds"), 14);
        assert_eq!(sum(map).await.expect("it succeeds"), 14);
        let recorded: Vec<_> = lab.tasks("sum").iter().map(|run| origins(run.inputs(), "numbers")).collect();
        let mapped = run_ids(&items);
        assert_eq!(recorded, [expected.clone(), expected[..1].to_vec(), expected, mapped.clone(), mapped]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_upstream_makes_the_run_not_ready_and_its_body_is_never_started() {
    let lab = Lab::default();
    let ran = Arc::new(AtomicBool::new(false));
    let upstream = lab
        .run(async {
            let upstream = fail().submit();
            let error = mark(Arc::clone(&ran), &upstream).retries(3).await.expect_err("it is not ready");
            assert_eq!(error.kind(), ErrorKind::NotReady);
            assert!(error.chain().ends_with("boom"), "the cause is told: {}", error.chain());
            upstream
        })
        .await;
    let run = lab.task("mark");
    assert_eq!(path(&run.states()), "Pending > NotReady");
    let message = format!("Upstream task run '{}' did not reach a 'COMPLETED' state.", upstream.id());
    assert_eq!(run.state().message(), Some(message.as_str()));
    assert_eq!(run.effort().run_count, 0);
    assert_eq!(origins(run.inputs(), "_number"), run_ids([&upstream]));
    assert!(!ran.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn not_ready_spreads_downstream() {
    let lab = Lab::default();
    lab.run(async {
        let first = double(fail().submit()).submit();
        let second = double(&first).submit();
        let third = nothing().wait_for(&second).submit();
        assert_eq!(third.wait().await.name(), "NotReady");
        let message = format!("Upstream task run '{}' did not reach a 'COMPLETED' state.", second.id());
        assert_eq!(third.state().message(), Some(message.as_str()));
    })
    .await;
    assert!(lab.tasks("double").iter().all(|run| path(&run.states()) == "Pending > NotReady"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_item_makes_a_task_over_the_whole_map_not_ready() {
    let lab = Lab::default();
    lab.run(async {
        let map = flowkit::map(0..3, |n| if n == 1 { fail() } else { double(n) }).submit();
        let failed = map.get(1).expect("there are three");
        let total = sum(&map).return_state().await;
        assert_eq!(total.name(), "NotReady");
        let message = format!("Upstream task run '{}' did not reach a 'COMPLETED' state.", failed.id());
        assert_eq!(total.message(), Some(message.as_str()));
        let after = nothing().wait_for(&map).return_state().await;
        assert_eq!((after.name(), after.message()), ("NotReady", Some(message.as_str())));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn wait_for_takes_any_mixture_and_is_recorded() {
    let lab = Lab::default();
    lab.run(async {
        let start = Instant::now();
        let (number, unit) = (one().submit(), nothing().submit());
        let map = flowkit::map([3, 4], double).submit();
        let items: Vec<_> = map.into_iter().collect();
        nothing().name("tuple").wait_for((&number, &unit, &map)).await.expect("it succeeds");
        assert_eq!(rounded(start.elapsed()), 2, "it waited");
        nothing().name("array").wait_for([&number, &number]).await.expect("it succeeds");
        nothing().name("vector").wait_for(vec![unit.clone()]).wait_for(&number).await.expect("it succeeds");

        let recorded = |name: &str| {
            let run = lab.all_tasks().into_iter().find(|run| run.name() == name).expect("it ran");
            origins(run.inputs(), "wait_for")
        };
        let (number, unit, items) = (run_ids([&number]), run_ids([&unit]), run_ids(&items));
        assert_eq!(recorded("tuple"), [number.clone(), unit.clone(), items].concat());
        assert_eq!(recorded("array"), [number.clone(), number.clone()].concat());
        assert_eq!(recorded("vector"), [unit, number].concat());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn wait_for_a_failed_run_makes_the_run_not_ready() {
    let lab = Lab::default();
    lab.run(async {
        let (good, bad) = (one().submit(), fail().submit());
        let after = double(1).wait_for((&good, &bad)).return_state().await;
        assert_eq!(after.name(), "NotReady");
        assert!(after.message().is_some_and(|message| message.contains(&bad.id().to_string())));
    })
    .await;
}

#[task]
async fn parent() -> flowkit::Result<u32> {
    let first = one().submit();
    nothing().name("plain").await?;
    nothing().name("waiting").wait_for(&first).await?;
    double(&first).name("given").await
}

#[tokio::test(start_paused = true)]
async fn the_enclosing_task_is_recorded_once_as_parents() {
    let lab = Lab::default();
    lab.run(async { parent().await }).await.expect("it succeeds");
    let expected = [TaskInput::TaskRun(lab.task("parent").id())];
    for name in ["plain", "waiting", "given"] {
        let run = lab.all_tasks().into_iter().find(|run| run.name() == name).expect("it ran");
        assert_eq!(origins(run.inputs(), "__parents__"), expected, "{name}");
    }
    assert_eq!(lab.task("parent").inputs(), [], "no parent, no argument, nothing to record");
}
