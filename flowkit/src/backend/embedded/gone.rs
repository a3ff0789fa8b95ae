//! Whether the file is still where it was opened: what is written to one that was removed is lost.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::{self, Instant};

/// How often is looked.
const OFTEN: Duration = Duration::from_secs(1);

/// The place of a file, as long as it is there.
#[derive(Debug)]
pub(super) struct Whereabouts {
    path: PathBuf,
    /// What the system knows the file by; `None` once it is gone.
    file: Option<(u64, u64)>,
    next: Instant,
}

impl Whereabouts {
    pub(super) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), file: known(path), next: clock::instant() }
    }

    /// Looks, if it is time; tells once that the file is gone.
    pub(super) fn look(&mut self) {
        let now = clock::instant();
        if self.file.is_none() || now < self.next {
            return;
        }
        self.next = now + OFTEN;
        if known(&self.path) != self.file {
            self.file = None;
            tracing::error!(
                target: "flowkit::embedded",
                "The database `{}` was removed or replaced while it is written: what runs report is lost from now on, until the \
                 program is started again.",
                self.path.display()
            );
        }
    }
}

fn known(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}
