//! Files that are there for a moment.

use std::path::{Path, PathBuf};

/// A folder of its own below the one for temporary files, which `TMPDIR` names; it goes when this is dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes the folder.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("flowkit-benches-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for temporary files that can be written");
        Self(folder)
    }

    /// Names a file in the folder, after what was there by that name is removed, and what SQLite keeps beside it.
    pub fn fresh(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        for suffix in ["", "-wal", "-shm", "-lock"] {
            let mut beside = path.clone().into_os_string();
            beside.push(suffix);
            // Mostly there is none.
            let _ = std::fs::remove_file(beside);
        }
        path
    }

    /// Names a file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Names the folder.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is below the folder for temporary files, and would be found there.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
