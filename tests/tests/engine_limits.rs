//! Concurrency and rate limits without a server.

#[path = "limits/crowd.rs"]
mod crowd;
#[path = "things/limits.rs"]
mod limits;
#[path = "limits/random.rs"]
mod random;
#[path = "limits/tags.rs"]
mod tags;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crowd::{Crowd, taken};
use flowkit::prelude::*;
use flowkit::{ErrorKind, Records, Runtime, concurrency, limit, rate_limit, runtime};
use flowkit_tests::lab::Lab;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

#[flowkit::test]
async fn limits_in_memory() {
    limits::hold("memory").await;
}

#[tokio::test(start_paused = true)]
async fn limits_in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = Runtime::builder().embedded(folder.path().join("runs.db")).build().expect("a file");
    runtime.run(limits::hold("file")).await;
}

#[flowkit::test]
async fn whoever_comes_first_gets_the_slots_first() {
    limit::set("db", 2).await.expect("it is set");
    let order = Arc::new(Mutex::new(Vec::new()));
    let held = concurrency("db", 2).await.expect("there are two");
    let mut waiting = tokio::task::JoinSet::new();
    for (nth, slots) in [2, 1, 1, 2, 1].into_iter().enumerate() {
        let order = Arc::clone(&order);
        waiting.spawn(runtime::in_current_run(async move {
            let _slots = concurrency("db", slots).await.expect("they come");
            order.lock().expect("a list").push(nth);
            sleep(SECOND).await;
        }));
        tokio::task::yield_now().await;
    }
    sleep(SECOND).await;
    assert!(order.lock().expect("a list").is_empty(), "nothing is free");
    drop(held);
    let begun = Instant::now();
    waiting.join_all().await;
    assert_eq!(*order.lock().expect("a list"), [0, 1, 2, 3, 4]);
    assert_eq!(begun.elapsed(), 4 * SECOND, "freed slots are taken at once");
    assert_eq!(taken("db").await, 0);
}

#[flowkit::test]
async fn a_big_wish_is_not_overtaken_by_small_ones_for_ever() {
    limit::set("db", 3).await.expect("it is set");
    let small = async || {
        let _slot = concurrency("db", 1).await.expect("it comes");
        sleep(SECOND).await;
    };
    let begun = Instant::now();
    let crowd = futures::future::join_all((0..30).map(|_| small()));
    let big = async {
        sleep(SECOND / 2).await;
        let _all = concurrency("db", 3).await.expect("they come");
        begun.elapsed()
    };
    let late = async {
        sleep(SECOND * 3 / 4).await;
        let _slot = concurrency("db", 1).await.expect("it comes");
        begun.elapsed()
    };
    let (_, big, late) = futures::join!(crowd, big, late);
    assert_eq!(big, 10 * SECOND, "after those that came before");
    assert!(late >= big, "{late:?}");
}

#[flowkit::test]
async fn slots_come_back_however_their_holder_ends() {
    limit::set("db", 1).await.expect("it is set");
    let begun = Instant::now();

    #[task]
    async fn holds(ends: String) -> flowkit::Result<()> {
        let _slot = concurrency("db", 1).await?;
        match ends.as_str() {
            "panic" => panic!("it ends"),
            "error" => Err(flowkit::Error::new(ErrorKind::Failed, "it ends")),
            _ => {
                sleep(3600 * SECOND).await;
                Ok(())
            }
        }
    }
    holds("panic").await.expect_err("it panics");
    assert_eq!(taken("db").await, 0);
    holds("error").await.expect_err("it fails");
    assert_eq!(taken("db").await, 0);
    holds("late").timeout("1s").await.expect_err("it takes too long");
    assert_eq!(taken("db").await, 0);
    let cancelled = holds("cancelled").submit();
    sleep(SECOND).await;
    assert_eq!(taken("db").await, 1);
    cancelled.cancel();
    cancelled.await.expect_err("it is cancelled");
    assert_eq!(taken("db").await, 0);
    let aborted = tokio::spawn(runtime::in_current_run(async { holds("aborted").await }));
    sleep(SECOND).await;
    aborted.abort();
    aborted.await.expect_err("it is aborted");
    assert_eq!(taken("db").await, 0);
    assert!(begun.elapsed() < 10 * SECOND);
}

