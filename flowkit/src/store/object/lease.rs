//! A lock as an object: whoever holds it writes it again and again, and one that is not written any more is free.
//!
//! Each write is conditional on the one that was seen before, so that only one of many can win. No clocks are
//! compared: a lock is given up for dead when it has not changed for [`LEASE`] as the waiting process counts it.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{Error as Refusal, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::absent_is_none;
use crate::clock::{self, Stopwatch};
use crate::error::{Error, ErrorKind};
use crate::store::{Held, Hold};

/// How long a lock is respected that nobody renews.
const LEASE: Duration = Duration::from_secs(30);

/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(10);

/// How long to wait before somebody else's lock is looked at again: at first, and at most.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The content of the object. It changes with every write, since the version of some stores is a hash of it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Note {
    /// Nobody holds a lock that is free.
    holder: Option<Uuid>,
    renewed: u64,
}

/// A lock that is held.
pub(super) struct Lease {
    store: Arc<dyn ObjectStore>,
    path: Path,
    place: String,
    note: Note,
    version: UpdateVersion,
}

impl Lease {
    /// Waits until the lock is free, and takes it.
    ///
    /// # Cancel safety
    /// If it is dropped in the moment of success, the lock is free once the lease is over.
    pub(super) async fn take(store: Arc<dyn ObjectStore>, path: Path, place: String) -> Result<Self, Error> {
        let note = Note { holder: Some(Uuid::new_v4()), renewed: 0 };
        let mut seen: Option<(UpdateVersion, Stopwatch)> = None;
        let mut pause = LOOK_AGAIN.0;
        loop {
            let found = look(&store, &path).await.map_err(|error| cannot_lock(&place, error))?;
            let mode = match found {
                None => Some(PutMode::Create),
                // The answer to the write was lost.
                Some((found, version)) if found == note => return Ok(Self { store, path, place, note, version }),
                Some((found, version)) => {
                    let unchanged = seen.take().filter(|(before, _)| *before == version);
                    let watch = unchanged.map_or_else(Stopwatch::start, |(_, watch)| watch);
                    let free = found.holder.is_none() || watch.elapsed() >= LEASE;
                    seen = Some((version.clone(), watch));
                    free.then_some(PutMode::Update(version))
                }
            };
            if let Some(mode) = mode {
                match put(&store, &path, &note, mode).await {
                    Ok(version) => return Ok(Self { store, path, place, note, version }),
                    Err(error) if is_overtaken(&error) => {}
                    Err(error) => return Err(cannot_lock(&place, error)),
                }
            }
            clock::sleep(pause).await;
            pause = LOOK_AGAIN.1.min(pause * 2);
        }
    }

    /// Renews the lock until what is returned is released or dropped.
    pub(super) fn keep(mut self) -> Held {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let keeper = tokio::spawn(async move {
            while stopped.run_until_cancelled(clock::sleep(RENEW)).await.is_some() {
                if !self.renew().await {
                    return;
                }
            }
            // If this fails, the lock is free once the lease is over.
            let free = Note { holder: None, ..self.note };
            let _ = put(&self.store, &self.path, &free, PutMode::Update(self.version)).await;
        });
        Box::new(Kept { stop: stop.drop_guard(), keeper })
    }

    /// Tells whether the lock is still held. A store that does not answer is asked again.
    async fn renew(&mut self) -> bool {
        self.note.renewed += 1;
        let place = &self.place;
        match put(&self.store, &self.path, &self.note, PutMode::Update(self.version.clone())).await {
            Ok(version) => self.version = version,
            Err(error) if is_overtaken(&error) => match look(&self.store, &self.path).await {
                // The answer to a write was lost.
                Ok(Some((found, version))) if found.holder == self.note.holder => self.version = version,
                Ok(_) => {
                    tracing::warn!("Somebody else has taken the lock `{place}`, since it was not renewed in time");
                    return false;
                }
                Err(error) => tracing::warn!("The lock `{place}` could not be renewed: {error}"),
            },
            Err(error) => tracing::warn!("The lock `{place}` could not be renewed: {error}"),
        }
        true
    }
}

/// Keeps a lock from the outside.
struct Kept {
    stop: DropGuard,
    keeper: JoinHandle<()>,
}

