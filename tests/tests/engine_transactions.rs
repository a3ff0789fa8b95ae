//! Task runs that count together or not at all.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use flowkit::cache::CacheIsolation;
use flowkit::prelude::*;
use flowkit::{Error, ErrorKind, Runtime, Transaction, transaction};
use flowkit_tests::lab::{Lab, path};
use tokio::time::sleep;

#[path = "transactions/ends.rs"]
mod ends;

/// Leaves a line in the run's log, so that each lab knows what was called in it.
fn undo(txn: Transaction) {
    let name = flowkit::runtime::task_run().expect("a hook is in the run").name();
    tracing::info!("note undo {name} of {}", txn.key());
}

async fn seal(txn: Transaction) -> Result<(), String> {
    let name = flowkit::runtime::task_run().expect("a hook is in the run").name();
    tracing::info!("note seal {name} of {}", txn.key());
    if txn.get::<bool>("seal fails").ok().flatten() == Some(true) { Err("no wax".to_owned()) } else { Ok(()) }
}

fn explode(_: Transaction) {
    panic!("boom")
}

#[task(run_name = "{name}", on_rollback = [undo], on_commit = seal, persist_result)]
async fn step(name: String) -> String {
    name
}

#[task(run_name = "{name}", on_rollback = [explode, undo])]
async fn clumsy(name: String) -> String {
    name
}

#[task]
async fn fail() -> Result<(), String> {
    Err("broken".to_owned())
}

fn notes(lab: &Lab) -> Vec<String> {
    lab.logs().iter().filter_map(|record| Some(record.message.strip_prefix("note ")?.to_owned())).collect()
}

fn paths(lab: &Lab, task: &str) -> Vec<String> {
    lab.tasks(task).iter().map(|run| path(&run.states())).collect()
}