#[flowkit::test]
async fn whoever_gives_up_leaves_the_line() {
    limit::set("db", 1).await.expect("it is set");
    let held = concurrency("db", 1).await.expect("there is one");
    let begun = Instant::now();
    let error = concurrency("db", 1).timeout("30s").await.expect_err("it is held");
    assert_eq!((error.kind(), begun.elapsed()), (ErrorKind::TimedOut, 30 * SECOND));
    assert_eq!(error.to_string(), "1 slot of concurrency limit `db` was not free within 30s");
    // Dropped while it waits, and dropped after it has got the slot but was not polled again.
    let mut first = Box::pin(concurrency("db", 1).into_future());
    let mut second = Box::pin(concurrency("db", 1).into_future());
    assert!(futures::poll!(&mut first).is_pending() && futures::poll!(&mut second).is_pending());
    drop(first);
    drop(held);
    assert!(futures::poll!(&mut second).is_ready());
    assert_eq!(taken("db").await, 0, "what it gave is dropped with it");
    let held = concurrency("db", 1).await.expect("there is one");
    let mut third = Box::pin(concurrency("db", 1).into_future());
    assert!(futures::poll!(&mut third).is_pending());
    drop(held);
    drop(third);
    drop(concurrency("db", 1).timeout("0s").await.expect("nobody is in line"));
}

#[flowkit::test]
async fn nobody_waits_for_slots_of_each_other() {
    limit::set("a", 1).await.expect("it is set");
    limit::set("b", 1).await.expect("it is set");
    let crowd = Crowd::default();
    let names = [["a", "b"], ["b", "a"]];
    let both = futures::future::join_all((0..20).map(|nth| {
        let crowd = &crowd;
        async move {
            let _slots = concurrency(names[nth % 2], 1).await.expect("they come");
            crowd.stay(SECOND).await;
        }
    }));
    let alone = async {
        sleep(SECOND / 2).await;
        let _slot = concurrency("b", 1).await.expect("it comes");
    };
    let begun = Instant::now();
    futures::join!(both, alone);
    assert_eq!((begun.elapsed(), crowd.most()), (20 * SECOND, 1));
}

#[flowkit::test]
async fn a_limit_can_change_while_others_wait() {
    limit::set("db", 1).await.expect("it is set");
    let held = concurrency("db", 1).await.expect("there is one");
    let wait = |slots| {
        let waiting = runtime::in_current_run(async move { concurrency("db", slots).await });
        tokio::spawn(waiting)
    };
    let raised = wait(1);
    sleep(SECOND).await;
    limit::set("db", 2).await.expect("it is changed");
    let second = raised.await.expect("it ends").expect("there is room now");
    let lowered = wait(2);
    sleep(SECOND).await;
    limit::set("db", 1).await.expect("it is changed");
    let error = lowered.await.expect("it ends").expect_err("there are never two again");
    assert_eq!(error.to_string(), "2 slots of concurrency limit `db` are wanted, and there are only 1");
    assert_eq!(taken("db").await, 2, "what is held stays held");
    drop(second);
    let (off, gone) = (wait(1), wait(1));
    sleep(SECOND).await;
    assert!(!off.is_finished());
    limit::set_active("db", false).await.expect("it is switched off");
    drop(off.await.expect("it ends").expect("nothing is limited"));
    limit::delete("db").await.expect("it is removed");
    assert!(gone.await.expect("it ends").expect("nothing is limited").names().is_empty());
    drop(held);
}

#[flowkit::test]
async fn a_rate_limit_lets_so_many_pass_in_a_second() {
    limit::set("api", 3).slot_decay_per_second(0.5).await.expect("it is set");
    let begun = Instant::now();
    let mut passed = Vec::new();
    for _ in 0..6 {
        rate_limit("api", 1).await.expect("it passes");
        passed.push(begun.elapsed().as_secs_f64().round());
    }
    assert_eq!(passed, [0.0, 0.0, 0.0, 2.0, 4.0, 6.0]);
    rate_limit("api", 2).await.expect("it passes");
    assert_eq!(begun.elapsed().as_secs_f64().round(), 10.0);
    sleep(60 * SECOND).await;
    assert_eq!(taken("api").await, 0);
    rate_limit("api", 3).timeout("0s").await.expect("all of them are back, and not more");
    rate_limit("api", 1).timeout("1s").await.expect_err("it takes two seconds");
    let error = rate_limit("api", 4).await.expect_err("there are three");
    assert_eq!(error.to_string(), "4 slots of concurrency limit `api` are wanted, and there are only 3");
}

