//! Making a new file: whole, or not at all.
//!
//! It is made under another name and then given its own, so that nobody ever finds a part of it, and the disk is waited
//! for once.

use std::fs::File;
use std::io;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::open::beside;
use super::schema;
use crate::error::{Error, ErrorKind};

/// What the file is called until it is whole.
const NEW: &str = "-new";

/// Makes the file, unless there is something in its place. To be called by whoever has the right to write.
pub(super) fn make(path: &Path) -> Result<(), Error> {
    if std::fs::symlink_metadata(path).is_ok() {
        return Ok(());
    }
    let new = beside(path, NEW);
    let made = remove(&new).map_err(Into::into).and_then(|()| fill(&new)).and_then(|()| put(&new, path));
    made.map_err(|error| {
        // What is left of it would only be in the way.
        let _ = remove(&new);
        let why = format!("the database `{}` cannot be made", path.display());
        Error::new(ErrorKind::Backend, why).with_source(Error::new(ErrorKind::Backend, error.to_string()))
    })
}

type Trouble = Box<dyn std::error::Error + Send + Sync>;

fn remove(new: &Path) -> io::Result<()> {
    match std::fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the tables. Nothing of it has to be safe before all of it is.
fn fill(new: &Path) -> Result<(), Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(new, flags)?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    // It must be chosen before there is a table.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "MEMORY")?;
    schema::migrate(&mut connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Gives it its own name, once it is on disk.
fn put(new: &Path, path: &Path) -> Result<(), Trouble> {
    File::open(new)?.sync_all()?;
    std::fs::rename(new, path)?;
    Ok(())
}
