//! Background tasks without a server: they run in the process that delays them.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use flowkit::prelude::*;
use flowkit::{ErrorKind, Runtime, TaskRunId, delayed_task};
use flowkit_tests::lab::{Lab, path};

#[task(background)]
async fn double(n: u32) -> u32 {
    tokio::time::sleep(Duration::from_secs(5)).await;
    n * 2
}

#[task(background)]
fn join(words: Vec<String>, between: String) -> String {
    words.join(&between)
}

#[task(background, retries = 2, retry_delay = "1s")]
async fn fail(why: String) -> Result<(), String> {
    Err(why)
}

#[task]
async fn plain(n: u32) -> u32 {
    n
}

#[tokio::test(start_paused = true)]
async fn a_delayed_task_goes_on_beside_the_code_that_delays_it() {
    let lab = Lab::default();
    lab.run(async {
        let delayed = double(21).delay().await.expect("it is delayed");
        assert_eq!(delayed.state().await.expect("it is known").name(), "Pending");
        assert_eq!(delayed.clone().await.ok(), Some(42));
        assert_eq!(delayed.wait_timeout("1s").await.ok(), Some(42), "it can be read again");
    })
    .await;
    assert_eq!(path(&lab.task("double").states()), "Scheduled > Pending > Running > Completed");
}