impl Hold for Kept {
    fn release(self: Box<Self>) -> BoxFuture<'static, ()> {
        let Self { stop, keeper } = *self;
        drop(stop);
        // A store that does not answer keeps nobody: the lease ends by itself.
        async move { drop(clock::within(RENEW, keeper).await) }.boxed()
    }
}

async fn look(store: &Arc<dyn ObjectStore>, path: &Path) -> Result<Option<(Note, UpdateVersion)>, Refusal> {
    let Some(found) = absent_is_none(store.get(path).await)? else { return Ok(None) };
    let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
    // What cannot be read is somebody's, until it has not changed for long enough.
    let unknown = Note { holder: Some(Uuid::nil()), renewed: 0 };
    Ok(Some((serde_json::from_slice(&found.bytes().await?).unwrap_or(unknown), version)))
}

async fn put(store: &Arc<dyn ObjectStore>, path: &Path, note: &Note, mode: PutMode) -> Result<UpdateVersion, Refusal> {
    let json = serde_json::to_vec(note).map_err(|error| Refusal::Generic { store: "lock", source: error.into() })?;
    store.put_opts(path, json.into(), mode.into()).await.map(UpdateVersion::from)
}

fn is_overtaken(error: &Refusal) -> bool {
    matches!(error, Refusal::AlreadyExists { .. } | Refusal::Precondition { .. } | Refusal::NotFound { .. })
}

fn cannot_lock(place: &str, error: Refusal) -> Error {
    let why = match error {
        Refusal::NotImplemented { .. } | Refusal::NotSupported { .. } => {
            ": its store has no locks, which serializable isolation needs"
        }
        _ => "",
    };
    Error::new(ErrorKind::Results, format!("cannot lock the result `{place}`{why}")).with_source(error)
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    /// Takes the lock, and tells how long that took.
    async fn take(store: &Arc<dyn ObjectStore>) -> (Lease, Duration) {
        let watch = Stopwatch::start();
        let lease = Lease::take(Arc::clone(store), Path::from("key.lock"), "key.lock".to_owned()).await;
        (lease.expect("the store has locks"), watch.elapsed())
    }

    fn memory() -> Arc<dyn ObjectStore> {
        Arc::new(InMemory::new())
    }

    #[tokio::test(start_paused = true)]
    async fn the_lock_of_a_dead_process_is_free_after_the_lease() {
        let store = memory();
        let (dead, at_once) = take(&store).await;
        assert_eq!(at_once, Duration::ZERO);
        drop(dead);
        let (_, waited) = take(&store).await;
        assert!((LEASE..LEASE + 2 * LOOK_AGAIN.1).contains(&waited), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_that_is_renewed_is_waited_for() {
        let store = memory();
        let held = take(&store).await.0.keep();
        let waiting = tokio::spawn({
            let store = Arc::clone(&store);
            async move { take(&store).await.1 }
        });
        clock::sleep(20 * LEASE).await;
        assert!(!waiting.is_finished());
        held.release().await;
        let waited = waiting.await.expect("no panic");
        assert!((20 * LEASE..20 * LEASE + 2 * LOOK_AGAIN.1).contains(&waited), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_released_is_free_at_once() {
        let store = memory();
        take(&store).await.0.keep().release().await;
        assert_eq!(take(&store).await.1, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_lost_the_lock_neither_renews_nor_frees_it() {
        let store = memory();
        let (mut slow, _) = take(&store).await;
        let (mut next, _) = take(&store).await;
        assert!(!slow.renew().await);
        drop(slow.keep());
        clock::sleep(Duration::from_secs(1)).await;
        assert!(next.renew().await, "it is still the holder");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_was_lost_is_made_up_for() {
        let store = memory();
        let (mut lease, _) = take(&store).await;
        let unheard = Note { renewed: 77, ..lease.note.clone() };
        let mode = PutMode::Update(lease.version.clone());
        put(&store, &lease.path, &unheard, mode).await.expect("it is the newest");
        assert!(lease.renew().await, "the other writer was itself");
        assert!(lease.renew().await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_that_is_no_lock_is_replaced_after_the_lease() {
        let store = memory();
        store.put(&Path::from("key.lock"), "not a lock".into()).await.expect("it can be written");
        assert!(take(&store).await.1 >= LEASE);
    }
}
