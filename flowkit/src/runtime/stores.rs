//! Which stores a runtime has for results.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::store::files::Files;
use crate::store::memory::Memory;
use crate::store::{NoStore, Store, Stores};

/// Where results go: a folder, or what a URL names.
#[derive(Clone, Debug)]
pub(super) enum Location {
    Folder {
        path: PathBuf,
        /// The setting or the call.
        named_by: &'static str,
    },
    Url(String),
    /// Nobody says where, and there is no home folder.
    Nowhere,
}

impl Location {
    pub(super) fn of(text: &str, named_by: &'static str) -> Self {
        match text.strip_prefix("file://") {
            Some(path) => Self::Folder { path: PathBuf::from(path), named_by },
            None if text.contains("://") => Self::Url(text.to_owned()),
            None => Self::Folder { path: PathBuf::from(text), named_by },
        }
    }
}

/// Opens the stores; nothing is touched yet.
pub(super) fn open(location: &Location) -> Result<Stores, Error> {
    let durable: Arc<dyn Store> = match location {
        Location::Folder { path, named_by } => Arc::new(Files::new(checked(path)?, named_by)),
        Location::Url(url) => object(url)?,
        Location::Nowhere => return Ok(without(nowhere())),
    };
    Ok(Stores { durable, passing: Arc::new(Memory::default()) })
}

fn nowhere() -> Error {
    let why = "there is no folder for results, since there is no home folder or no setting is read: set \
               FLOWKIT_RESULT_STORAGE or PREFECT_LOCAL_STORAGE_PATH, or call `Runtime::builder().result_store(..)`";
    Error::new(ErrorKind::Settings, why)
}

/// Stores of which the durable one says why there is none.
pub(super) fn without(error: Error) -> Stores {
    Stores { durable: Arc::new(NoStore(Some(error))), passing: Arc::new(Memory::default()) }
}

fn checked(folder: &Path) -> Result<&Path, Error> {
    if folder.as_os_str().is_empty() {
        return Err(Error::new(ErrorKind::Settings, "the result store has no path: it takes a folder or a URL"));
    }
    Ok(folder)
}

#[cfg(feature = "object-store")]
fn object(url: &str) -> Result<Arc<dyn Store>, Error> {
    Ok(Arc::new(crate::store::object::Objects::open(url)?))
}

#[cfg(not(feature = "object-store"))]
fn object(url: &str) -> Result<Arc<dyn Store>, Error> {
    // The rest of a URL may have a secret in it.
    let scheme = url.split("://").next().unwrap_or_default();
    let why = format!(
        "the result store is `{scheme}://..`: it takes a folder or a `file://` URL; others need a feature of flowkit: \
         `object-store-aws`, `object-store-gcp`, `object-store-azure` or `object-store-http`"
    );
    Err(Error::new(ErrorKind::Settings, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_its_url_are_the_same_store() {
        for location in ["/srv/results", "file:///srv/results"] {
            let stores = open(&Location::of(location, "A_SETTING")).expect("a folder");
            assert_eq!(stores.durable.locate("key"), "/srv/results/key");
        }
    }

    #[tokio::test]
    async fn where_there_is_no_place_storing_says_what_to_set() {
        let stores = open(&Location::Nowhere).expect("only storing is an error");
        let error = stores.durable.write("key", Vec::new()).await.expect_err("there is no place").to_string();
        assert!(error.contains("there is no home folder or no setting is read: set FLOWKIT_RESULT_STORAGE"), "{error}");
    }

    #[cfg(not(feature = "object-store"))]
    #[test]
    fn a_url_names_the_features_that_it_takes() {
        let error = open(&Location::of("s3://me:sesame@bucket/results", "A_SETTING"))
            .expect_err("it is not built in")
            .to_string();
        assert!(
            error.starts_with("the result store is `s3://..`: ") && error.contains("`object-store-aws`"),
            "{error}"
        );
    }

    #[cfg(feature = "object-store")]
    #[test]
    fn a_url_is_opened() {
        let stores = open(&Location::of("memory:///results", "A_SETTING")).expect("a store");
        assert_eq!(stores.durable.locate("key"), "memory:///results/key");
    }
}
