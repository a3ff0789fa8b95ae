//! Records as files of one folder. Nothing is touched before the first record is written.

mod folder;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use uuid::Uuid;

use crate::clock;
use crate::error::{Error, ErrorKind};
use crate::store::{Guarded, Held, Store};
use folder::Folder;

/// How long to wait before somebody else's lock is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// Keeps each record in a file.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    folder: Folder,
}

impl Files {
    /// Uses a folder, which is made when it is needed. Errors say who named it.
    pub(crate) fn new(folder: impl Into<PathBuf>, named_by: &'static str) -> Self {
        Self { folder: Folder::new(folder.into(), named_by) }
    }

    /// The file whose lock is that of a record.
    fn lock_of(&self, place: &str) -> PathBuf {
        let mut path = self.folder.path.join(place).into_os_string();
        path.push(".lock");
        PathBuf::from(path)
    }

    /// Works on a file, away from the threads that run tasks.
    fn on<T: Send + 'static>(
        &self,
        what: &'static str,
        file: PathBuf,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let folder = self.folder.clone();
        async move {
            let failed = format!("cannot {what} the result `{}`", file.display());
            let Ok(tokio) = tokio::runtime::Handle::try_current() else {
                let why = format!("{failed}: files are worked on by a tokio runtime, and there is none here");
                return Err(Error::new(ErrorKind::Definition, why));
            };
            let work = move || work(&file).map_err(|error| (folder.trouble(&file, &error), error));
            let done = tokio.spawn_blocking(work).await.unwrap_or_else(|lost| Err((None, io::Error::other(lost))));
            done.map_err(|(trouble, error)| {
                let why = match trouble {
                    Some(trouble) => format!("{failed}: {trouble}"),
                    None => failed,
                };
                Error::new(ErrorKind::Results, why).with_source(error)
            })
        }
        .boxed()
    }
}

impl Store for Files {
    fn locate(&self, key: &str) -> String {
        self.folder.path.join(key).to_string_lossy().into_owned()
    }

    fn read(&self, place: &str) -> BoxFuture<'static, Result<Option<Vec<u8>>, Error>> {
        self.on("read", self.folder.path.join(place), |path| match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        })
    }

    fn write(&self, place: &str, record: Vec<u8>) -> BoxFuture<'static, Result<(), Error>> {
        self.on("write", self.folder.path.join(place), move |path| {
            make_folder(path)?;
            let beside = path.with_file_name(format!(".{}.new", Uuid::new_v4().simple()));
            let written = File::create(&beside).and_then(|mut file| {
                file.write_all(&record)?;
                // A record must not be empty after a crash of the machine.
                file.sync_data()
            });
            written.and_then(|()| fs::rename(&beside, path)).inspect_err(|_| drop(fs::remove_file(&beside)))
        })
    }

    fn remove(&self, place: &str) -> BoxFuture<'static, Result<(), Error>> {
        self.on("remove", self.folder.path.join(place), |path| match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        })
    }

    fn needs_tokio(&self) -> bool {
        true
    }

    /// The system lets go of the lock of a process that has died.
    fn lock(&self, place: &str) -> BoxFuture<'static, Result<Held, Error>> {
        let (place, files) = (place.to_owned(), self.clone());
        async move {
            loop {
                match files.try_lock(&place).await? {
                    Some(held) => return Ok(held),
                    None => clock::sleep(TRY_AGAIN).await,
                }
            }
        }
        .boxed()
    }

    fn try_lock(&self, place: &str) -> BoxFuture<'static, Result<Option<Held>, Error>> {
        let locked = self.on("lock", self.lock_of(place), |path| {
            make_folder(path)?;
            let file = File::options().create(true).append(true).open(path)?;
            match file.try_lock() {
                Ok(()) => Ok(Some(file)),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(error),
            }
        });
        async move { Ok(locked.await?.map(|file| Box::new(Guarded(file)) as Held)) }.boxed()
    }

    fn remove_lock(&self, place: &str) -> BoxFuture<'static, Result<(), Error>> {
        self.remove(&self.lock_of(place).to_string_lossy())
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{keeps_records, one_holds_the_lock};

    fn files(name: &str) -> Files {
        let folder = std::env::temp_dir().join(format!("flowkit-files-{name}-{}", Uuid::new_v4().simple()));
        Files::new(folder, "A_SETTING")
    }

    #[tokio::test]
    async fn nothing_is_there_before_the_first_record_and_no_other_file_after_it() {
        let store = files("plain");
        let place = store.locate("key");
        assert!(Path::new(&place).is_absolute());
        assert_eq!(store.read(&place).await.expect("nothing is no error"), None);
        assert!(!store.folder.path.exists());
        for record in [b"one".to_vec(), b"two".to_vec()] {
            store.write(&place, record.clone()).await.expect("it can be written");
            assert_eq!(store.read(&place).await.expect("it can be read"), Some(record));
        }
        assert_eq!(fs::read_dir(&store.folder.path).expect("a folder").count(), 1);
        store.remove(&place).await.expect("it can be removed");
        store.remove(&place).await.expect("nothing to remove is no error");
        assert_eq!(store.read(&place).await.expect("nothing is no error"), None);
        fs::remove_dir_all(&store.folder.path).expect("it can be removed");
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_named() {
        let store = files("blocked");
        fs::write(&store.folder.path, "a file where the folder should be").expect("it can be written");
        let error = store.write(&store.locate("key"), Vec::new()).await.expect_err("there is no folder");
        let folder = store.folder.path.display();
        let told = format!(
            "cannot write the result `{folder}/key`: the folder of results `{folder}`, which A_SETTING names, is a file"
        );
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Results, told));
        fs::remove_file(&store.folder.path).expect("it can be removed");
    }

    #[test]
    fn without_tokio_it_is_an_error() {
        let store = files("no-tokio");
        let error =
            store.read(&store.locate("key")).now_or_never().expect("nothing is waited for").expect_err("no tokio");
        assert_eq!(error.kind(), ErrorKind::Definition);
        assert!(error.to_string().contains("a tokio runtime, and there is none here"), "{error}");
    }

    #[tokio::test]
    async fn it_does_what_every_store_does() {
        let store = files("store");
        let (one, other): (Arc<dyn Store>, Arc<dyn Store>) = (Arc::new(store.clone()), Arc::new(store.clone()));
        keeps_records(Arc::clone(&one), Arc::clone(&other)).await;
        one_holds_the_lock(one, other).await;
        fs::remove_dir_all(&store.folder.path).expect("it can be removed");
    }
}
