//! Records in memory, for results that are cached while the process lives. Bounded: the oldest go first.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use crate::error::Error;
use crate::run::lock;
use crate::store::{Guarded, Held, Store};

/// The most bytes that are kept.
const MOST: usize = 256 << 20;

/// Keeps records in memory.
pub(crate) struct Memory {
    records: Arc<Mutex<Records>>,
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Default)]
struct Records {
    /// The records by name, each with its number.
    all: HashMap<String, (u64, Arc<[u8]>)>,
    /// Their names, the oldest first. A record that was written twice is named twice, each time with its number.
    order: VecDeque<(u64, String)>,
    written: u64,
    bytes: usize,
    most: usize,
}

impl Records {
    fn write(&mut self, place: String, record: Vec<u8>) {
        self.remove(&place);
        self.bytes += record.len();
        self.written += 1;
        self.order.push_back((self.written, place.clone()));
        self.all.insert(place, (self.written, record.into()));
        while self.bytes > self.most {
            let Some((number, oldest)) = self.order.pop_front() else { return };
            if self.all.get(&oldest).is_some_and(|(current, _)| *current == number) {
                self.remove(&oldest);
            }
        }
        if self.order.len() > 2 * self.all.len() + 16 {
            self.order.retain(|(number, name)| self.all.get(name).is_some_and(|(current, _)| current == number));
        }
    }

    fn remove(&mut self, place: &str) {
        if let Some((_, record)) = self.all.remove(place) {
            self.bytes -= record.len();
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::with_most(MOST)
    }
}

impl Memory {
    fn with_most(most: usize) -> Self {
        Self { records: Arc::new(Mutex::new(Records { most, ..Records::default() })), locks: Mutex::default() }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = lock(&self.records);
        f.debug_struct("Memory").field("records", &records.all.len()).field("bytes", &records.bytes).finish()
    }
}

impl Store for Memory {
    fn locate(&self, key: &str) -> String {
        key.to_owned()
    }

    fn read(&self, place: &str) -> BoxFuture<'static, Result<Option<Vec<u8>>, Error>> {
        let record = lock(&self.records).all.get(place).map(|(_, record)| Arc::clone(record));
        ready(Ok(record.map(|record| record.to_vec()))).boxed()
    }

    fn write(&self, place: &str, record: Vec<u8>) -> BoxFuture<'static, Result<(), Error>> {
        lock(&self.records).write(place.to_owned(), record);
        ready(Ok(())).boxed()
    }

    fn remove(&self, place: &str) -> BoxFuture<'static, Result<(), Error>> {
        lock(&self.records).remove(place);
        ready(Ok(())).boxed()
    }

    fn lock(&self, place: &str) -> BoxFuture<'static, Result<Held, Error>> {
        let mut locks = lock(&self.locks);
        locks.retain(|_, one| Arc::strong_count(one) > 1);
        let one = Arc::clone(locks.entry(place.to_owned()).or_default());
        async move { Ok(Box::new(Guarded(one.lock_owned().await)) as Held) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{keeps_records, one_holds_the_lock};

    #[tokio::test]
    async fn it_does_what_every_store_does() {
        let store: Arc<dyn Store> = Arc::new(Memory::default());
        keeps_records(Arc::clone(&store), Arc::clone(&store)).await;
        one_holds_the_lock(Arc::clone(&store), store).await;
    }

    async fn read(store: &Memory, place: &str) -> Option<Vec<u8>> {
        store.read(place).await.expect("memory can be read")
    }

    #[tokio::test]
    async fn the_oldest_records_make_room() {
        let store = Memory::with_most(10);
        for (place, length) in [("a", 4), ("b", 4), ("a", 5), ("c", 4)] {
            store.write(place, vec![0; length]).await.expect("there is room");
        }
        assert_eq!(read(&store, "a").await, Some(vec![0; 5]), "its second record is newer than that of b");
        assert_eq!(read(&store, "b").await, None);
        assert_eq!(read(&store, "c").await, Some(vec![0; 4]));
        store.remove("c").await.expect("it can be removed");
        assert_eq!(read(&store, "c").await, None);
        for _ in 0..1000 {
            store.write("a", vec![1]).await.expect("there is room");
        }
        assert!(lock(&store.records).order.len() < 100, "names do not pile up");
    }
}
