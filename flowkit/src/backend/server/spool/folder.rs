//! The files of a spool: one folder for each server, one file for what each process has left.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::collect;
use super::lines::{self, DAMAGED, DONE, Lines};
use super::record::{self, Header, Record, Unfit};
use crate::backend::Undelivered;
use crate::clock;

/// How files end that are whole, and that are being written.
const WHOLE: &str = "jsonl";
const PART: &str = "part";

/// What is being written changes more often than this.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// The folder of one server.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    own: PathBuf,
    api: String,
    /// How many bytes all folders below the root may have.
    most: u64,
}

/// What has become of records that were to be written.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) path: PathBuf,
    /// What has fitted, and what has not.
    pub(super) kept: Undelivered,
    pub(super) cut: Undelivered,
    /// How many files of earlier processes had to go for it.
    pub(super) removed: usize,
}

impl Folder {
    pub(super) fn new(root: &Path, api: &str, most: u64) -> Self {
        Self { root: root.to_owned(), own: root.join(name_of(api)), api: api.to_owned(), most }
    }

    pub(super) fn path(&self) -> &Path {
        &self.own
    }

    /// Makes the folder, and finds out whether it can be written.
    pub(super) fn prepare(&self) -> io::Result<()> {
        make(&self.root)?;
        let probe = self.root.join(format!("{}.probe", unique()));
        new_file(&probe)?;
        fs::remove_file(probe)
    }

    /// Writes a file, all of it or nothing; what does not fit into the bound is left out.
    pub(super) fn write(&self, records: impl Iterator<Item = Record>) -> io::Result<Written> {
        make(&self.own)?;
        let path = self.own.join(unique());
        let part = path.with_extension(PART);
        let path = path.with_extension(WHOLE);
        let written = self.write_to(&part, records).and_then(|(written, size)| {
            let removed = self.make_room(size)?;
            fs::rename(&part, &path)?;
            Ok(Written { path, removed, ..written })
        });
        if written.is_err() {
            // What is left of it is in the way of nobody.
            let _ = fs::remove_file(&part);
        }
        written
    }

    fn write_to(&self, part: &Path, records: impl Iterator<Item = Record>) -> io::Result<(Written, u64)> {
        let mut file = BufWriter::new(new_file(part)?);
        let header = record::line(&Header::new(&self.api, clock::now().to_utc()))?;
        file.write_all(header.as_bytes())?;
        let (mut written, mut number, mut size) = (Written::default(), 0, header.len() as u64 + 64);
        let mut is_full = false;
        for record in records {
            let line = record::line(&record)?;
            is_full |= size + line.len() as u64 > self.most;
            if is_full {
                collect::count(&mut written.cut, &record);
                continue;
            }
            collect::count(&mut written.kept, &record);
            size += line.len() as u64;
            file.write_all(line.as_bytes())?;
            number += 1;
        }
        file.write_all(record::line(&Record::End(number))?.as_bytes())?;
        file.into_inner()?.sync_all()?;
        Ok((written, size))
    }

    /// Removes what nobody writes any more, and the oldest files of all folders until there is room for so many bytes.
    fn make_room(&self, size: u64) -> io::Result<usize> {
        let mut files: Vec<(PathBuf, u64)> = Vec::new();
        for folder in fs::read_dir(&self.root)?.flatten() {
            for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                let (path, metadata) = (file.path(), file.metadata());
                let length = metadata.as_ref().map(fs::Metadata::len).unwrap_or_default();
                let age = metadata.and_then(|it| it.modified()).map(|at| at.elapsed().unwrap_or_default());
                let is_old = age.is_ok_and(|age| age >= ABANDONED);
                match path.extension().and_then(|end| end.to_str()) {
                    Some(WHOLE | DAMAGED) => files.push((path, length)),
                    Some(PART | DONE) if is_old && is_left_over(&path) => {
                        // It may be in use on another machine, or gone by now.
                        let _ = fs::remove_file(path);
                    }
                    _ => {}
                }
            }
        }
        files.sort_by(|(one, _), (other, _)| one.file_name().cmp(&other.file_name()));
        let mut held: u64 = files.iter().map(|(_, length)| length).sum();
        let mut removed = 0;
        for (path, length) in files {
            if held + size <= self.most {
                break;
            }
            lines::remove(&path)?;
            held -= length;
            removed += 1;
        }
        Ok(removed)
    }

    /// The files that wait, oldest first. Those that nobody has finished writing are none.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.own).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == WHOLE)).collect();
        files.sort();
        files
    }

    /// Takes the right to deliver, for as long as what comes back lives; `None` if another one has it.
    pub(super) fn lock(&self) -> io::Result<Option<File>> {
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.own.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Opens a file to read its records.
    pub(super) fn open(&self, path: &Path) -> io::Result<Result<Lines, Unfit>> {
        Lines::open(path, &self.api)
    }
}

