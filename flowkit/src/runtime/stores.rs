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
    Folder(PathBuf),
    Url(String),
}

impl Location {
    pub(super) fn of(text: &str) -> Self {
        match text.strip_prefix("file://") {
            Some(path) => Self::Folder(PathBuf::from(path)),
            None if text.contains("://") => Self::Url(text.to_owned()),
            None => Self::Folder(PathBuf::from(text)),
        }
    }
}

/// Opens the stores; nothing is touched yet.
pub(super) fn open(location: &Location) -> Result<Stores, Error> {
    let durable: Arc<dyn Store> = match location {
        Location::Folder(folder) => Arc::new(Files::new(checked(folder)?)),
        Location::Url(url) => object(url)?,
    };
    Ok(Stores { durable, passing: Arc::new(Memory::default()) })
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

fn object(url: &str) -> Result<Arc<dyn Store>, Error> {
    let why = format!(
        "the result store is `{url}`: it takes a folder or a `file://` URL; object storage is not supported yet"
    );
    Err(Error::new(ErrorKind::Settings, why))
}
