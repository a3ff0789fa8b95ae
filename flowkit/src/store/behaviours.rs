//! What every store does, for the tests of each.

use std::sync::Arc;

use futures::future::join_all;

use super::Store;

/// Checks that records are kept, replaced whole and removed, by one user of the store and by another one.
pub(crate) async fn keeps_records(store: Arc<dyn Store>, other: Arc<dyn Store>) {
    let place = store.locate("key");
    assert_eq!(place, other.locate("key"));
    assert_eq!(store.read(&place).await.expect("nothing is no error"), None);
    for record in [b"one".to_vec(), vec![0; 100_000], Vec::new(), b"two".to_vec()] {
        store.write(&place, record.clone()).await.expect("it can be written");
        assert_eq!(other.read(&place).await.expect("it can be read"), Some(record));
    }
    assert_eq!(other.read(&store.locate("key2")).await.expect("nothing is no error"), None);
    other.remove(&place).await.expect("it can be removed");
    store.remove(&place).await.expect("nothing to remove is no error");
    assert_eq!(store.read(&place).await.expect("nothing is no error"), None);

    let written = join_all((0..8_u8).map(|n| store.write(&place, vec![n; 10_000]))).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    let last = other.read(&place).await.expect("it can be read").expect("it is there");
    assert!(last.len() == 10_000 && last.iter().all(|byte| *byte == last[0]), "one of them, and whole");
}

/// Checks that a lock is held by one of many, is handed on when it is released or dropped, and belongs to one record.
pub(crate) async fn one_holds_the_lock(store: Arc<dyn Store>, other: Arc<dyn Store>) {
    let place = store.locate("locked");
    let held = store.lock(&place).await.expect("it is free");
    let elsewhere = other.lock(&other.locate("another")).await.expect("each record has its own");
    let waiting = tokio::spawn(other.lock(&place));
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    held.release().await;
    let held = waiting.await.expect("no panic").expect("it is free again");
    let waiting = tokio::spawn(store.lock(&place));
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop(held);
    waiting.await.expect("no panic").expect("it is free again").release().await;
    elsewhere.release().await;

    let inside = Arc::new(std::sync::atomic::AtomicU32::new(0));
    join_all((0..8).map(|nth| {
        let (store, inside) = (Arc::clone(if nth % 2 == 0 { &store } else { &other }), Arc::clone(&inside));
        let place = place.clone();
        async move {
            let held = store.lock(&place).await.expect("it is free at some time");
            assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0, "nobody else is here");
            tokio::task::yield_now().await;
            inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
            held.release().await;
        }
    }))
    .await;
}
