//! The end of a transaction: nothing interrupts it, and it waits for what was submitted inside.

use std::sync::Barrier;
use std::time::Duration;

use flowkit::cache::CacheIsolation;
use flowkit::prelude::*;
use flowkit::{Error, ErrorKind, Transaction, transaction};
use flowkit_tests::lab::{Lab, path};
use tokio::time::sleep;

use super::{BACK, Folder, RAN, fail, notes, paths, seal, undo};

async fn undo_slowly(txn: Transaction) {
    sleep(Duration::from_secs(3)).await;
    undo(txn);
}

async fn seal_slowly(txn: Transaction) {
    sleep(Duration::from_secs(3)).await;
    seal(txn).await.expect("there is wax");
}

#[task(run_name = "{name}", on_rollback = undo_slowly, on_commit = seal_slowly, persist_result)]
async fn slow(name: String, seconds: u64) -> String {
    sleep(Duration::from_secs(seconds)).await;
    name
}

#[tokio::test(start_paused = true)]
async fn the_rollback_of_a_cancelled_flow_goes_on_although_its_hooks_wait() {
    #[flow]
    async fn cancelled() -> flowkit::Result<()> {
        transaction("k")
            .run(async |_| {
                slow("a", 1).await?;
                slow("b", 1).await?;
                slow("c", 60).await.map(drop)
            })
            .await
    }
    let folder = Folder::new("cancelled");
    let lab = folder.lab();
    lab.run(async {
        let future = cancelled().submit();
        sleep(Duration::from_secs(10)).await;
        future.cancel();
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    assert_eq!(notes(&lab), ["undo b of k", "undo a of k"], "the flow run waits for it");
    assert_eq!(paths(&lab, "slow"), [BACK, BACK, "Pending > Running > Cancelled"]);
    assert_eq!(
        (folder.count(), path(&lab.flow("cancelled").states())),
        (0, "Pending > Running > Cancelled".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_has_begun_goes_on_when_it_is_dropped() {
    #[flow]
    async fn dropping() -> flowkit::Result<()> {
        let both = transaction("k").run(async |_| {
            slow("a", 0).await?;
            slow("b", 0).await
        });
        assert!(tokio::time::timeout(Duration::from_secs(1), both).await.is_err());
        Ok(())
    }
    let folder = Folder::new("dropped-commit");
    let lab = folder.lab();
    lab.run(async { dropping().await }).await.expect("it succeeds");
    assert_eq!(notes(&lab), ["seal a of k", "seal b of k"]);
    assert_eq!((folder.count(), paths(&lab, "slow")), (2, vec![RAN.to_owned(); 2]));
}

#[tokio::test(start_paused = true)]
async fn what_was_submitted_inside_is_rolled_back_though_it_ends_after_the_failure() {
    #[flow]
    async fn inner() -> flowkit::Result<()> {
        slow("c", 5).await.map(drop)
    }
    let folder = Folder::new("submitted-rollback");
    let lab = folder.lab();
    let ended = lab
        .run(transaction("k").run(async |_| {
            drop(slow("a", 9).submit());
            drop(flowkit::map(["b"], |name| slow(name, 7)).submit());
            drop(inner().submit());
            fail().await
        }))
        .await;
    assert_eq!(ended.expect_err("it failed").kind(), ErrorKind::Failed);
    assert_eq!(notes(&lab), ["undo a of k", "undo b of k", "undo c of k"], "the last to complete is the first");
    assert_eq!((folder.count(), paths(&lab, "slow")), (0, vec![BACK.to_owned(); 3]));
}

#[tokio::test(start_paused = true)]
async fn a_commit_waits_for_what_was_submitted_inside_but_for_nothing_detached() {
    let folder = Folder::new("submitted-commit");
    let lab = folder.lab();
    lab.run(transaction("k").run(async |_| {
        drop(slow("late", 5).submit());
        drop(slow("apart", 600).detached().submit());
        slow("early", 1).await
    }))
    .await
    .expect("it is committed");
    assert_eq!(notes(&lab), ["seal early of k", "seal late of k"]);
    assert_eq!(folder.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_is_cancelled_while_its_transaction_waits_rolls_back() {
    #[flow]
    async fn waiting() -> flowkit::Result<()> {
        transaction("k")
            .run(async |_| {
                drop(slow("late", 60).submit());
                slow("early", 1).await.map(drop)
            })
            .await
    }
    let folder = Folder::new("cancelled-wait");
    let lab = folder.lab();
    lab.run(async {
        let future = waiting().submit();
        sleep(Duration::from_secs(10)).await;
        future.cancel();
        assert!(future.await.is_err_and(|error| error.is_cancelled()));
    })
    .await;
    assert_eq!((folder.count(), notes(&lab)), (0, vec!["undo early of k".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waited_for_ends_as_the_transaction_did_and_the_log_says_so() {
    for (fails, note, how) in [
        (false, "seal a of k", "committed: it is committed by itself"),
        (true, "undo a of k", "rolled back: it is rolled back as well"),
    ] {
        let folder = Folder::new(&format!("late-{fails}"));
        let lab = folder.lab();
        lab.run(async {
            let mut late = None;
            let ended = transaction("k").run(async |_| {
                late = Some(tokio::spawn(flowkit::runtime::in_current_run(async { slow("a", 5).await })));
                if fails { fail().await } else { Ok(()) }
            });
            assert_eq!(ended.await.is_err(), fails);
            assert!(notes(&lab).is_empty());
            late.expect("it was spawned").await.expect("no panic").expect("it completes");
        })
        .await;
        assert_eq!(notes(&lab), [note]);
        assert_eq!(folder.count(), usize::from(!fails));
        lab.log(&format!("Task run 'a' has completed after transaction 'k' was {how}"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_tells_of_blocking_code_that_went_on_after_its_run() {
    static GATE: Barrier = Barrier::new(2);

    #[task(run_name = "stubborn")]
    fn stubborn() {
        GATE.wait();
    }
    let lab = Lab::default();
    let ended = lab
        .run(transaction("k").run(async |_| {
            let mut run = stubborn().into_future();
            assert!(futures::poll!(&mut run).is_pending());
            drop(run);
            fail().await
        }))
        .await;
    assert!(ended.is_err());
    assert!(lab.logs().iter().all(|record| !record.message.starts_with("Blocking code")));
    GATE.wait();
    let line = "Blocking code of task run 'stubborn' went on after the run had ended: what it has done is no part of \
                transaction 'k' and is not rolled back";
    let begun = std::time::Instant::now();
    while lab.logs_with(line).is_empty() && begun.elapsed() < Duration::from_secs(10) {
        tokio::task::yield_now().await;
    }
    lab.log(line);
}

#[tokio::test(start_paused = true)]
async fn a_serializable_transaction_that_would_wait_for_itself_is_refused() {
    let lab = Lab::default();
    let serial = |key: &str| transaction(key).isolation(CacheIsolation::Serializable);
    let refused = |ended: Result<(), Error>| {
        let error = ended.expect_err("it would wait for ever");
        assert_eq!(error.kind(), ErrorKind::Definition);
        assert!(error.to_string().contains("transaction `k` would wait for itself"), "{error}");
    };
    lab.run(async {
        let around = serial("k").run(async |_| {
            refused(transaction("other").run(async |_| serial("k").run(async |_| Ok(())).await).await);
            serial("another").run(async |_| Ok::<_, Error>(())).await
        });
        around.await.expect("it is committed");
        let before = transaction("outer").run(async |_| {
            serial("k").run(async |_| Ok::<_, Error>(())).await?;
            refused(serial("k").run(async |_| Ok(())).await);
            Ok::<_, Error>(())
        });
        before.await.expect("it is committed");
        let beside = transaction("outer").run(async |_| {
            let one = || {
                serial("k").run(async |_| {
                    sleep(Duration::from_secs(1)).await;
                    Ok::<_, Error>(())
                })
            };
            let (first, second) = tokio::join!(one(), one());
            refused(second);
            first
        });
        beside.await.expect("it is committed");
    })
    .await;
}
