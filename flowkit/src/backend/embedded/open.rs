//! Opening the file: who may write, whether it is ours, whether it is whole.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::check::{self, Found};
use super::replay::{self, Mark};
use super::tail::SUFFIXES;
use super::{left, make, schema};
use crate::clock;
use crate::error::{Error, ErrorKind};

/// What the file beside the database may keep once everything in it is in the database.
const WAL_BYTES: i64 = 16 << 20;

/// From how many pages on what is in it goes to the database; SQLite's own number.
const WAL_PAGES: i64 = 1_000;

/// A file that this process alone may write to.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// How often the file was opened for writing.
    pub(super) epoch: i64,
    /// What is in it already of what lies beside it.
    pub(super) mark: Mark,
    /// Whether it is known to be whole.
    pub(super) is_checked: bool,
}

/// Opens the file for writing, or makes it; what comes beside it is held for as long as this process writes.
pub(super) fn open(path: &Path) -> Result<(Opened, File), Error> {
    check_place(path).map_err(|why| Trouble::Refused(why).error(path))?;
    let lock = take(path)?;
    let prepare = |path: &Path| match make::make(path) {
        Ok(()) => prepare(path),
        Err(error) => Err(Trouble::Refused(error.chain())),
    };
    let connection = match prepare(path) {
        Err(Trouble::Damaged(why)) => {
            let aside = set_aside(path, &why)?;
            tracing::error!(
                target: "flowkit::embedded",
                "The database `{}` is damaged ({why}). It was moved to `{}`, and a new one begun.",
                path.display(), aside.display()
            );
            prepare(path)
        }
        prepared => prepared,
    };
    let (connection, is_checked) = connection.map_err(|trouble| {
        // Nobody is to find anything of ours beside a file that is not ours.
        let _ = std::fs::remove_file(beside(path, LOCK));
        trouble.error(path)
    })?;
    // Before it is judged what has ended, and still as the process that is gone.
    let failed = |error| Trouble::from(error).error(path);
    let mark = replay::replay(path, &connection).map_err(failed)?;
    let epoch = begin(&connection).map_err(failed)?;
    let left = left::settle(&connection, epoch, clock::now()).map_err(failed)?;
    let tell = |names: &[String], what: &str| {
        if !names.is_empty() {
            let names = names.join("', '");
            tracing::warn!(target: "flowkit::embedded", "An earlier process died and left behind: '{names}'. {what}");
        }
    };
    tell(&left.crashed, "They are Crashed now.");
    tell(&left.interrupted, "They go on once their flow is called again, or resumed.");
    Ok((Opened { connection, epoch, mark, is_checked }, lock))
}

/// What the file is called whose lock is the right to write.
const LOCK: &str = "-lock";

/// Refuses what cannot be a file of ours, before anything is made.
fn check_place(path: &Path) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(format!("there is no folder `{}`", folder.display()));
    }
    match std::fs::metadata(path) {
        Ok(what) if what.is_dir() => Err("it is a folder, and must be a file".to_owned()),
        Ok(what) if !what.is_file() => Err("it is not a regular file".to_owned()),
        _ => Ok(()),
    }
}