/// Tells whether a file belongs to none that is whole.
fn is_left_over(path: &Path) -> bool {
    !path.with_extension(WHOLE).exists()
}

fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// A name that no other file has, and that sorts by time.
fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:020}-{}-{count:06}", clock::now().unix_micros().max(0), std::process::id())
}

/// What the folder of a server is called: its address, as far as a name can tell it, and something that makes it unique.
fn name_of(api: &str) -> String {
    let readable = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' };
    let address = api.split_once("://").map_or(api, |(_, rest)| rest).trim_end_matches("/api");
    let address: String = address.chars().map(readable).take(80).collect();
    let hash = Sha256::digest(api.as_bytes());
    let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{address}-{hash}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use flowkit_client::model::LogCreate;
    use uuid::Uuid;

    use super::super::note::Note;
    use super::*;

    const API: &str = "http://127.0.0.1:4200/api";

    /// A folder that is gone when the test ends.
    struct Place(PathBuf);

    impl Place {
        fn new(test: &str) -> Self {
            Self(std::env::temp_dir().join(format!("flowkit-spool-{}-{test}", std::process::id())))
        }

        fn folder(&self, api: &str, most: u64) -> Folder {
            Folder::new(&self.0, api, most)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            // It may never have been made.
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn records(count: usize) -> impl Iterator<Item = Record> {
        (0..count).map(|n| Record::Log(Box::new(LogCreate::new(Uuid::nil(), 20, format!("line {n:04}")))))
    }

    fn read(folder: &Folder, path: &Path) -> Vec<Record> {
        let mut lines = folder.open(path).expect("it can be read").expect("it is ours");
        let mut records = Vec::new();
        while let Some(line) = lines.next_line().expect("it can be read") {
            records.extend(serde_json::from_str::<Record>(&line));
        }
        records
    }

    #[test]
    fn what_is_kept_is_read_by_the_next_process_and_by_nobody_else() {
        let place = Place::new("kept");
        let folder = place.folder(API, 1 << 20);
        assert!(folder.files().is_empty(), "there is no folder yet");
        let written = folder.write(records(3)).expect("it can be written");
        assert_eq!((written.kept.logs, written.cut.logs, written.removed), (3, 0, 0));
        assert_eq!(folder.files(), std::slice::from_ref(&written.path));
        let read = read(&folder, &written.path);
        assert!(
            matches!(read.as_slice(), [Record::Log(_), Record::Log(_), Record::Log(_), Record::End(3)]),
            "{read:?}"
        );
        assert!(place.folder("http://127.0.0.1:4201/api", 1 << 20).files().is_empty(), "it is for another server");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&place.0), mode(folder.path()), mode(&written.path)), (0o700, 0o700, 0o600));
    }

    #[test]
    fn how_far_a_file_is_delivered_is_known_to_the_next_process() {
        let place = Place::new("done");
        let folder = place.folder(API, 1 << 20);
        let path = folder.write(records(3)).expect("it can be written").path;
        let open = || folder.open(&path).expect("it can be read").expect("it is ours");
        assert_eq!(open().note(), Note::default());
        for done in [1, 2] {
            let mut note = open().note();
            note.advance(done);
            open().write(&note).expect("it can be written");
        }
        assert_eq!(open().note().done, 2);
        assert_eq!(folder.files(), std::slice::from_ref(&path), "the note is no file to deliver");
        open().remove().expect("it can be removed");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder stays").count(), 0);
    }

    #[test]
    fn a_torn_file_gives_what_it_has_and_one_without_a_beginning_is_put_aside() {
        let place = Place::new("torn");
        let folder = place.folder(API, 1 << 20);
        let path = folder.write(records(3)).expect("it can be written").path;
        let text = fs::read_to_string(&path).expect("it is text");
        fs::write(&path, &text[..text.find("line 0002").expect("the third line")]).expect("it can be written");
        assert!(matches!(read(&folder, &path).as_slice(), [Record::Log(_), Record::Log(_)]));
        fs::write(&path, "").expect("it can be written");
        assert_eq!(folder.open(&path).expect("it can be read").err(), Some(Unfit::Damaged));
        let aside = lines::set_aside(&path).expect("it can be renamed");
        assert!(aside.exists() && folder.files().is_empty());
    }

    #[test]
    fn the_bound_holds_for_all_servers_and_the_oldest_goes_first() {
        let place = Place::new("bound");
        let size = |written: &Written| fs::metadata(&written.path).expect("it is there").len();
        let folder = place.folder(API, 1 << 20);
        let first = folder.write(records(10)).expect("it can be written");
        let second = place.folder("http://other/api", 1 << 20).write(records(10)).expect("it can be written");
        let most = size(&first) + size(&second) + 100;
        let third = place.folder(API, most).write(records(8)).expect("it can be written");
        assert_eq!((third.kept.logs, third.removed), (8, 1));
        assert!(!first.path.exists() && second.path.exists() && third.path.exists());
        let cut = place.folder(API, most).write(records(1_000)).expect("it can be written");
        assert!(cut.kept.logs > 10 && cut.kept.logs < 1_000, "{cut:?}");
        assert_eq!(cut.kept.logs + cut.cut.logs, 1_000, "the rest is counted");
        assert_eq!(cut.removed, 2);
        assert!(size(&cut) <= most, "{} bytes", size(&cut));
    }

    #[test]
    fn what_nobody_writes_any_more_is_removed() {
        let place = Place::new("abandoned");
        let folder = place.folder(API, 1 << 20);
        let kept = folder.write(records(1)).expect("it can be written").path;
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        let file = |name: &str, is_old: bool| {
            let path = folder.path().join(name);
            let file = new_file(&path).expect("it is new");
            if is_old {
                file.set_modified(long_ago).expect("it is ours");
            }
            path
        };
        let gone = [file("1.part", true), file("1.done", true)];
        let note = kept.with_extension(DONE);
        let note = file(note.file_name().and_then(|name| name.to_str()).expect("a name"), true);
        let stay = [kept, note, file("2.part", false), file("2.done", false), file("1.damaged", true)];
        folder.write(records(1)).expect("it can be written");
        assert!(gone.iter().all(|path| !path.exists()));
        assert!(stay.iter().all(|path| path.exists()));
    }

    #[test]
    fn one_process_delivers_at_a_time() {
        let place = Place::new("lock");
        let folder = place.folder(API, 1 << 20);
        folder.write(records(1)).expect("it can be written");
        let held = folder.lock().expect("it can be locked");
        assert!(held.is_some());
        assert!(place.folder(API, 1 << 20).lock().expect("it can be asked").is_none());
        drop(held);
        assert!(folder.lock().expect("it can be asked").is_some());
    }

    #[test]
    fn a_place_that_cannot_be_written_says_so_at_once() {
        let place = Place::new("file");
        assert!(place.folder(API, 1).prepare().is_ok());
        fs::write(place.0.join("file"), "").expect("it can be written");
        assert!(Folder::new(&place.0.join("file"), API, 1).prepare().is_err());
    }
}