/// A folder that goes when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("flowkit-transactions-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        Self(folder)
    }

    fn runtime(&self) -> Runtime {
        Runtime::builder().result_store(self.0.to_str().expect("a plain name")).ephemeral()
    }

    fn lab(&self) -> Lab {
        Lab::of(self.runtime())
    }

    fn count(&self) -> usize {
        fs::read_dir(&self.0).map_or(0, Iterator::count)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const RAN: &str = "Pending > Running > Completed";
const BACK: &str = "Pending > Running > Completed > RolledBack";

#[tokio::test(start_paused = true)]
async fn a_commit_writes_the_results_and_calls_the_hooks_in_order() {
    let folder = Folder::new("commit");
    let lab = folder.lab();
    let value = lab
        .run(transaction("k").run(async |_| {
            let a = step("a").await?;
            let b = step("b").submit().await?;
            assert_eq!((folder.count(), notes(&lab).len()), (0, 0), "nothing is written before the commit");
            Ok::<_, Error>(a + &b)
        }))
        .await;
    assert_eq!(value.expect("it is committed"), "ab");
    assert_eq!(notes(&lab), ["seal a of k", "seal b of k"]);
    assert_eq!((folder.count(), paths(&lab, "step")), (2, vec![RAN.to_owned(); 2]));
    let state = lab.tasks("step")[0].state();
    assert_eq!(folder.runtime().result_of::<String>(&state).await.expect("it is written"), "a");
}

#[tokio::test(start_paused = true)]
async fn an_error_rolls_back_the_last_first_and_writes_nothing() {
    let folder = Folder::new("rollback");
    let lab = folder.lab();
    let ended = lab
        .run(transaction("k").run(async |_| {
            step("a").await?;
            clumsy("b").await?;
            step("c").await?;
            fail().await
        }))
        .await;
    assert_eq!(ended.expect_err("it failed").kind(), ErrorKind::Failed);
    assert_eq!(notes(&lab), ["undo c of k", "undo b of k", "undo a of k"], "one that panics stops no other");
    assert_eq!(paths(&lab, "step"), [BACK, BACK]);
    assert_eq!(paths(&lab, "clumsy"), [BACK]);
    assert_eq!(paths(&lab, "fail"), ["Pending > Running > Failed"]);
    assert!(lab.tasks("step").iter().all(|run| run.state().is_completed()));
    assert_eq!(folder.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_inner_transaction_is_committed_with_the_outer_one() {
    let folder = Folder::new("nested");
    let lab = folder.lab();
    lab.run(transaction("outer").run(async |outer| {
        outer.set("seen", 7)?;
        step("a").await?;
        transaction("inner")
            .run(async |inner| {
                assert_eq!(inner.get::<u32>("seen")?, Some(7), "values of the outer one are seen inside");
                inner.set("own", "x")?;
                step("b").await
            })
            .await?;
        assert_eq!(outer.get::<String>("own")?, None, "and not the other way round");
        assert!(notes(&lab).is_empty());
        step("c").await
    }))
    .await
    .expect("it is committed");
    assert_eq!(notes(&lab), ["seal a of outer", "seal b of inner", "seal c of outer"]);
}

#[tokio::test(start_paused = true)]
async fn the_failure_of_an_inner_transaction_rolls_back_that_part_alone() {
    let lab = Folder::new("inner").lab();
    lab.run(transaction("outer").run(async |_| {
        step("a").await?;
        let inner = transaction("inner").run(async |_| {
            step("b").await?;
            fail().await
        });
        assert!(inner.await.is_err());
        assert_eq!(notes(&lab), ["undo b of inner"]);
        step("c").await
    }))
    .await
    .expect("the rest is committed");
    assert_eq!(notes(&lab), ["undo b of inner", "seal a of outer", "seal c of outer"]);
    assert_eq!(paths(&lab, "step"), [RAN, BACK, RAN]);
}

#[tokio::test(start_paused = true)]
async fn the_failure_of_the_outer_transaction_rolls_back_the_inner_one_too() {
    let lab = Folder::new("outer").lab();
    let ended = lab
        .run(transaction("outer").run(async |_| {
            step("a").await?;
            transaction("inner").run(async |_| step("b").await).await?;
            fail().await
        }))
        .await;
    assert!(ended.is_err());
    assert_eq!(notes(&lab), ["undo b of inner", "undo a of outer"]);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_rolls_everything_back() {
    let folder = Folder::new("failed-commit");
    let lab = folder.lab();
    let ended = lab
        .run(transaction("k").run(async |txn| {
            step("a").await?;
            txn.set("seal fails", true)?;
            step("b").await
        }))
        .await;
    let error = ended.expect_err("it could not be committed");
    assert_eq!(error.kind(), ErrorKind::Results);
    assert!(error.chain().contains("transaction `k` could not be committed") && error.chain().contains("no wax"));
    assert_eq!(notes(&lab), ["seal a of k", "undo b of k", "undo a of k"]);
    assert_eq!((folder.count(), paths(&lab, "step")), (0, vec![BACK.to_owned(); 2]));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_committed_says_so_and_gives_what_was_staged() {
    let folder = Folder::new("again");
    let load = async |fails: bool| {
        transaction("load 2026/11")
            .persist(true)
            .run(async |txn| {
                if txn.is_committed() {
                    return txn.committed::<Vec<u32>>();
                }
                txn.stage([1, 2])?;
                if fails { fail().await.map(|()| None) } else { Ok::<_, Error>(None) }
            })
            .await
    };
    assert!(folder.lab().run(load(true)).await.is_err());
    assert_eq!(folder.lab().run(load(false)).await.expect("what failed was not committed"), None);
    assert_eq!(folder.lab().run(load(false)).await.expect("it was committed"), Some(vec![1, 2]));
    let lab = Lab::default();
    for expected in [false, true] {
        let seen = lab.run(transaction("in memory").run(async |txn| Ok::<_, Error>(txn.is_committed()))).await;
        assert_eq!(seen.expect("it is committed"), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_serializable_transaction_waits_for_the_other_one() {
    let lab = Lab::default();
    let one = || {
        transaction("alone").isolation(CacheIsolation::Serializable).run(async |txn| {
            sleep(Duration::from_secs(5)).await;
            Ok::<_, Error>(txn.is_committed())
        })
    };
    let (one, other) = lab.run(async { tokio::join!(one(), one()) }).await;
    assert_eq!((one.ok(), other.ok()), (Some(false), Some(true)));
}

#[tokio::test(start_paused = true)]
async fn a_panic_or_a_drop_rolls_back_as_well() {
    let folder = Folder::new("drop");
    let lab = folder.lab();
    let panicked = tokio::spawn({
        let runtime = folder.runtime();
        async move {
            runtime
                .run(transaction("k").run(async |_| {
                    step("a").await?;
                    if true {
                        panic!("boom");
                    }
                    Ok::<_, Error>(())
                }))
                .await
        }
    });
    assert!(panicked.await.is_err_and(|error| error.is_panic()));

    #[flow]
    async fn dropping() -> flowkit::Result<()> {
        let endless = transaction("k").run(async |_| {
            step("a").await?;
            std::future::pending::<flowkit::Result<()>>().await
        });
        assert!(tokio::time::timeout(Duration::from_secs(5), endless).await.is_err());
        Ok(())
    }
    lab.run(async { dropping().await }).await.expect("it succeeds");
    assert_eq!(notes(&lab), ["undo a of k"], "the flow run waits for it");
    assert_eq!((folder.count(), paths(&lab, "step")), (0, vec![BACK.to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn equal_cached_tasks_of_one_transaction_run_once_and_are_cached_for_others_after_the_commit() {
    #[task(cache = inputs, persist_result)]
    async fn cached(n: u32) -> u32 {
        n
    }
    let lab = Folder::new("cached").lab();
    for fails in [true, false] {
        let _ = lab
            .run(transaction("k").run(async |_| {
                cached(1).await?;
                cached(1).await?;
                if fails { fail().await } else { Ok(()) }
            }))
            .await;
    }
    lab.run(async { cached(1).await }).await.expect("it succeeds");
    let cached = "Pending > Running > Cached";
    assert_eq!(paths(&lab, "cached"), [BACK, cached, RAN, cached, cached]);
}

#[tokio::test(start_paused = true)]
async fn a_task_alone_is_a_transaction_of_its_own() {
    let folder = Folder::new("alone");
    let lab = folder.lab();
    lab.run(async { step("a").await }).await.expect("it succeeds");
    assert_eq!(notes(&lab), ["seal a of a"]);
    assert_eq!((folder.count(), paths(&lab, "step")), (1, vec![RAN.to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_retried_flow_does_again_what_was_rolled_back() {
    #[flow(retries = 1)]
    async fn retried() -> flowkit::Result<()> {
        let attempt = flowkit::runtime::flow_run().expect("a body is in a run").effort().run_count;
        transaction("k")
            .run(async |_| {
                step("a").await?;
                if attempt == 1 { fail().await } else { Ok(()) }
            })
            .await
    }
    let lab = Folder::new("retried").lab();
    lab.run(async { retried().await }).await.expect("the second attempt succeeds");
    assert_eq!(paths(&lab, "step"), [BACK, RAN]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_key_is_refused() {
    let lab = Lab::default();
    let error = lab.run(transaction(" ").run(async |_| Ok::<_, Error>(()))).await.expect_err("it is empty");
    assert!(error.kind() == ErrorKind::Definition && error.to_string().contains("is empty"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_transaction_takes_no_value_that_would_not_come_back() {
    let lab = Lab::default();
    let ended = transaction("values").run(async |txn| {
        let error = txn.set("token", flowkit::Secret::<String>::new("sesame-in-a-value")).expect_err("it is a secret");
        assert!(error.chain().contains("a result that holds a Secret is not stored"), "{error:?}");
        let error = txn.stage([1.0, f64::NAN]).expect_err("JSON has no NaN");
        assert!(error.chain().contains("NaN or infinite"), "{error:?}");
        txn.set("ratio", 0.5)?;
        txn.get::<f64>("ratio")
    });
    assert_eq!(lab.run(ended).await.expect("it is committed"), Some(0.5));
}