/// Why a file cannot be used.
#[derive(Debug)]
enum Trouble {
    /// It can be set aside.
    Damaged(String),
    /// It is not ours, or cannot be written: hands off.
    Refused(String),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            Some(ErrorCode::NotADatabase) => Self::Refused("it is not an SQLite database".to_owned()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

impl Trouble {
    fn error(self, path: &Path) -> Error {
        let (Self::Damaged(why) | Self::Refused(why)) = self;
        Error::new(ErrorKind::Backend, format!("the database `{}` cannot be used: {why}", path.display()))
    }
}

/// Says that what is in a file cannot be read.
pub(super) fn unusable(path: &Path, error: rusqlite::Error) -> Error {
    Trouble::from(error).error(path)
}

/// Opens the file; tells with it whether it is known to be whole.
fn prepare(path: &Path) -> Result<(Connection, bool), Trouble> {
    // Not as a URI: what looks like one is a name like any other.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(64);
    refuse_others(&connection)?;
    if schema::version(&connection)? == 0 {
        // It must be chosen before there is a table. Later it would be a write, before it is known whether the file is
        // whole.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES)?;
    sync(&connection, Sync::Full)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -8_000)?;
    schema::migrate(&mut connection)?;
    let closed: i64 = connection.query_row("SELECT closed FROM owner", [], |row| row.get(0))?;
    // What was not closed may be damaged.
    if closed == CLOSED || (closed != DAMAGED && size(&connection)? > check::AT_ONCE) {
        return Ok((connection, closed == CLOSED));
    }
    match check::look_through(&connection)? {
        Found::Whole => Ok((connection, true)),
        Found::Damage(why) => Err(Trouble::Damaged(why)),
    }
}

/// What `owner.closed` says of a file that was closed, and of one that was found to be damaged while it was written.
const CLOSED: i64 = 1;
pub(super) const DAMAGED: i64 = 2;

fn size(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |query| connection.query_row(query, [], |row| row.get::<_, u32>(0)).map(u64::from);
    Ok(number("PRAGMA page_count")? * number("PRAGMA page_size")?)
}

/// When what is committed is waited for until it is on disk.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sync {
    /// Each time.
    Full,
    /// When it goes from the file beside the database to the database.
    Normal,
    /// Never: with the next commit that is.
    Off,
}

/// Says from when on what is committed has to be on disk.
pub(super) fn sync(connection: &Connection, sync: Sync) -> rusqlite::Result<()> {
    let level = match sync {
        Sync::Full => "FULL",
        Sync::Normal => "NORMAL",
        Sync::Off => "OFF",
    };
    connection.pragma_update(None, "synchronous", level)
}

/// Refuses the file of another program, and one that a newer version has written.
fn refuse_others(connection: &Connection) -> Result<(), Trouble> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if tables > 0 && application != schema::APPLICATION_ID {
        return Err(Trouble::Refused("it is the SQLite database of another program".to_owned()));
    }
    let version = schema::version(connection)?;
    if version > schema::newest() {
        let newest = schema::newest();
        let why =
            format!("a newer version of flowkit has written it (format {version}, this one knows up to {newest})");
        return Err(Trouble::Refused(why));
    }
    Ok(())
}

/// Notes that this process writes now. That is on disk with the first thing that has to be there: before that, nothing
/// tells of this process.
fn begin(connection: &Connection) -> rusqlite::Result<i64> {
    // Nothing goes to the database itself meanwhile: that would not be waited for either.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    sync(connection, Sync::Off)?;
    let begun = "UPDATE owner SET epoch = epoch + 1, closed = 0 RETURNING epoch";
    let epoch = connection.query_row(begun, [], |row| row.get(0))?;
    sync(connection, Sync::Full)?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)?;
    Ok(epoch)
}

/// Takes the right to write, which ends with this process at the latest.
fn take(path: &Path) -> Result<File, Error> {
    let place = beside(path, LOCK);
    let failed = |error: std::io::Error| {
        let why = format!("the database `{}` cannot be opened for writing", path.display());
        Error::new(ErrorKind::Backend, why).with_source(error)
    };
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&place).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(failed(error)),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.is_empty() { "another process" } else { holder.trim() };
            let why = format!(
                "the database `{}` is being written by {holder}: one process writes at a time (any number may read)",
                path.display()
            );
            return Err(Error::new(ErrorKind::Backend, why));
        }
    }
    let program = std::env::args().next().unwrap_or_default();
    let holder =
        format!("process {} (`{program}`, since {})\n", std::process::id(), clock::now().to_utc().to_rfc3339());
    // Only for the message above: that it cannot be written changes nothing. Not cut to nothing first, which has some file
    // systems write to the disk at once.
    let _ =
        file.rewind().and_then(|()| file.write_all(holder.as_bytes())).and_then(|()| file.set_len(holder.len() as u64));
    Ok(file)
}

/// Moves a damaged file, and what SQLite keeps beside it, to a name that nobody has.
fn set_aside(path: &Path, why: &str) -> Result<PathBuf, Error> {
    let stamp = clock::now().to_utc().format("%Y%m%dT%H%M%S%6f");
    let aside = beside(path, &format!(".damaged-{stamp}"));
    for suffix in ["-wal", "-shm"].into_iter().chain(SUFFIXES).chain([""]) {
        let from = beside(path, suffix);
        if suffix.is_empty() || from.exists() {
            std::fs::rename(&from, beside(&aside, suffix)).map_err(|error| {
                let why = format!("the database `{}` is damaged ({why}) and cannot be moved aside", path.display());
                Error::new(ErrorKind::Backend, why).with_source(error)
            })?;
        }
    }
    Ok(aside)
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Opens the file for reading, which any process may at any time.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, Error> {
    check_place(path).map_err(|why| Trouble::Refused(why).error(path))?;
    if !path.exists() {
        return Err(Trouble::Refused("there is no such file".to_owned()).error(path));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).map_err(Trouble::from).and_then(|connection| {
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        refuse_others(&connection)?;
        if schema::version(&connection)? == 0 {
            return Err(Trouble::Refused("there are no runs of flowkit in it".to_owned()));
        }
        Ok(connection)
    });
    opened.map_err(|trouble| trouble.error(path))
}