#[flowkit::test]
async fn a_fast_rate_holds_over_time_for_everybody_together() {
    limit::set("api", 10).slot_decay_per_second(7.0).await.expect("it is set");
    let begun = Instant::now();
    let each = async |_| {
        for _ in 0..50 {
            rate_limit("api", 1).await.expect("it passes");
        }
    };
    futures::future::join_all((0..8).map(each)).await;
    let ideal = f64::from(8 * 50 - 10) / 7.0;
    let spent = begun.elapsed().as_secs_f64();
    assert!((ideal - 0.001..ideal + 0.5).contains(&spent), "{spent} s instead of {ideal} s");
}

#[tokio::test(start_paused = true)]
async fn a_missing_limit_is_told_in_the_log_of_the_run() {
    #[task]
    async fn asks() -> flowkit::Result<()> {
        concurrency("nowhere", 1).await.map(drop)
    }
    let lab = Lab::default();
    lab.run(async { asks().await }).await.expect("it goes on");
    let why = "Nothing is limited by what does not exist: there is no concurrency limit `nowhere`: \
               `limit::set(\"nowhere\", ..)` makes one";
    assert_eq!(lab.log(why).task_run_id, Some(lab.task("asks").id()));
}

#[test]
fn code_that_is_not_async_waits_on_its_thread() {
    limit::set("of-main", 1).slot_decay_per_second(50.0).blocking().expect("it is set");
    rate_limit("of-main", 1).blocking().expect("it passes");
    rate_limit("of-main", 1).timeout("60s").blocking().expect("it passes, a little later");
    limit::set("held-by-main", 1).blocking().expect("it is set");
    let held = concurrency("held-by-main", 1).blocking().expect("there is one");
    let waiting = std::thread::spawn(|| concurrency("held-by-main", 1).timeout("60s").blocking().map(drop));
    assert_eq!(
        concurrency("held-by-main", 1).timeout("1ms").blocking().expect_err("it is held").kind(),
        ErrorKind::TimedOut
    );
    drop(held);
    waiting.join().expect("it ends").expect("it got the slot");
    assert!(limit::delete("of-main").blocking().expect("it is removed"));
    assert_eq!(limit::holders("held-by-main").blocking().expect("it is there"), []);
}

#[flowkit::test]
async fn a_body_on_a_thread_takes_slots_too() {
    #[task]
    fn on_a_thread() -> flowkit::Result<u32> {
        let guard = concurrency("db", 2).timeout("60s").blocking()?;
        Ok(guard.slots())
    }
    limit::set("db", 2).await.expect("it is set");
    assert_eq!(on_a_thread().await.expect("there are two"), 2);
    assert_eq!(taken("db").await, 0);
}

#[tokio::test(start_paused = true)]
async fn limits_of_a_file_are_there_in_the_next_process_and_their_slots_are_free() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("runs.db");
    let open = || Runtime::builder().embedded(&path).build().expect("a file");
    let first = open();
    let held = first
        .run(async {
            limit::set("kept", 2).slot_decay_per_second(0.25).await.expect("it is set");
            limit::set("tag:ü", 3).await.expect("it is set");
            limit::set_active("tag:ü", false).await.expect("it is switched");
            limit::set("gone", 1).await.expect("it is set");
            assert!(limit::delete("gone").await.expect("it is removed"));
            concurrency("kept", 2).await.expect("there are two")
        })
        .await;
    let known = Records::open(&path).and_then(|records| records.limits()).expect("limits");
    let told: Vec<_> =
        known.iter().map(|one| (one.name.as_str(), one.limit, one.active, one.slot_decay_per_second)).collect();
    assert_eq!(told, [("kept", 2, true, 0.25), ("tag:ü", 3, false, 0.0)]);
    std::mem::forget(held);
    drop(first);
    open()
        .run(async {
            assert_eq!(limit::list().await.expect("limits"), known);
            drop(concurrency("kept", 2).timeout("0s").await.expect("whoever held them is gone"));
        })
        .await;
}
