//! The folder of a store, and what is wrong with one that cannot be used.

use std::io;
use std::path::{Path, PathBuf};

/// The folder of a store.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    /// Absolute, if the present folder is known.
    pub(super) path: PathBuf,
    /// The setting or the call that names it.
    named_by: &'static str,
}

impl Folder {
    pub(super) fn new(path: PathBuf, named_by: &'static str) -> Self {
        let path = std::path::absolute(&path).unwrap_or(path);
        Self { path, named_by }
    }

    /// Tells, for people, why files of the folder cannot be used, if that is due to the folder.
    pub(super) fn trouble(&self, file: &Path, error: &io::Error) -> Option<String> {
        if !file.starts_with(&self.path) {
            return None;
        }
        let there = self.path.ancestors().find(|path| path.symlink_metadata().is_ok())?;
        let wrong = match error.kind() {
            _ if !there.is_dir() => match (there == self.path, there.is_symlink()) {
                (true, false) => "is a file".to_owned(),
                (false, false) => format!("cannot be made: `{}` is a file", there.display()),
                (_, true) => format!("cannot be used: `{}` is a link to no folder", there.display()),
            },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                format!("cannot be used: no access to `{}`", there.display())
            }
            _ => return None,
        };
        Some(format!("the folder of results `{}`, which {} names, {wrong}", self.path.display(), self.named_by))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_folder_is_told_with_who_names_it() {
        let root = std::env::temp_dir().join(format!("flowkit-folder-{}", Uuid::new_v4().simple()));
        fs::create_dir(&root).expect("it can be made");
        let file = root.join("file");
        fs::write(&file, "").expect("it can be written");
        let (odd, denied) =
            (io::Error::from(io::ErrorKind::AlreadyExists), io::Error::from(io::ErrorKind::PermissionDenied));
        let trouble = |path: &Path, error| Folder::new(path.to_owned(), "SOME_SETTING").trouble(&path.join("k"), error);
        let told = |path: &Path, wrong: &str| {
            Some(format!("the folder of results `{}`, which SOME_SETTING names, {wrong}", path.display()))
        };
        assert_eq!(trouble(&file, &odd), told(&file, "is a file"));
        let below = file.join("a/b");
        assert_eq!(trouble(&below, &odd), told(&below, &format!("cannot be made: `{}` is a file", file.display())));
        let new = root.join("new");
        let wrong = format!("cannot be used: no access to `{}`", root.display());
        assert_eq!(trouble(&new, &denied), told(&new, &wrong));
        assert_eq!(trouble(&root, &odd), None, "the folder is good");
        assert_eq!(Folder::new(file, "X").trouble(Path::new("/elsewhere/k"), &odd), None);
        fs::remove_dir_all(&root).expect("it can be removed");
    }
}