#[tokio::test(start_paused = true)]
async fn the_result_is_found_again_by_the_id_of_the_run() {
    Lab::default()
        .run(async {
            let delayed = join(vec!["a".to_owned(), "b".to_owned()], "-").delay().await.expect("it is delayed");
            let again = delayed_task::<String>(delayed.id()).expect("the settings are good");
            // However long that takes: another test may have all the slots that a process has.
            assert_eq!(again.await.expect("it succeeds"), "a-b");
            let other = delayed_task::<u32>(delayed.id()).expect("the settings are good");
            let error = other.await.expect_err("it is a text");
            assert_eq!(error.kind(), ErrorKind::Results);
            assert!(error.to_string().contains("it is no `u32`"), "{error}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_not_known_is_an_error() {
    Lab::default()
        .run(async {
            let unknown = delayed_task::<u32>(TaskRunId::now()).expect("the settings are good");
            let error = unknown.state().await.expect_err("nobody has delayed it");
            assert_eq!(error.kind(), ErrorKind::Backend);
            assert!(error.to_string().starts_with("there is no task run "), "{error}");
            assert_eq!(unknown.await.expect_err("nobody has delayed it").kind(), ErrorKind::Backend);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_says_why_and_was_tried_again() {
    let lab = Lab::default();
    lab.run(async {
        let delayed = fail("the disk is full").retries(1).delay().await.expect("it is delayed");
        let error = delayed.await.expect_err("it fails");
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert!(error.to_string().contains("the disk is full"), "{error}");
    })
    .await;
    let states = lab.task("fail").states();
    assert_eq!(path(&states), "Scheduled > Pending > Running > AwaitingRetry > Retrying > Failed");
}

#[tokio::test(start_paused = true)]
async fn futures_are_waited_for_and_told_as_the_origin_of_arguments() {
    let lab = Lab::default();
    lab.run(async {
        let n = plain(3).submit();
        assert_eq!(double(&n).delay().await.expect("it is delayed").await.ok(), Some(6));
    })
    .await;
    let (from, to) = (lab.task("plain"), lab.task("double"));
    assert_eq!(to.inputs(), [("n", vec![flowkit::TaskInput::TaskRun(from.id())])]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_argument_is_an_error_of_the_delaying() {
    let lab = Lab::default();
    lab.run(async {
        #[task]
        async fn broken() -> Result<u32, String> {
            Err("no number".to_owned())
        }
        let error = double(broken().submit()).delay().await.expect_err("there is no argument");
        assert_eq!(error.kind(), ErrorKind::NotReady);
    })
    .await;
    assert!(lab.tasks("double").is_empty(), "nothing is delayed");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_delayed_says_why() {
    Lab::default()
        .run(async {
            let error = plain(1).delay().await.expect_err("it is no background task");
            assert_eq!(error.kind(), ErrorKind::Definition);
            let why = "task `plain` cannot be delayed: it is no background task, which `#[task(background)]` makes it";
            assert_eq!(error.to_string(), why);
            let error = double(1).retry_if(|_| true).delay().await.expect_err("code does not travel");
            assert!(error.to_string().starts_with("`retry_if` cannot be said of a call that is delayed"), "{error}");
            let error = double(1).timeout("never").delay().await.expect_err("it is no time");
            assert!(error.to_string().contains("in the call of `double`"), "{error}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn options_of_the_call_go_with_it() {
    let lab = Lab::default();
    lab.run(async {
        let call = double(1).name("own-{n}").tags(["a"]).timeout("2s");
        let error = call.delay().await.expect("it is delayed").await.expect_err("it takes 5 s");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    })
    .await;
    let run = lab.task("double");
    assert_eq!((run.name(), run.tags()), ("own-1".to_owned(), &["a".to_owned()][..]));
    assert_eq!(path(&run.states()), "Scheduled > Pending > Running > TimedOut");
}

#[tokio::test(start_paused = true)]
async fn no_flow_waits_for_what_it_has_delayed_and_a_retry_delays_anew() {
    #[flow(retries = 1)]
    async fn sending() -> flowkit::Result<u32> {
        static TRIES: AtomicU32 = AtomicU32::new(0);
        double(1).delay().await?;
        match TRIES.fetch_add(1, Relaxed) {
            0 => Err(flowkit::Error::new(ErrorKind::Failed, "once")),
            tries => Ok(tries),
        }
    }
    let lab = Lab::default();
    lab.run(async {
        assert_eq!(sending().await.ok(), Some(1));
        let runs = lab.tasks("double");
        assert_eq!(runs.len(), 2);
        assert!(runs.iter().all(|run| !run.state().is_final()), "they go on");
        for run in &runs {
            let delayed = delayed_task::<u32>(run.id()).expect("the settings are good");
            assert_eq!(delayed.await.ok(), Some(2));
        }
    })
    .await;
    let flow = lab.flow("sending").id();
    assert!(lab.tasks("double").iter().all(|run| run.flow_run().is_some_and(|run| run.id() == flow)));
}

#[tokio::test(start_paused = true)]
async fn at_most_a_hundred_run_at_the_same_time() {
    static NOW: AtomicU32 = AtomicU32::new(0);
    static MOST: AtomicU32 = AtomicU32::new(0);
    #[task(background)]
    async fn counted(n: u32) -> u32 {
        MOST.fetch_max(NOW.fetch_add(1, Relaxed) + 1, Relaxed);
        tokio::time::sleep(Duration::from_secs(1)).await;
        NOW.fetch_sub(1, Relaxed);
        n
    }
    Lab::default()
        .run(async {
            let mut all = Vec::new();
            for n in 0..150 {
                all.push(counted(n).delay().await.expect("it is delayed"));
            }
            for (n, delayed) in (0..150).zip(all) {
                assert_eq!(delayed.await.ok(), Some(n));
            }
        })
        .await;
    assert!(MOST.load(Relaxed) <= 100, "{}", MOST.load(Relaxed));
}

#[tokio::test]
async fn serving_says_which_tasks_there_are() {
    let said = |error: flowkit::Error| (error.kind(), error.to_string());
    let runtime = Runtime::ephemeral();
    let unknown = runtime.run(async { flowkit::serve_tasks(["tripple"]).await }).await;
    let (kind, why) = said(unknown.expect_err("there is no such task"));
    assert_eq!(kind, ErrorKind::Definition);
    assert!(why.starts_with("there is no background task `tripple` in this program: it has "), "{why}");
    assert!(why.contains("double") && why.contains("join") && !why.contains("plain"), "{why}");
    let none = flowkit::serve_tasks([] as [&str; 0]).await;
    assert_eq!(said(none.expect_err("nothing is served")).1, "there is no task to serve");
    let plain = flowkit::serve_tasks([plain(1).task()]).await;
    assert!(said(plain.expect_err("it cannot be delayed")).1.starts_with("task `plain` cannot be served"));
    let nothing = flowkit::serve_tasks([double(1).task()]).limit(0).await;
    assert_eq!(said(nothing.expect_err("nothing would run")).1, "a limit of no runs at the same time would start none");
    assert!(flowkit::background_tasks().iter().any(|task| task.name == "double"));
}
