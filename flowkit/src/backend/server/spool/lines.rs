//! One file of a spool, and what is noted about it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::note::Note;
use super::record::{Header, Unfit};

/// How a file ends that tells how far another one is delivered.
pub(super) const DONE: &str = "done";
/// How a file ends that cannot be read.
pub(super) const DAMAGED: &str = "damaged";

/// The records of a file, as they are written.
#[derive(Debug)]
pub(super) struct Lines {
    file: BufReader<File>,
    path: PathBuf,
    written: DateTime<Utc>,
}

impl Lines {
    /// Opens a file that may be meant for the server at `api`.
    pub(super) fn open(path: &Path, api: &str) -> io::Result<Result<Self, Unfit>> {
        let file = BufReader::new(File::open(path)?);
        let mut lines = Self { file, path: path.to_owned(), written: DateTime::UNIX_EPOCH };
        let header = lines.next_line()?.unwrap_or_default();
        Ok(Header::read(&header, api).map(|header| Self { written: header.written, ..lines }))
    }

    /// The next line. What a torn line may hold is no text.
    pub(super) fn next_line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        let read = self.file.read_until(b'\n', &mut line)?;
        Ok((read > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
    }

    /// The same lines from the first on.
    pub(super) fn again(&self) -> io::Result<Self> {
        let (file, path) = (BufReader::new(File::open(&self.path)?), self.path.clone());
        let mut lines = Self { file, path, written: self.written };
        lines.next_line()?;
        Ok(lines)
    }

    /// When the file was written.
    pub(super) fn written(&self) -> DateTime<Utc> {
        self.written
    }

    /// How far it is delivered already.
    pub(super) fn note(&self) -> Note {
        Note::read(&fs::read_to_string(self.path.with_extension(DONE)).unwrap_or_default())
    }

    /// Writes the note, where an earlier one is: the disk may be full by then.
    pub(super) fn write(&self, note: &Note) -> io::Result<()> {
        let text = note.text()?;
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(false).mode(0o600).open(self.path.with_extension(DONE))?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)
    }

    /// Removes the file: everything in it is delivered.
    pub(super) fn remove(&self) -> io::Result<()> {
        remove(&self.path)
    }
}

/// Puts a file aside that cannot be read, and gives its new name.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = path.with_extension(DAMAGED);
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// Removes a file, and then what is noted about it: a file without a note would be delivered once more.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    for path in [path, &path.with_extension(DONE)] {
        match fs::remove_file(path) {
            // Another process has been faster, or there was no note.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    Ok(())
}
