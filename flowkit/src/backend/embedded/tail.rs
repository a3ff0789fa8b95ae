//! What is not in the database yet lies in one of two files beside it, so that the death of the process costs nothing.
//!
//! Each report is written there by whoever makes it, with one call and without waiting for the disk: the system keeps it
//! whatever becomes of the process. When the writer takes what has gathered, the other file is begun; by then all that
//! lay in that one is in the database, and it is written again from its beginning.

use std::fs::{File, OpenOptions};
use std::io::{Error, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::frame;
use super::open::beside;

/// What the files are called, after the database.
pub(super) const SUFFIXES: [&str; 2] = ["-tail0", "-tail1"];

/// What a file that is begun again may keep of its room.
const ROOM: u64 = 16 << 20;

/// The two files.
#[derive(Debug)]
pub(super) struct Tail {
    places: [PathBuf; 2],
    database: Uuid,
    files: [Option<File>; 2],
    /// Which of them is written to.
    current: usize,
    /// The number of the last record.
    last: u64,
    /// The number of the last one that is in a file.
    down: u64,
    /// How many bytes were written since the file was begun; `None` once that has failed, until the next is begun.
    written: Option<u64>,
    /// Whether it was told that it has failed.
    told: bool,
    /// Records that are not in the file yet.
    held: Vec<u8>,
}

impl Tail {
    /// Prepares the files of a database that has taken all records up to this number; they are made once needed.
    pub(super) fn new(path: &Path, database: Uuid, last: u64) -> Self {
        let places = SUFFIXES.map(|suffix| beside(path, suffix));
        let files = [None, None];
        Self { places, database, files, current: 0, last, down: last, written: Some(0), told: false, held: Vec::new() }
    }

    /// Adds a record.
    ///
    /// # Errors
    ///
    /// Fails the first time that it cannot be written; after that there is nothing new to tell.
    pub(super) fn add(&mut self, content: &[u8]) -> Result<(), Unwritten> {
        self.hold(content);
        self.put_down()
    }

    /// Adds a record that goes to the file with the next one.
    pub(super) fn hold(&mut self, content: &[u8]) {
        if self.written.is_some() {
            self.last += 1;
            frame::put(&mut self.held, self.last, content);
        }
    }

    /// Writes what is not in the file yet.
    ///
    /// # Errors
    ///
    /// As [`Tail::add`].
    pub(super) fn put_down(&mut self) -> Result<(), Unwritten> {
        let Some(written) = self.written.filter(|_| !self.held.is_empty()) else { return Ok(()) };
        let done = self.write(written);
        let length = self.held.len() as u64;
        self.held.clear();
        match done {
            Ok(()) => {
                self.down = self.last;
                self.written = Some(written + length);
                Ok(())
            }
            Err(error) => {
                // Part of it may be there: what came after would not be found.
                self.written = None;
                self.last = self.down;
                let place = self.places[self.current].clone();
                if std::mem::replace(&mut self.told, true) { Ok(()) } else { Err(Unwritten { place, error }) }
            }
        }
    }

    fn write(&mut self, written: u64) -> Result<(), Error> {
        let file = match &mut self.files[self.current] {
            Some(file) => {
                if written == 0 {
                    let end = file.seek(SeekFrom::End(0))?;
                    if end > ROOM {
                        file.set_len(frame::HEADER as u64)?;
                    }
                    file.seek(SeekFrom::Start(frame::HEADER as u64))?;
                }
                file
            }
            none => {
                let place = &self.places[self.current];
                let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(place)?;
                file.write_all(&frame::header(self.database))?;
                none.insert(file)
            }
        };
        file.write_all(&self.held)
    }

    /// Begins the other file, of which nothing is needed any longer; gives the number of the last record.
    pub(super) fn turn(&mut self) -> u64 {
        if self.written != Some(0) {
            self.current = 1 - self.current;
            self.written = Some(0);
        }
        self.last
    }

    /// Removes the files: all of it is in the database.
    pub(super) fn remove(mut self) {
        for (file, place) in self.files.iter_mut().zip(&self.places) {
            if file.take().is_some() {
                // One that stays is read by the next process, which finds nothing new in it.
                let _ = std::fs::remove_file(place);
            }
        }
    }
}

/// A report is not beside the database, and so would be lost with the process.
#[derive(Debug)]
pub(super) struct Unwritten {
    place: PathBuf,
    error: Error,
}

impl Unwritten {
    /// Says so. Whoever calls holds no lock: a log line is a report too.
    pub(super) fn tell(&self) {
        tracing::warn!(
            target: "flowkit::embedded",
            "`{}` cannot be written: {}. Runs go on and are written to the database; if the process dies, up to 5 ms of \
             what they report is lost.",
            self.place.display(), self.error
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: Uuid = Uuid::from_u128(3);

    fn read(tail: &Tail, which: usize) -> Vec<(u64, Vec<u8>)> {
        let bytes = std::fs::read(&tail.places[which]).unwrap_or_default();
        frame::records(&bytes).map(|(number, content)| (number, content.to_vec())).collect()
    }

    #[test]
    fn files_take_turns_and_are_gone_in_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut tail = Tail::new(&folder.path().join("runs.db"), DATABASE, 41);
        assert_eq!((tail.turn(), tail.current), (41, 0), "there is nothing to be left for");
        assert!(tail.add(b"a").is_ok() && tail.add(b"b").is_ok());
        assert_eq!(read(&tail, 0), [(42, b"a".to_vec()), (43, b"b".to_vec())]);
        assert_eq!(tail.turn(), 43);
        assert!(tail.add(b"c").is_ok());
        assert_eq!((read(&tail, 0).len(), read(&tail, 1)), (2, vec![(44, b"c".to_vec())]));
        assert_eq!(tail.turn(), 44);
        assert!(tail.add(b"d").is_ok());
        assert_eq!(read(&tail, 0), [(45, b"d".to_vec())]);
        tail.remove();
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn what_cannot_be_written_is_told_once_and_tried_again_with_the_next_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("not yet");
        let mut tail = Tail::new(&place.join("runs.db"), DATABASE, 0);
        let error = tail.add(b"a").expect_err("there is no such folder");
        assert!(error.place.ends_with("runs.db-tail0"), "{error:?}");
        assert!(tail.add(b"b").is_ok(), "it was told");
        std::fs::create_dir(&place).expect("a folder");
        assert_eq!(tail.turn(), 0);
        assert!(tail.add(b"c").is_ok());
        assert_eq!(read(&tail, 1), [(1, b"c".to_vec())]);
    }
}
