//! Records as objects of a store that a URL names: S3 and what speaks like it, Google's, Azure's, WebDAV, memory.

mod lease;
mod open;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{Error as Refusal, ObjectStore, ObjectStoreExt};

use crate::error::{Error, ErrorKind};
use crate::store::{Held, Store};
use lease::Lease;

/// Keeps each record in an object, which a store writes in one step.
#[derive(Clone)]
pub(crate) struct Objects {
    /// Where the records are, without a slash at the end; holds no secrets.
    url: String,
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl Objects {
    /// Finds out which store a URL means; nothing is sent yet.
    ///
    /// # Errors
    /// An error of kind [`Settings`](ErrorKind::Settings) if it means none, or one that this build does not know.
    pub(crate) fn open(url: &str) -> Result<Self, Error> {
        open::open(url)
    }

    /// The path of a place, which is a URL below that of the store, or a name below it, as Prefect has them.
    fn path(&self, place: &str) -> Result<Path, Error> {
        let inside = place.strip_prefix(&self.url).and_then(|rest| rest.strip_prefix('/'));
        let outside = || {
            let why = format!("the result `{place}` is not in the result store `{}`", self.url);
            Error::new(ErrorKind::Results, why)
        };
        let relative = || (!place.contains("://") && !place.starts_with('/')).then_some(place);
        let name = inside.or_else(relative).filter(|name| !name.is_empty()).ok_or_else(outside)?;
        let path = if self.prefix.is_root() { name.to_owned() } else { format!("{}/{name}", self.prefix) };
        Path::parse(path).map_err(|error| outside().with_source(error))
    }

    /// Works on an object.
    fn on<T: Send + 'static, F: Future<Output = Result<T, Refusal>> + Send + 'static>(
        &self,
        what: &'static str,
        place: &str,
        work: impl FnOnce(Arc<dyn ObjectStore>, Path) -> F + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let (store, path, place) = (Arc::clone(&self.store), self.path(place), place.to_owned());
        async move {
            if tokio::runtime::Handle::try_current().is_err() {
                let why = format!(
                    "cannot {what} the result `{place}`: stores are asked by a tokio runtime, and there is none here"
                );
                return Err(Error::new(ErrorKind::Definition, why));
            }
            work(store, path?).await.map_err(|error| {
                Error::new(ErrorKind::Results, format!("cannot {what} the result `{place}`")).with_source(error)
            })
        }
        .boxed()
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Store for Objects {
    fn locate(&self, key: &str) -> String {
        format!("{}/{key}", self.url)
    }

    fn read(&self, place: &str) -> BoxFuture<'static, Result<Option<Vec<u8>>, Error>> {
        self.on("read", place, |store, path| async move {
            let bytes = match store.get(&path).await {
                Ok(found) => found.bytes().await,
                Err(error) => Err(error),
            };
            absent_is_none(bytes.map(|bytes| bytes.to_vec()))
        })
    }

    fn write(&self, place: &str, record: Vec<u8>) -> BoxFuture<'static, Result<(), Error>> {
        self.on(
            "write",
            place,
            |store, path| async move { store.put(&path, Bytes::from(record).into()).await.map(drop) },
        )
    }

    fn remove(&self, place: &str) -> BoxFuture<'static, Result<(), Error>> {
        self.on("remove", place, |store, path| async move { absent_is_none(store.delete(&path).await).map(drop) })
    }

    fn needs_tokio(&self) -> bool {
        true
    }

    fn lock(&self, place: &str) -> BoxFuture<'static, Result<Held, Error>> {
        let place = format!("{place}.lock");
        let (store, path) = (Arc::clone(&self.store), self.path(&place));
        async move { Ok(Lease::take(store, path?, place).await?.keep()) }.boxed()
    }
}

fn absent_is_none<T>(answer: Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    match answer {
        Err(Refusal::NotFound { .. }) => Ok(None),
        answer => answer.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{keeps_records, one_holds_the_lock};

    #[tokio::test(start_paused = true)]
    async fn it_does_what_every_store_does() {
        for url in ["memory:///results/of this", "memory:///"] {
            let store = Objects::open(url).expect("it means a store");
            let (one, other): (Arc<dyn Store>, Arc<dyn Store>) = (Arc::new(store.clone()), Arc::new(store));
            keeps_records(Arc::clone(&one), Arc::clone(&other)).await;
            one_holds_the_lock(one, other).await;
        }
    }

    #[tokio::test]
    async fn nothing_but_the_record_is_left() {
        let store = Objects::open("memory:///results").expect("it means a store");
        store.write(&store.locate("key"), b"record".to_vec()).await.expect("it can be written");
        let all: Vec<_> = futures::TryStreamExt::try_collect(store.store.list(None)).await.expect("they can be listed");
        let names: Vec<_> = all.iter().map(|found| found.location.as_ref()).collect();
        assert_eq!(names, ["results/key"]);
    }
}
